import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentPayout } from "../../present.ts";
import { findPayout } from "../../read-payout.ts";
import type { PayoutServices } from "../../services.ts";
import { PayoutObject, PayoutParams } from "../schemas.ts";

/** `GET /v1/payouts/:id` */
export function registerReadPayout(api: ApiServer, { db }: Pick<PayoutServices, "db">): void {
  api.get(
    "/v1/payouts/:id",
    {
      schema: {
        operationId: "readPayout",
        tags: ["Payouts"],
        summary: "Read a payout",
        params: PayoutParams,
        response: { 200: PayoutObject },
      },
    },
    async ({ caller, params }) => presentPayout(await findPayout(db, caller, params.id)),
  );
}
