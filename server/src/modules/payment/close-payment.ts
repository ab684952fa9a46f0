/** Closing and expiring: the channel is asked first, and a payment that it says is paid succeeds instead. */
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { claimIdempotencyKey, type IdempotencyKey, idempotencyErrors } from "../idempotency/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { loadAttemptsOfPayments, requestAttemptClose } from "./attempt-store.ts";
import { CALL_LEASE_MS } from "./new-attempt.ts";
import { type Attempt, isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";
import { paymentEvent } from "./record-outcomes.ts";
import { resolveAttempt } from "./resolve-attempt.ts";
import type { PaymentServices } from "./services.ts";
import { lockPayments, movePayments, postponePayment, requestPaymentClose } from "./store.ts";

/** How often the end of a payment is looked at again while its attempts are asked about on their own schedules. */
const LOOK_AGAIN_MS = 3600 * 1000;

/**
 * Closes a payment now, as far as its channels answer. The payment comes back `closed`, or `succeeded` when the payer
 * was faster, or still open with `close_requested` when a channel's answer is not known; the workers then go on.
 * `replayed` tells that the Idempotency-Key had asked for this close before. Throws idempotency.key_reused.
 */
export async function closePayment(
  services: PaymentServices,
  payment: Payment,
  idempotency?: IdempotencyKey,
): Promise<{ payment: Payment; replayed: boolean }> {
  // The attempts come to the worker only if this process dies before it has asked about them.
  const ended = await endPayment(services, payment, services.clock.now() + CALL_LEASE_MS, { idempotency });
  let current = ended.payment;
  for (const attempt of ended.open) {
    if (!isOpenPayment(current)) break;
    current = (await resolveAttempt(services, attempt, true)).payment;
  }
  return { payment: current, replayed: ended.replayed };
}

/** The worker's part of an end: a payment that nobody can pay is closed, for others their attempts are asked about. */
export async function expirePayment(services: PaymentServices, key: TenantKey): Promise<void> {
  const { open } = await endPayment(services, key, services.clock.now(), undefined);
  if (open.length > 0) services.kick.attempts();
}

/**
 * Under the payment's lock: closes it when no attempt can bring money any more; else has each open attempt end, which
 * then ends the payment too (`decide-outcome.ts`).
 */
async function endPayment(
  services: PaymentServices,
  key: TenantKey,
  attempts_due_at: number,
  request: { idempotency: IdempotencyKey | undefined } | undefined,
): Promise<{ payment: Payment; open: Attempt[]; replayed: boolean }> {
  const ended = await services.db.transaction(async (tx) => {
    const payment = (await lockPayments(tx, [key])).get(key.id)!;
    const attempts = await loadAttemptsOfPayments(tx, [key]);
    const now = services.clock.now();
    const replayed = await isReplayed(tx, payment, request?.idempotency, now);
    const close_requested = payment.close_requested || request !== undefined;
    const over = close_requested || payment.expires_at <= now;
    if (!isOpenPayment(payment) || !over) return { payment, open: [], replayed };
    const open = attempts.filter(isOpenAttempt);
    if (open.length === 0) {
      return { payment: await finishPayment(services, tx, payment, attempts.at(-1)), open, replayed };
    }
    if (request) await requestPaymentClose(tx, payment);
    await requestAttemptClose(tx, open, attempts_due_at);
    await postponePayment(tx, payment, now + LOOK_AGAIN_MS);
    return { payment: { ...payment, close_requested }, open, replayed };
  });
  services.kick.webhooks();
  return ended;
}

/** Claims the close's key, if it has one; whether it was claimed by the same close before. */
async function isReplayed(
  tx: Transaction,
  payment: Payment,
  idempotency: IdempotencyKey | undefined,
  now: number,
): Promise<boolean> {
  if (!idempotency) return false;
  const { merchant_id, app_id, livemode, id: object_id } = payment;
  const owner = { merchant_id, app_id, livemode };
  const claim = { ...owner, ...idempotency, object_type: "payment", object_id, created_at: now };
  const state = await claimIdempotencyKey(tx, claim);
  if (state.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
  return state.kind === "replay";
}

async function finishPayment(
  services: PaymentServices,
  tx: Transaction,
  payment: Payment,
  attempt: Attempt | undefined,
): Promise<Payment> {
  const now = services.clock.now();
  const closed: Payment = { ...payment, status: "closed", closed_at: now };
  await movePayments(tx, [{ payment: closed, expected: payment.status }]);
  await recordEvents(tx, [paymentEvent(services, "payment.closed", closed, attempt, now)]);
  return closed;
}
