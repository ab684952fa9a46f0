import type { ApiServer } from "../../../../kit/http/api.ts";
import { presentPayment } from "../../present-payment.ts";
import { findPayment, findShownAttempt } from "../../read-payment.ts";
import type { PaymentServices } from "../../services.ts";
import { PaymentObject, PaymentParams } from "../schemas.ts";

/** `GET /v1/payments/:id` */
export function registerReadPayment(api: ApiServer, services: PaymentServices): void {
  api.get(
    "/v1/payments/:id",
    {
      schema: {
        operationId: "readPayment",
        tags: ["Payments"],
        summary: "Read a payment",
        params: PaymentParams,
        response: { 200: PaymentObject },
      },
    },
    async (request) => {
      const payment = await findPayment(services, request.caller, request.params.id);
      return presentPayment(services.settings, payment, await findShownAttempt(services, payment));
    },
  );
}
