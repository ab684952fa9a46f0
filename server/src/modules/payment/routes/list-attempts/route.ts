import type { ApiServer } from "../../../../kit/http/api.ts";
import { ListOf, toList } from "../../../../kit/http/pagination.ts";
import { presentAttempt } from "../../present-payment.ts";
import { findAttempts, findPayment } from "../../read-payment.ts";
import type { PaymentServices } from "../../services.ts";
import { AttemptObject, PaymentParams } from "../schemas.ts";

/** `GET /v1/payments/:id/attempts`: all of them, newest first. */
export function registerListAttempts(api: ApiServer, services: PaymentServices): void {
  api.get(
    "/v1/payments/:id/attempts",
    {
      schema: {
        operationId: "listAttempts",
        tags: ["Payments"],
        summary: "List a payment's attempts",
        params: PaymentParams,
        response: { 200: ListOf(AttemptObject) },
      },
    },
    async (request) => {
      const payment = await findPayment(services, request.caller, request.params.id);
      const attempts = await findAttempts(services, payment);
      return toList(attempts.reverse().map(presentAttempt), false, `/v1/payments/${request.params.id}/attempts`);
    },
  );
}
