/**
 * What becomes of an order that was made by scanning the payer's code (付款码) while its outcome is pending or unknown.
 * Its payer stands at the counter and no notice will come: the channel is asked every few seconds, and when neither it
 * nor the payer has decided in time, the order is cancelled there, which gives back money that was taken meanwhile. The
 * intent to cancel is recorded first: from then on an answer that says "paid" is not believed, as it may be older.
 */
import { LRUCache } from "lru-cache";
import type { BarcodeRules, Channel, ChannelAccount, CloseOutcome } from "../../channels/contract.ts";
import type { AttemptOutcome } from "./decide-outcome.ts";
import { CALL_LEASE_MS } from "./new-attempt.ts";
import { type Attempt, barcodeDelay_ms, isBeingCancelled, isOpenAttempt } from "./payment.ts";
import { attemptReference } from "./send-attempt.ts";
import type { PaymentServices } from "./services.ts";

/** How long after an attempt's creation its pay call may still be on its way. */
const NOT_FOUND_GRACE_MS = 60_000;

const notConfirmed = { code: "NOT_CONFIRMED", message: "The payer did not confirm in time; the order was cancelled." };
const declined = { code: "ORDER_CLOSED", message: "The payer declined, or the channel closed the order." };

interface Asked {
  channel: Channel;
  account: ChannelAccount;
  rules: BarcodeRules;
}

/** @param must_end the payment is closing, expired or tried another way. */
export async function askAboutBarcode(
  services: PaymentServices,
  attempt: Attempt,
  asked: Asked,
  must_end: boolean,
): Promise<AttemptOutcome> {
  if (isBeingCancelled(attempt)) return cancel(services, attempt, asked, must_end);
  const { channel, account, rules } = asked;
  const answer = await services.channels.query(channel, account, attemptReference(attempt));
  // Asked after the end, so what it says is no older than the cancellation: money that is there is booked.
  if (!isOpenAttempt(attempt))
    return answer.kind === "succeeded" || answer.kind === "unknown" ? answer : { kind: "closed" };
  if (answer.kind === "succeeded") return { ...answer, unless_cancelled: true };
  if (answer.kind === "failed") return answer;
  if (answer.kind === "closed") return endedUnpaid(must_end, declined);
  const age_ms = services.clock.now() - attempt.created_at;
  const ask_in_ms = barcodeDelay_ms(rules, age_ms);
  // Something is wrong with what the channel says: cancelling might give back a payment that a person must look at.
  if (answer.kind === "unknown" && answer.reason === "integrity") return { ...answer, ask_in_ms };
  const over = must_end || age_ms >= rules.query_for_ms;
  if (over && age_ms >= rules.cancel_after_ms) return cancel(services, attempt, asked, must_end);
  const wait_ms = over ? rules.cancel_after_ms - age_ms : ask_in_ms;
  if (answer.kind === "unknown") return { ...answer, ask_in_ms: wait_ms };
  if (answer.kind === "pending") return { kind: "still_unpaid", ask_in_ms: wait_ms };
  return { kind: "unknown", reason: "unreadable", detail: "the channel does not have the order", ask_in_ms: wait_ms };
}

/** Records the intent, then cancels; not when the attempt has ended meanwhile. */
async function cancel(
  services: PaymentServices,
  attempt: Attempt,
  asked: Asked,
  must_end: boolean,
): Promise<AttemptOutcome> {
  const intent: AttemptOutcome = { kind: "cancelling", ask_in_ms: CALL_LEASE_MS };
  const { merchant_id, payment_id, id: attempt_id } = attempt;
  const recorded = await services.groups.recordOutcome({ merchant_id, payment_id, attempt_id, outcome: intent });
  if (!recorded.attempt || !isBeingCancelled(recorded.attempt)) return intent;
  const cancelled = await services.channels.cancel(asked.channel, asked.account, attemptReference(attempt));
  return afterCancel(services, attempt, asked, cancelled, must_end);
}

async function afterCancel(
  services: PaymentServices,
  attempt: Attempt,
  { channel, account, rules }: Asked,
  cancelled: CloseOutcome,
  must_end: boolean,
): Promise<AttemptOutcome> {
  const age_ms = services.clock.now() - attempt.created_at;
  const again: AttemptOutcome = { kind: "cancelling", ask_in_ms: barcodeDelay_ms(rules, age_ms) };
  switch (cancelled.kind) {
    case "closed":
      return endedUnpaid(must_end, notConfirmed);
    case "not_found":
      return age_ms > NOT_FOUND_GRACE_MS ? endedUnpaid(must_end, notConfirmed) : again;
    case "already_paid": {
      // The channel says that nothing can be given back any more: what it says of the order now, stands.
      const stands = await services.channels.query(channel, account, attemptReference(attempt));
      if (stands.kind === "succeeded") return stands;
      if (stands.kind === "closed") return endedUnpaid(must_end, declined);
      if (stands.kind === "failed") return endedUnpaid(must_end, stands.failure);
      if (stands.kind !== "unknown") tellOfContradiction(services, attempt, stands.kind);
      return again;
    }
    case "failed":
    case "unknown":
      return again;
  }
}

/** Attempts that this process has told of. */
const told = new WeakMap<PaymentServices, LRUCache<string, true>>();
const TOLD_MAX = 1_000;

/**
 * The channel says that the order can no longer be cancelled, and that nobody has paid it although its time is over.
 * Neither ends it: money may have been taken. It is asked about at the usual pace, and a person is told once.
 */
function tellOfContradiction(services: PaymentServices, attempt: Attempt, answer: "pending" | "not_found"): void {
  if (services.clock.now() < attempt.expires_at) return;
  const known = told.get(services) ?? new LRUCache<string, true>({ max: TOLD_MAX });
  told.set(services, known);
  if (known.has(attempt.id)) return;
  known.set(attempt.id, true);
  const { serial_no, channel } = attempt;
  services.log.error(
    { serial_no, channel, answer },
    "an order can no longer be cancelled, and is not paid: look at it",
  );
}

/** Asked to end, it is closed; otherwise it has failed, and so has a payment whose method was fixed. */
function endedUnpaid(must_end: boolean, failure: { code: string; message: string }): AttemptOutcome {
  return must_end ? { kind: "closed" } : { kind: "failed", failure };
}
