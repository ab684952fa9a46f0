/** What a channel's answer makes of a payout. Pure. */
import type { TransferOutcome } from "../../channels/contract.ts";
import { queryDelay_ms } from "../payment/index.ts";
import { isUnderWay, type Payout } from "./payout.ts";

/** What the channel was speaking of, on which depends what its "failed" is worth. */
export type OutcomeSource =
  /** Our first request, which it took or refused. */
  | "request"
  /** The same request again: its refusal may be the effect of the first, whose answer was lost. */
  | "repetition"
  /** A transfer that it has, asked or by itself. */
  | "channel";

export type Decision =
  /** The payout after the outcome, and when to ask next. */
  | { readonly kind: "moved"; readonly payout: Payout; readonly due_at: number | null }
  /** Nothing moves; it is asked again then. */
  | { readonly kind: "same"; readonly due_at: number | null }
  /** The channel says what cannot be: a person must look. */
  | { readonly kind: "contradiction"; readonly sentence: string };

/** A transfer that was paid is asked about so long after, because a bank may return it. */
const WATCH_MS: readonly number[] = [1, 3, 7].map((days) => days * 86_400_000);

/** When a paid transfer is looked at next; null when it is old enough to be believed. */
export function watchAgain(succeeded_at: number, now: number): number | null {
  const next = WATCH_MS.map((wait) => succeeded_at + wait).find((at) => at > now);
  return next ?? null;
}

/**
 * Whether a failure ends a payout. A repetition that is refused, and a first request that a repetition has overtaken, is
 * asked about once more: were the first request's effect found only then, its money must still be held.
 */
function isFinalFailure(payout: Payout, from: OutcomeSource): boolean {
  if (from === "channel") return true;
  const untouched = payout.status === "sent" && payout.query_count === 0 && payout.call_count <= 1;
  return (from === "request" && untouched) || payout.failure_code !== null;
}

/** Decides. What is not asked about a payout in transit changes nothing, unless a bank has returned what was paid. */
export function decideOutcome(payout: Payout, outcome: TransferOutcome, from: OutcomeSource, now: number): Decision {
  if (payout.status === "succeeded") return decideReturn(payout, outcome, from, now);
  if (!isUnderWay(payout)) {
    return payout.status === "failed" && outcome.kind === "succeeded"
      ? { kind: "contradiction", sentence: "a payout which had failed was paid" }
      : { kind: "same", due_at: null };
  }
  const due_at = now + queryDelay_ms(payout.query_count);
  const asked: Payout = { ...payout, query_count: payout.query_count + 1, unknown_reason: null };
  const clean = { failure_code: null, failure_message: null };
  switch (outcome.kind) {
    case "succeeded": {
      const channel_transfer_no = outcome.transfer.channel_transfer_no ?? null;
      const ended: Payout = { ...payout, ...clean, unknown_reason: null, action: null, channel_transfer_no };
      const paid: Payout = { ...ended, status: "succeeded", succeeded_at: now, finished_at: now };
      return { kind: "moved", payout: { ...paid, sent_at: payout.sent_at ?? now }, due_at: watchAgain(now, now) };
    }
    case "failed": {
      const { code: failure_code, message: failure_message } = outcome.failure;
      const failure = { failure_code, failure_message: failure_message.slice(0, 500) };
      if (isFinalFailure(payout, from)) {
        const ended: Payout = { ...payout, ...failure, unknown_reason: null, action: null, finished_at: now };
        return { kind: "moved", payout: { ...ended, status: "failed" }, due_at: null };
      }
      return { kind: "moved", payout: { ...asked, ...failure, status: "unknown", unknown_reason: "refused" }, due_at };
    }
    case "pending": {
      const action = outcome.action ?? payout.action;
      const sent: Payout = { ...asked, ...clean, status: "sent", action, sent_at: payout.sent_at ?? now };
      return { kind: "moved", payout: sent, due_at };
    }
    case "unknown":
      return { kind: "moved", payout: { ...asked, status: "unknown", unknown_reason: outcome.reason }, due_at };
    case "not_found":
      return { kind: "moved", payout: { ...asked, status: "unknown", unknown_reason: "unreadable" }, due_at };
  }
}

/** Only the channel's own word that what was paid has come back moves a paid payout. */
function decideReturn(payout: Payout, outcome: TransferOutcome, from: OutcomeSource, now: number): Decision {
  if (outcome.kind === "failed" && from === "channel") {
    const { code: failure_code, message } = outcome.failure;
    const returned: Payout = { ...payout, status: "returned", failure_code, failure_message: message.slice(0, 500) };
    return { kind: "moved", payout: { ...returned, finished_at: now }, due_at: null };
  }
  if (outcome.kind === "failed") return { kind: "contradiction", sentence: "a payout which was paid is refused" };
  return { kind: "same", due_at: watchAgain(payout.succeeded_at!, now) };
}
