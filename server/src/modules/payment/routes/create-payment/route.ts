import type { Static } from "typebox";
import type { Method } from "../../../../channels/contract.ts";
import type { ApiServer } from "../../../../kit/http/api.ts";
import { readRequestKey } from "../../../idempotency/index.ts";
import { type CreatePaymentInput, createPayment } from "../../create-payment.ts";
import { type AUTO_BARCODE, chooseMethod } from "../../new-attempt.ts";
import { presentPayment } from "../../present-payment.ts";
import { findShownAttempt } from "../../read-payment.ts";
import { continueAttempt } from "../../send-attempt.ts";
import type { PaymentServices } from "../../services.ts";
import { CreatePaymentBody, PaymentObject } from "../schemas.ts";

/** `POST /v1/payments`: 201 with a new payment, 200 with the one that the same request made before. */
export function registerCreatePayment(api: ApiServer, services: PaymentServices): void {
  api.post(
    "/v1/payments",
    {
      schema: {
        operationId: "createPayment",
        tags: ["Payments"],
        summary: "Create a payment",
        description:
          "Starts collecting `amount`; `action` says what the payer does next. The same `out_trade_no` with the same content answers the payment that is there (200), with other content 409.",
        body: CreatePaymentBody,
        response: { 200: PaymentObject, 201: PaymentObject },
      },
    },
    async (request, reply) => {
      const idempotency = readRequestKey(request);
      const input = toInput(request.body);
      const made = await createPayment(services, request.caller, input, idempotency);
      if (made.created) return reply.code(201).send(presentPayment(services.settings, made.payment, made.attempt));
      if (idempotency) reply.header("Idempotent-Replayed", "true");
      const attempt = await findShownAttempt(services, made.payment);
      const current = attempt ? await continueAttempt(services, made.payment, attempt) : made;
      return reply.code(200).send(presentPayment(services.settings, current.payment, current.attempt));
    },
  );
}

const DEFAULT_EXPIRY_S = 7200;

function methodOf({ method, payer }: Static<typeof CreatePaymentBody>): Method | undefined {
  if (method === undefined || method === "cashier") return undefined;
  return chooseMethod(method as Method | typeof AUTO_BARCODE, payer ?? {});
}

/** In the order of the alphabet, in which it is hashed. */
function toInput(body: Static<typeof CreatePaymentBody>): CreatePaymentInput {
  return {
    amount: BigInt(body.amount),
    currency: body.currency,
    description: body.description,
    expires_in: body.expires_in ?? DEFAULT_EXPIRY_S,
    metadata: body.metadata ?? {},
    method: methodOf(body),
    notify_url: body.notify_url,
    out_trade_no: body.out_trade_no,
    payer: body.payer ?? {},
    return_url: body.return_url,
    sharing: body.sharing,
    store: body.store,
    subject: body.subject,
  };
}
