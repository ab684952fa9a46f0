/**
 * Records what channels said, in groups: status, ledger posting, event and the jobs that follow, in one transaction
 * under the payments' locks. Notices, answers and queries all come through here, so a fact is booked once however often
 * and in whatever order it arrives.
 */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { duplicatePaymentPosting, type NewPosting, paymentPosting, post, readCommissions } from "../../ledger/index.ts";
import { moveQuotas } from "../fee/index.ts";
import { type EventType, type NewEvent, recordEvents } from "../webhook/index.ts";
import { type AttemptMove, loadAttemptsOfPayments, moveAttempts, requestAttemptClose } from "./attempt-store.ts";
import { type AttemptOutcome, type Decision, decideOutcome } from "./decide-outcome.ts";
import { mayFollow } from "./fail-over.ts";
import { priceAndInsertAttempts, type StartedAttempt } from "./new-attempt.ts";
import { type Attempt, holdsQuota, isOpenAttempt, type Payment, type PaymentStatus } from "./payment.ts";
import { presentPayment } from "./present-payment.ts";
import type { PaymentServices } from "./services.ts";
import { lockPayments, movePayments } from "./store.ts";

export interface OutcomeItem {
  merchant_id: string;
  payment_id: string;
  attempt_id: string;
  outcome: AttemptOutcome;
  /** An attempt at another account, written with a refusal of this one while the payment is still wanted. */
  next?: Attempt | undefined;
  /** For an answer to a question: whether it was asked in order to end the attempt. */
  must_end?: boolean;
}

/** Both as they are after the commit; undefined when there is no such attempt. */
export interface OutcomeResult {
  payment: Payment | undefined;
  attempt: Attempt | undefined;
  /** The item's `next`, when it was written. */
  next: Attempt | undefined;
  /** Whether this outcome changed anything. */
  changed: boolean;
}

interface Effects {
  attemptMoves: Map<string, AttemptMove>;
  paymentMoves: Map<string, { payment: Payment; expected: PaymentStatus }>;
  postings: NewPosting[];
  events: NewEvent[];
  duplicates: Attempt[];
  succeeded: Attempt[];
  /** Attempts that take the place of refused ones. */
  started: StartedAttempt[];
  /** Attempts that give back, or take again, their places in a promotion's quota. */
  quotas: { attempt: Attempt; held: boolean }[];
  /** Payments of which something is to be shared. */
  shared: { payment: Payment; attempt: Attempt }[];
  /** Open attempts of a payment that was paid another way: their orders must not stay payable. */
  superseded: Attempt[];
}

export async function writeOutcomes(
  services: PaymentServices,
  items: readonly OutcomeItem[],
): Promise<readonly OutcomeResult[]> {
  let effects = noEffects();
  const paid = items.filter(({ outcome }) => outcome.kind === "succeeded").map(({ merchant_id }) => merchant_id);
  // Read before the transaction, which must not wait for another connection.
  const countSuccesses = await services.routing.prepareCounting([...new Set(paid)]);
  const results = await services.db.transaction(async (tx) => {
    // A retry of the transaction starts anew.
    effects = noEffects();
    const keys = items.map((item) => ({ merchant_id: item.merchant_id, id: item.payment_id }));
    // Sent together; the second statement starts after the first holds the locks, and sees what they protect.
    const [payments, loaded] = await Promise.all([lockPayments(tx, keys), loadAttemptsOfPayments(tx, keys)]);
    const attempts = new Map(loaded.map((attempt) => [attempt.id, attempt]));
    const now = services.clock.now();
    const changed = items.map((item) => applyOutcome(services, payments, attempts, effects, item, now));
    await writeEffects(services, tx, effects, now);
    if (effects.succeeded.length > 0) await countSuccesses(tx, effects.succeeded, now);
    return items.map((item, index) => ({
      payment: payments.get(item.payment_id),
      attempt: attempts.get(item.attempt_id),
      next: item.next && effects.started.some(({ attempt }) => attempt === item.next) ? item.next : undefined,
      changed: changed[index]!,
    }));
  });
  if (effects.events.length > 0) services.kick.webhooks();
  if (effects.duplicates.length > 0) services.kick.refunds();
  if (effects.superseded.length > 0) services.kick.attempts();
  if (effects.shared.length > 0) services.kick.sharings();
  return results;
}

function noEffects(): Effects {
  return {
    attemptMoves: new Map(),
    paymentMoves: new Map(),
    postings: [],
    events: [],
    duplicates: [],
    superseded: [],
    shared: [],
    succeeded: [],
    started: [],
    quotas: [],
  };
}

