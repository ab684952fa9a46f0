import type { ApiServer } from "../../../../kit/http/api.ts";
import { parsePublicId } from "../../../../kit/id.ts";
import { reserveErrors } from "../../errors.ts";
import { presentReserveWithHistory } from "../../present.ts";
import type { ReserveServices } from "../../services.ts";
import { findReserve, loadHistory } from "../../store.ts";
import { ReserveParams, ReserveWithHistory } from "../schemas.ts";

/** `GET /v1/reserves/:id` */
export function registerReadReserve(api: ApiServer, { db }: Pick<ReserveServices, "db">): void {
  api.get(
    "/v1/reserves/:id",
    {
      schema: {
        operationId: "readReserve",
        tags: ["Settlements"],
        summary: "Read a reserve, with what became of it",
        params: ReserveParams,
        response: { 200: ReserveWithHistory },
      },
    },
    async ({ caller, params }) => {
      const id = parsePublicId("reserve", params.id);
      const reserve = id && (await findReserve(db, caller.merchant_id, id));
      if (!reserve || reserve.livemode !== caller.livemode) throw reserveErrors["reserve.not_found"]();
      return presentReserveWithHistory(reserve, await loadHistory(db, reserve));
    },
  );
}
