import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { createPayout } from "../../create-payout.ts";
import { presentPayout } from "../../present.ts";
import type { PayoutServices } from "../../services.ts";
import { CreatePayoutBody, PayoutObject } from "../schemas.ts";

/** `POST /v1/payouts`: 201 with a new payout, 200 with the one that the same request made before. */
export function registerCreatePayout(api: ApiServer, services: PayoutServices): void {
  api.post(
    "/v1/payouts",
    {
      schema: {
        operationId: "createPayout",
        tags: ["Payouts"],
        summary: "Pay out what is available",
        description:
          "Amount and fee leave what is available at once, and come back if nobody is paid. The same `out_payout_no` with the same content answers the payout that is there (200); what becomes of it is told by webhooks.",
        body: CreatePayoutBody,
        response: { 200: PayoutObject, 201: PayoutObject },
      },
    },
    async (request, reply) => {
      const idempotency = readRequestKey(request);
      const { amount, title, metadata, ...rest } = request.body;
      const input = { ...rest, amount: BigInt(amount), title, metadata };
      const made = await createPayout(services, request.caller, input, idempotency);
      if (!made.created && idempotency) reply.header("Idempotent-Replayed", "true");
      return reply.code(made.created ? 201 : 200).send(presentPayout(made.payout));
    },
  );
}
