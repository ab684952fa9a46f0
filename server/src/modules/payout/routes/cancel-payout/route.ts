import type { ApiServer } from "../../../../kit/http/api.ts";
import { cancelPayout } from "../../cancel-payout.ts";
import { presentPayout } from "../../present.ts";
import { findPayout } from "../../read-payout.ts";
import type { PayoutServices } from "../../services.ts";
import { PayoutObject, PayoutParams } from "../schemas.ts";

/** `POST /v1/payouts/:id/cancel` */
export function registerCancelPayout(api: ApiServer, services: PayoutServices): void {
  api.post(
    "/v1/payouts/:id/cancel",
    {
      schema: {
        operationId: "cancelPayout",
        tags: ["Payouts"],
        summary: "Cancel a payout",
        description: "Takes back a payout that nobody was told to pay yet; what was set aside is available again.",
        params: PayoutParams,
        response: { 200: PayoutObject },
      },
    },
    async ({ caller, params }) => {
      const payout = await findPayout(services.db, caller, params.id);
      return presentPayout(await cancelPayout(services, payout));
    },
  );
}
