import { Type } from "typebox";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentStatement } from "../../present-statement.ts";
import { readStatement } from "../../read-statement.ts";
import type { StatementServices } from "../../services.ts";
import { Currency, DayParams, StatementObject } from "../schemas.ts";

/** `GET /v1/statements/:date`: a day of the key's mode. */
export function registerReadStatement(api: ApiServer, services: StatementServices): void {
  api.get(
    "/v1/statements/:date",
    {
      schema: {
        operationId: "readStatement",
        tags: ["Statements"],
        summary: "Read the statement of a day",
        description:
          "What was booked from midnight to midnight where the merchant is. A day's opening is the closing of the day before.",
        params: DayParams,
        querystring: Type.Object({ currency: Currency }),
        response: { 200: StatementObject },
      },
    },
    async ({ caller, params, query }) => {
      const { merchant_id, livemode } = caller;
      return presentStatement(await readStatement(services, { merchant_id, livemode, ...params, ...query }));
    },
  );
}
