/** Closing and expiring: the channel is asked first, and a payment that it says is paid succeeds instead. */
import { recordEvents } from "../webhook/index.ts";
import { loadAttemptsOfPayments } from "./attempt-store.ts";
import { CALL_LEASE_MS } from "./new-attempt.ts";
import { isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";
import { paymentEvent } from "./record-outcomes.ts";
import { resolveAttempt } from "./resolve-attempt.ts";
import type { PaymentServices } from "./services.ts";
import { lockPayments, movePayments, requestPaymentClose, type TenantKey } from "./store.ts";

/**
 * Closes a payment now, as far as its channels answer. The payment comes back `closed`, or `succeeded` when the payer
 * was faster, or still open with `close_requested` when a channel's answer is not known; the worker then goes on.
 */
export async function closePayment(services: PaymentServices, payment: Payment): Promise<Payment> {
  if (!isOpenPayment(payment)) return payment;
  await requestPaymentClose(services.db, payment, services.clock.now() + CALL_LEASE_MS);
  return endPayment(services, payment);
}

/** Ends a payment that was asked to close or has expired. Idempotent; used by the worker too. */
export async function endPayment(services: PaymentServices, key: TenantKey): Promise<Payment> {
  const attempts = await loadAttemptsOfPayments(services.db, [key]);
  for (const attempt of attempts.filter(isOpenAttempt)) {
    const resolved = await resolveAttempt(services, attempt, true);
    if (!isOpenPayment(resolved.payment)) return resolved.payment;
  }
  return finishPayment(services, key);
}

/** Moves the payment once no attempt of it can bring money any more. */
async function finishPayment(services: PaymentServices, key: TenantKey): Promise<Payment> {
  const payment = await services.db.transaction(async (tx) => {
    const locked = (await lockPayments(tx, [key])).get(key.id)!;
    const attempts = await loadAttemptsOfPayments(tx, [key]);
    const now = services.clock.now();
    const over = locked.close_requested || locked.expires_at <= now;
    if (!isOpenPayment(locked) || !over || attempts.some(isOpenAttempt)) return locked;
    const closed: Payment = { ...locked, status: "closed", closed_at: now };
    await movePayments(tx, [{ payment: closed, expected: locked.status }]);
    await recordEvents(tx, [paymentEvent(services, "payment.closed", closed, attempts.at(-1), now)]);
    return closed;
  });
  services.kick.webhooks();
  return payment;
}
