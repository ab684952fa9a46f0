/** Reading payments, always within the caller's own app and book. */
import type { Caller } from "../../kit/http/api.ts";
import { parsePublicId } from "../../kit/id.ts";
import { loadAttemptsOfPayments, loadShownAttempts } from "./attempt-store.ts";
import { paymentErrors } from "./errors.ts";
import type { Attempt, Payment } from "./payment.ts";
import type { PaymentServices } from "./services.ts";
import { listPayments, loadPayments, type PaymentFilter } from "./store.ts";

/** Whether a payment belongs to the caller: same merchant, app and book. Anything else does not exist for them. */
function belongsTo(payment: Payment, caller: Caller): boolean {
  return (
    payment.merchant_id === caller.merchant_id &&
    payment.app_id === caller.app_id &&
    payment.livemode === caller.livemode
  );
}

/** The payment of a public id. Throws payment.not_found. */
export async function findPayment(
  services: Pick<PaymentServices, "db">,
  caller: Caller,
  public_id: string,
): Promise<Payment> {
  const id = parsePublicId("payment", public_id);
  const payment = id && (await loadPayments(services.db, [{ merchant_id: caller.merchant_id, id }])).get(id);
  if (!payment || !belongsTo(payment, caller)) throw paymentErrors["payment.not_found"]();
  return payment;
}

/** The attempt that stands for a payment, if any was made. */
export async function findShownAttempt(
  services: Pick<PaymentServices, "db">,
  payment: Payment,
): Promise<Attempt | undefined> {
  return (await loadShownAttempts(services.db, [payment])).get(payment.id);
}

export async function findAttempts(services: Pick<PaymentServices, "db">, payment: Payment): Promise<Attempt[]> {
  return loadAttemptsOfPayments(services.db, [payment]);
}

/** A page of payments with their shown attempts. */
export async function readPayments(
  services: Pick<PaymentServices, "db">,
  filter: PaymentFilter,
): Promise<{ payment: Payment; attempt: Attempt | undefined }[]> {
  const payments = await listPayments(services.db, filter);
  if (payments.length === 0) return [];
  const attempts = await loadShownAttempts(services.db, payments);
  return payments.map((payment) => ({ payment, attempt: attempts.get(payment.id) }));
}
