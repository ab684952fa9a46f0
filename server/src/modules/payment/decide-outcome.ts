/**
 * What an outcome of a channel means for an attempt and its payment. Pure: takes both as they are under the payment's
 * lock, gives what changes. This is the only place that decides whether money came in.
 */
import type { Action, ChannelFailure, ChannelPayment, UnknownReason } from "../../channels/contract.ts";
import { canMove } from "../../kit/state-machine.ts";
import {
  type Attempt,
  attemptTransitions,
  CANCELLING,
  isBeingCancelled,
  isOpenAttempt,
  isOpenPayment,
  type Payment,
  queryDelay_ms,
} from "./payment.ts";

export type AttemptOutcome =
  /** `ask_in_ms`, here and below: when to ask the channel again, where it is not by the ordinary schedule. */
  | {
      readonly kind: "sent";
      readonly action: Action;
      readonly channel_order_no?: string;
      readonly ask_in_ms?: number | undefined;
    }
  /** `unless_cancelled`: the answer may be older than a cancellation, which gives the money back. */
  | { readonly kind: "succeeded"; readonly payment: ChannelPayment; readonly unless_cancelled?: true }
  /** The order is about to be cancelled whatever its state, or the channel has not said yet that it is. */
  | { readonly kind: "cancelling"; readonly ask_in_ms: number }
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  /** Closed at the channel, unpaid. */
  | { readonly kind: "closed" }
  /** The channel has no such order and so cannot close it: a code that is out can be paid until the attempt expires. */
  | { readonly kind: "abandoned" }
  | {
      readonly kind: "unknown";
      readonly reason: UnknownReason;
      readonly detail: string;
      readonly ask_in_ms?: number | undefined;
    }
  /** The channel answers no more questions about so old an order: a person must look. */
  | { readonly kind: "out_of_reach" }
  /** Asked, and still unpaid: ask again later. */
  | {
      readonly kind: "still_unpaid";
      readonly channel_order_no?: string;
      readonly ask_in_ms?: number | undefined;
    };

export interface Decision {
  /** The attempt after the outcome; undefined when the outcome changes nothing. */
  attempt: Attempt | undefined;
  /** When to ask the channel about the attempt next. */
  due_at: number | null;
  /** The payment after the outcome; undefined when it stays as it is. */
  payment: Payment | undefined;
  /** What to tell the books and the merchant. */
  effect: "payment_succeeded" | "duplicate_succeeded" | "payment_closed" | "payment_failed" | undefined;
}

const NOTHING: Decision = { attempt: undefined, due_at: null, payment: undefined, effect: undefined };

export function decideOutcome(
  payment: Payment,
  attempt: Attempt,
  others: readonly Attempt[],
  outcome: AttemptOutcome,
  now: number,
): Decision {
  switch (outcome.kind) {
    case "cancelling":
      return decideCancelling(attempt, outcome.ask_in_ms, now);
    case "sent":
      return decideSent(withOrderNo(attempt, outcome), outcome.action, outcome.ask_in_ms, now);
    case "unknown":
      return decideUnknown(attempt, outcome.reason, outcome.ask_in_ms, now);
    case "out_of_reach":
      return decideOutOfReach(attempt);
    case "still_unpaid":
      return decideStillUnpaid(withOrderNo(attempt, outcome), outcome.ask_in_ms, now);
    case "succeeded":
      if (outcome.unless_cancelled && isBeingCancelled(attempt)) return NOTHING;
      if (outcome.unless_cancelled && !isOpenAttempt(attempt)) return askAfterTheEnd(attempt, now);
      return decideSucceeded(payment, attempt, outcome.payment, now);
    case "failed":
      return decideEnded(payment, attempt, others, "failed", outcome.failure, now);
    case "closed":
      return decideEnded(payment, attempt, others, "closed", undefined, now);
    case "abandoned": {
      const last_look_at = attempt.expires_at + LAST_LOOK_MS;
      const due_at = last_look_at > now ? last_look_at : null;
      return { ...decideEnded(payment, attempt, others, "closed", undefined, now), due_at };
    }
  }
}

function withOrderNo(attempt: Attempt, { channel_order_no }: { channel_order_no?: string }): Attempt {
  return channel_order_no === undefined ? attempt : { ...attempt, channel_order_no };
}

/** How long after an abandoned attempt's expiry it is asked about once more: the channel's clock is not ours. */
const LAST_LOOK_MS = 60_000;

/** Intent before the call: from here on no answer but the cancellation's own decides. */
function decideCancelling(attempt: Attempt, ask_in_ms: number, now: number): Decision {
  if (!isOpenAttempt(attempt)) return NOTHING;
  const next: Attempt = {
    ...attempt,
    status: "unknown",
    unknown_reason: CANCELLING,
    query_count: attempt.query_count + 1,
  };
  return { ...NOTHING, attempt: next, due_at: now + ask_in_ms };
}

