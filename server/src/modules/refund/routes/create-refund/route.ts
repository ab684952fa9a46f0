import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { findPayment } from "../../../payment/index.ts";
import { createRefund } from "../../create-refund.ts";
import { presentRefund } from "../../present-refund.ts";
import { viewRefunds } from "../../read-refund.ts";
import type { RefundServices } from "../../services.ts";
import { CreateRefundBody, RefundObject } from "../schemas.ts";

/** `POST /v1/refunds`: 201 with a new refund, 200 with the one that the same request made before. */
export function registerCreateRefund(api: ApiServer, services: RefundServices): void {
  api.post(
    "/v1/refunds",
    {
      schema: {
        operationId: "createRefund",
        tags: ["Refunds"],
        summary: "Refund a payment",
        description:
          "Gives back all or a part of a succeeded payment, several times if need be, never more than was paid. The same `out_refund_no` with the same content answers the refund that is there (200); its end is told by a webhook.",
        body: CreateRefundBody,
        response: { 200: RefundObject, 201: RefundObject },
      },
    },
    async (request, reply) => {
      const idempotency = readRequestKey(request);
      const { payment: payment_id, out_refund_no, amount, reason } = request.body;
      const payment = await findPayment(services, request.caller, payment_id);
      const input = { out_refund_no, amount: BigInt(amount), reason };
      const made = await createRefund(services, request.caller, payment, input, idempotency);
      const [view] = await viewRefunds(services, [made.refund]);
      if (!made.created && idempotency) reply.header("Idempotent-Replayed", "true");
      return reply.code(made.created ? 201 : 200).send(presentRefund(made.refund, view!.payment, view!.attempt));
    },
  );
}
