import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { publicId } from "../../../../kit/id.ts";
import { proposeClose } from "../../close-day.ts";
import { findDay, readDayKey, showDay } from "../../read-reconciliation.ts";
import { runDay } from "../../run-day.ts";
import type { ReconciliationServices } from "../../services.ts";
import { DayParams, Reason, WholeDayObject } from "../schemas.ts";

const PATH = "/operator/v1/reconciliation/accounts/:account/days/:day";
const tags = ["Operator: reconciliation"];

/** `POST …/days/:day/run` and `…/close`. */
export function registerRunAndClose(api: ApiServer, services: ReconciliationServices): void {
  api.post(
    `${PATH}/run`,
    {
      schema: {
        ...{ operationId: "runReconciliationDay", tags, summary: "Match a day again", params: DayParams },
        description: "With the same bills and books the result is the same. A closed day stays as it is.",
        response: { 200: WholeDayObject },
      },
    },
    async ({ params }) => {
      const day = await findDay(services, readDayKey(params));
      if (day.state !== "waiting" && day.state !== "closed") await runDay(services, day, { closes: true });
      return showDay(services, await findDay(services, day));
    },
  );
  api.post(
    `${PATH}/close`,
    {
      schema: {
        ...{ operationId: "closeReconciliationDay", tags, summary: "Ask that a day be closed as it is" },
        description:
          "Over what is open: a second operator decides, under approvals. Both names and the reason are kept.",
        params: DayParams,
        body: Type.Object({ reason: Reason }),
        response: { 200: Type.Object({ object: Type.Literal("reconciliation_close"), approval: Type.String() }) },
      },
    },
    async ({ params, body, operator }) => {
      const day = await findDay(services, readDayKey(params));
      const asked = { maker_id: operator.user_id, reason: body.reason };
      const approval = publicId("approval", await proposeClose(services, day, asked));
      return { object: "reconciliation_close" as const, approval };
    },
  );
}
