import type { Method } from "../../../../channels/contract.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { createAttempt } from "../../create-attempt.ts";
import { type AUTO_BARCODE, chooseMethod } from "../../new-attempt.ts";
import { presentPayment } from "../../present-payment.ts";
import { findPayment } from "../../read-payment.ts";
import type { PaymentServices } from "../../services.ts";
import { CreateAttemptBody, PaymentObject, PaymentParams } from "../schemas.ts";

/** `POST /v1/payments/:id/attempts`: another method, or the same again. Answers the payment with the attempt's action. */
export function registerCreateAttempt(api: ApiServer, services: PaymentServices): void {
  api.post(
    "/v1/payments/:id/attempts",
    {
      schema: {
        operationId: "createAttempt",
        tags: ["Payments"],
        summary: "Start an attempt",
        description:
          "Offers the payer another method, or the same again: asked again shortly after, the running attempt continues. At most one attempt of a payment wins; a second success is refunded by itself.",
        params: PaymentParams,
        body: CreateAttemptBody,
        response: { 201: PaymentObject },
      },
    },
    async (request, reply) => {
      const payment = await findPayment(services, request.caller, request.params.id);
      const { method, payer, return_url } = request.body;
      const chosen = chooseMethod(method as Method | typeof AUTO_BARCODE, payer ?? {});
      const input = { method: chosen, payer: payer ?? {}, return_url };
      const made = await createAttempt(services, payment, input, readRequestKey(request));
      if (made.replayed) reply.header("Idempotent-Replayed", "true");
      return reply.code(201).send(presentPayment(services.settings, made.payment, made.attempt));
    },
  );
}