function applyOutcome(
  services: PaymentServices,
  payments: Map<string, Payment>,
  attempts: Map<string, Attempt>,
  effects: Effects,
  item: OutcomeItem,
  now: number,
): boolean {
  const payment = payments.get(item.payment_id);
  const attempt = attempts.get(item.attempt_id);
  if (!payment || !attempt || attempt.merchant_id !== item.merchant_id) return false;
  const others = [...attempts.values()].filter((other) => other.payment_id === payment.id && other.id !== attempt.id);
  const next = item.next && mayFollow(payment, attempt, now) ? item.next : undefined;
  // With another attempt open the payment goes on.
  const decision = decideOutcome(payment, attempt, next ? [...others, next] : others, item.outcome, now);
  if (!decision.attempt) return false;
  if (next) {
    attempts.set(next.id, next);
    effects.started.push({ attempt: next, payment });
  }
  attempts.set(attempt.id, decision.attempt);
  const held = holdsQuota(decision.attempt);
  if (held !== holdsQuota(attempt)) effects.quotas.push({ attempt: decision.attempt, held });
  const earlierMove = effects.attemptMoves.get(attempt.id);
  effects.attemptMoves.set(attempt.id, {
    attempt: decision.attempt,
    expected: earlierMove?.expected ?? attempt.status,
    due_at: missedClose(decision.attempt, item) ? now : decision.due_at,
  });
  if (decision.payment) {
    payments.set(payment.id, decision.payment);
    const expected = effects.paymentMoves.get(payment.id)?.expected ?? payment.status;
    effects.paymentMoves.set(payment.id, { payment: decision.payment, expected });
  }
  if (decision.effect === "payment_succeeded") effects.superseded.push(...others.filter(isOpenAttempt));
  addEffect(services, effects, decision, decision.payment ?? payment, decision.attempt, now);
  return true;
}

/** A close was asked for while the channel was answering a question that did not close: it is closed at once. */
function missedClose(attempt: Attempt, { outcome, must_end }: OutcomeItem): boolean {
  const undecided = outcome.kind === "still_unpaid" || outcome.kind === "unknown";
  return undecided && attempt.close_requested && isOpenAttempt(attempt) && must_end === false;
}

const eventTypes = {
  payment_succeeded: "payment.succeeded",
  duplicate_succeeded: "payment.duplicate_succeeded",
  payment_closed: "payment.closed",
  payment_failed: "payment.failed",
} as const satisfies Record<string, EventType>;

function addEffect(
  services: PaymentServices,
  effects: Effects,
  { effect }: Decision,
  payment: Payment,
  attempt: Attempt,
  now: number,
): void {
  if (!effect) return;
  if (attempt.status === "succeeded") effects.succeeded.push(attempt);
  if (effect === "payment_succeeded") {
    effects.postings.push(paymentPosting(bookedAttempt(attempt, payment.succeeded_at ?? now)));
    if (payment.sharing?.shares.length) effects.shared.push({ payment, attempt });
  }
  if (effect === "duplicate_succeeded") {
    effects.postings.push(duplicatePaymentPosting(bookedAttempt(attempt, now)));
    effects.duplicates.push(attempt);
  }
  effects.events.push(paymentEvent(services, eventTypes[effect], payment, attempt, now));
}

function bookedAttempt(attempt: Attempt, occurred_at: number) {
  return {
    merchant_id: attempt.merchant_id,
    livemode: attempt.livemode,
    attempt_id: attempt.id,
    channel_account_id: attempt.channel_account_id,
    funding_mode: attempt.funding_mode,
    amount: { amount: attempt.amount, currency: attempt.currency },
    fee: attempt.fee_amount,
    cost: attempt.cost_amount,
    commissions: readCommissions(attempt.commissions),
    occurred_at,
  };
}

export function paymentEvent(
  services: PaymentServices,
  type: EventType,
  payment: Payment,
  attempt: Attempt | undefined,
  now: number,
): NewEvent {
  return {
    id: services.ids.uuid(),
    merchant_id: payment.merchant_id,
    app_id: payment.app_id,
    livemode: payment.livemode,
    type,
    object_id: payment.id,
    data: presentPayment(services.settings, payment, attempt),
    created_at: now,
    notify_url: payment.notify_url,
  };
}

async function writeEffects(services: PaymentServices, tx: Transaction, effects: Effects, now: number): Promise<void> {
  const { attemptMoves, paymentMoves } = effects;
  if (attemptMoves.size === 0) return;
  const [movedAttempts, movedPayments] = await Promise.all([
    moveAttempts(tx, [...attemptMoves.values()]),
    paymentMoves.size > 0 ? movePayments(tx, [...paymentMoves.values()]) : new Set<string>(),
    effects.events.length > 0 ? recordEvents(tx, effects.events) : undefined,
  ]);
  // The locks make a lost race impossible; a guard that found another status would mean that someone wrote around them.
  invariant(movedAttempts.size === attemptMoves.size, "an attempt changed under its payment's lock");
  invariant(movedPayments.size === paymentMoves.size, "a payment changed under its own lock");
  if (effects.postings.length > 0) {
    const posted = await post(tx, effects.postings, now);
    invariant(
      posted.every((result) => result.kind === "posted"),
      "the posting of a succeeded payment was refused or existed already",
    );
  }
  // Places that are given back are free for whoever follows.
  await moveQuotas(tx, effects.quotas);
  await priceAndInsertAttempts(tx, effects.started, now);
  await requestAttemptClose(tx, effects.superseded, now);
  if (effects.duplicates.length > 0) await services.startAutomaticRefunds(tx, effects.duplicates, now);
  if (effects.shared.length > 0) await services.sharing.start(tx, effects.shared, now);
}
