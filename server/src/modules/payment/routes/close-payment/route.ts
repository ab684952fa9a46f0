import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { closePayment } from "../../close-payment.ts";
import { paymentErrors } from "../../errors.ts";
import { presentPayment } from "../../present-payment.ts";
import { findPayment, findShownAttempt } from "../../read-payment.ts";
import type { PaymentServices } from "../../services.ts";
import { PaymentObject, PaymentParams } from "../schemas.ts";

/**
 * `POST /v1/payments/:id/close`. Repeating it is safe. A payment that the payer has paid cannot be closed (409); while a
 * channel's answer is not known it comes back open with `closing: true`.
 */
export function registerClosePayment(api: ApiServer, services: PaymentServices): void {
  api.post(
    "/v1/payments/:id/close",
    {
      schema: {
        operationId: "closePayment",
        tags: ["Payments"],
        summary: "Close a payment",
        description:
          "Closes it at the channel first, so that it can no longer be paid. A payment that the payer has paid answers 409; while the channel's answer is not known, the payment comes back with `closing: true` and is closed later.",
        params: PaymentParams,
        response: { 200: PaymentObject },
      },
    },
    async (request, reply) => {
      const found = await findPayment(services, request.caller, request.params.id);
      const { payment, replayed } = await closePayment(services, found, readRequestKey(request));
      if (replayed) reply.header("Idempotent-Replayed", "true");
      if (payment.status === "succeeded") throw paymentErrors["payment.already_succeeded"]();
      const closing = { ...payment, close_requested: true };
      return presentPayment(services.settings, closing, await findShownAttempt(services, payment));
    },
  );
}