function decideSent(attempt: Attempt, action: Action, ask_in_ms: number | undefined, now: number): Decision {
  // A notice or a query may have overtaken the answer of the create call.
  if (attempt.status !== "created" && attempt.status !== "unknown") return NOTHING;
  if (isBeingCancelled(attempt)) return NOTHING;
  const sent: Attempt = { ...attempt, status: "sent", action, unknown_reason: null, sent_at: now };
  const due_at = attempt.close_requested ? now : now + (ask_in_ms ?? queryDelay_ms(1));
  return { ...NOTHING, attempt: sent, due_at };
}

function decideUnknown(attempt: Attempt, reason: UnknownReason, ask_in_ms: number | undefined, now: number): Decision {
  if (attempt.status === "succeeded" || isBeingCancelled(attempt)) return NOTHING;
  const due_at = now + (ask_in_ms ?? queryDelay_ms(attempt.query_count));
  const asked: Attempt = { ...attempt, query_count: attempt.query_count + 1 };
  // An attempt that has ended unpaid stays so unless the channel says that it was paid.
  const next: Attempt = isOpenAttempt(attempt) ? { ...asked, status: "unknown", unknown_reason: reason } : asked;
  return { ...NOTHING, attempt: next, due_at };
}

function decideOutOfReach(attempt: Attempt): Decision {
  if (!isOpenAttempt(attempt)) return askedForTheLastTime(attempt);
  return { ...NOTHING, attempt: { ...attempt, status: "unknown", unknown_reason: "query_window_passed" } };
}

function decideStillUnpaid(attempt: Attempt, ask_in_ms: number | undefined, now: number): Decision {
  if (attempt.status === "succeeded" || isBeingCancelled(attempt)) return NOTHING;
  // The channel has the order, so what was unknown is known again.
  const status = attempt.status === "unknown" && attempt.action ? "sent" : attempt.status;
  const next: Attempt = { ...attempt, status, query_count: attempt.query_count + 1 };
  return { ...NOTHING, attempt: next, due_at: now + (ask_in_ms ?? queryDelay_ms(attempt.query_count + 1)) };
}

/** The channel says paid, but perhaps from before the end: only an answer that was asked for since then is believed. */
function askAfterTheEnd(attempt: Attempt, now: number): Decision {
  return attempt.status === "succeeded" ? NOTHING : { ...NOTHING, attempt, due_at: now };
}

/** An attempt that had ended unpaid, and still has. */
function askedForTheLastTime(attempt: Attempt): Decision {
  return attempt.status === "succeeded" ? NOTHING : { ...NOTHING, attempt };
}

function decideSucceeded(payment: Payment, attempt: Attempt, facts: ChannelPayment, now: number): Decision {
  if (!canMove(attemptTransitions, attempt.status, "succeeded")) return NOTHING;
  const duplicate = payment.status === "succeeded";
  const succeeded: Attempt = {
    ...attempt,
    status: "succeeded",
    duplicate,
    channel_trade_no: facts.channel_trade_no,
    channel_payer: facts.payer ?? null,
    failure_code: null,
    failure_message: null,
    unknown_reason: null,
    finished_at: now,
  };
  if (duplicate) return { attempt: succeeded, due_at: null, payment: undefined, effect: "duplicate_succeeded" };
  const paid: Payment = {
    ...payment,
    status: "succeeded",
    succeeded_at: facts.paid_at,
    closed_at: null,
    succeeded_attempt_id: attempt.id,
    channel_trade_no: facts.channel_trade_no,
  };
  return { attempt: succeeded, due_at: null, payment: paid, effect: "payment_succeeded" };
}

function decideEnded(
  payment: Payment,
  attempt: Attempt,
  others: readonly Attempt[],
  status: "failed" | "closed",
  failure: ChannelFailure | undefined,
  now: number,
): Decision {
  if (!isOpenAttempt(attempt)) return askedForTheLastTime(attempt);
  const ended: Attempt = {
    ...attempt,
    status,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    unknown_reason: null,
    finished_at: now,
  };
  const decision: Decision = { ...NOTHING, attempt: ended };
  if (!isOpenPayment(payment) || others.some(isOpenAttempt)) return decision;
  const over = payment.close_requested || payment.expires_at <= now;
  // With a method fixed by the merchant there is nothing left that the payer could choose.
  const refused = status === "failed" && payment.method !== null;
  if (!over && !refused) return decision;
  const paymentStatus = refused ? "failed" : "closed";
  return {
    ...decision,
    payment: { ...payment, status: paymentStatus, closed_at: now },
    effect: paymentStatus === "failed" ? "payment_failed" : "payment_closed",
  };
}
