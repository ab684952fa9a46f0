/**
 * Records what channels said of refunds, in groups: status, posting, the payment's amounts and the event, in one
 * transaction under the payments' locks.
 */
import type { RefundOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import {
  duplicateRefundPosting,
  type NewPosting,
  post,
  refundFailedPosting,
  refundSucceededPosting,
} from "../../ledger/index.ts";
import {
  type Attempt,
  addToRefunds,
  loadAttempts,
  lockPayments,
  type Payment,
  queryDelay_ms,
} from "../payment/index.ts";
import { returnToReserve } from "../reserve/index.ts";
import { type NewEvent, recordEvents } from "../webhook/index.ts";
import { bookedRefund } from "./booked-refund.ts";
import { presentRefund } from "./present-refund.ts";
import { isAutomatic, isOpenRefund, type Refund } from "./refund.ts";
import type { RefundServices } from "./services.ts";
import { startAutomaticRefunds } from "./start-automatic-refunds.ts";
import { loadRefunds, moveRefunds, type RefundMove } from "./store.ts";

/** What the channel was speaking of, on which depends what its "failed" is worth. */
export type OutcomeSource =
  /** Our first request, which it took or refused. */
  | "request"
  /** The same request again: its refusal may be the effect of the first, whose answer was lost. */
  | "repetition"
  /** A refund that it has, asked or by itself. */
  | "channel";

export interface RefundOutcomeItem {
  merchant_id: string;
  payment_id: string;
  refund_id: string;
  outcome: RefundOutcome;
  from: OutcomeSource;
}

export interface RefundOutcomeResult {
  /** As it is after the commit; undefined when there is no such refund. */
  refund: Refund | undefined;
}

interface Effects {
  moves: Map<string, RefundMove>;
  postings: NewPosting[];
  amounts: { merchant_id: string; id: string; refunding: bigint; refunded: bigint }[];
  events: NewEvent[];
  /** Failed refunds that had drawn on the merchant's reserve. */
  drawn: { merchant_id: string; refund_id: string }[];
  /** Refunds that have ended and of which receivers of shares had a part. */
  shared: Refund[];
  /** Duplicates whose refund the channel has ended without paying. */
  unpaid: Attempt[];
}

/** How soon another refund of a duplicate follows one that the channel has ended. */
const AGAIN_MS = 3600 * 1000;

export async function writeRefundOutcomes(
  services: RefundServices,
  items: readonly RefundOutcomeItem[],
): Promise<readonly RefundOutcomeResult[]> {
  const results = await services.db.transaction(async (tx) => {
    const [payments, refunds] = await Promise.all([
      lockPayments(
        tx,
        items.map((item) => ({ merchant_id: item.merchant_id, id: item.payment_id })),
      ),
      loadRefunds(
        tx,
        items.map((item) => ({ merchant_id: item.merchant_id, id: item.refund_id })),
      ),
    ]);
    const attempts = await loadAttempts(
      tx,
      [...refunds.values()].map((refund) => ({ merchant_id: refund.merchant_id, id: refund.attempt_id })),
    );
    const effects: Effects = {
      moves: new Map(),
      postings: [],
      amounts: [],
      events: [],
      drawn: [],
      unpaid: [],
      shared: [],
    };
    const now = services.clock.now();
    for (const item of items) {
      const refund = refunds.get(item.refund_id);
      const payment = payments.get(item.payment_id);
      if (!refund || !payment) continue;
      const next = decideRefundOutcome(services, refund, attempts.get(refund.attempt_id)!, item, now);
      if (!next) continue;
      refunds.set(refund.id, next.refund);
      const expected = effects.moves.get(refund.id)?.expected ?? refund.status;
      effects.moves.set(refund.id, { ...next, expected });
      addEffects(services, effects, payment, next.refund, attempts.get(refund.attempt_id)!, now);
    }
    await writeEffects(services, tx, effects, now);
    return items.map((item) => ({ refund: refunds.get(item.refund_id) }));
  });
  services.kick.webhooks();
  return results;
}

const noFailure = { failure_code: null, failure_message: null };

/**
 * Whether a failure ends a refund. The refund of a second success is owed whatever the channel refuses today. A repetition
 * that is refused, and a first request that a repetition has overtaken, is asked about once more: were the first request's effect found only then, the claim must still be there.
 */
function isFinalFailure(refund: Refund, from: OutcomeSource): boolean {
  if (from === "channel") return true;
  if (isAutomatic(refund)) return false;
  const untouched = refund.status === "created" && refund.query_count === 0;
  return (from === "request" && untouched) || refund.failure_code !== null;
}

/** The refund after the outcome and when to ask next; undefined when the outcome changes nothing. */
function decideRefundOutcome(
  services: RefundServices,
  refund: Refund,
  attempt: Attempt,
  { outcome, from }: RefundOutcomeItem,
  now: number,
): { refund: Refund; due_at: number | null } | undefined {
  if (!isOpenRefund(refund)) {
    const contradicted =
      (refund.status === "failed" && outcome.kind === "succeeded" && "a refund which had failed was paid out") ||
      (refund.status === "succeeded" && outcome.kind === "failed" && "a refund which was paid out came back");
    if (contradicted) services.log.error({ refund_no: refund.refund_no }, `the channel says that ${contradicted}`);
    return undefined;
  }
  const wait_ms = services.getChannel(attempt.channel)?.limits.refund_query_delay_ms ?? 0;
  const due_at = now + Math.max(wait_ms, queryDelay_ms(refund.query_count));
  const asked = { ...refund, query_count: refund.query_count + 1, unknown_reason: null };
  switch (outcome.kind) {
    case "succeeded": {
      const channel_refund_no = outcome.refund.channel_refund_no ?? null;
      const ended = { ...refund, ...noFailure, unknown_reason: null, finished_at: now };
      return { refund: { ...ended, status: "succeeded", channel_refund_no }, due_at: null };
    }
    case "failed": {
      const { code: failure_code, message: failure_message } = outcome.failure;
      if (!isFinalFailure(refund, from)) {
        const failure = { failure_code, failure_message };
        return { refund: { ...asked, ...failure, status: "unknown", unknown_reason: "refused" }, due_at };
      }
      const ended = { ...refund, unknown_reason: null, finished_at: now };
      return { refund: { ...ended, status: "failed", failure_code, failure_message }, due_at: null };
    }
    case "pending":
      return { refund: { ...asked, ...noFailure, status: "sent", sent_at: refund.sent_at ?? now }, due_at };
    case "unknown":
      return { refund: { ...asked, status: "unknown", unknown_reason: outcome.reason }, due_at };
    case "not_found":
      return { refund: { ...asked, status: "unknown", unknown_reason: "unreadable" }, due_at };
  }
}

function addEffects(
  services: RefundServices,
  effects: Effects,
  payment: Payment,
  refund: Refund,
  attempt: Attempt,
  now: number,
): void {
  if (isOpenRefund(refund)) return;
  const succeeded = refund.status === "succeeded";
  const booked = bookedRefund(refund, attempt, now);
  if (refund.from_receivers > 0n) effects.shared.push(refund);
  if (isAutomatic(refund)) {
    if (succeeded) effects.postings.push(duplicateRefundPosting(booked));
    else effects.unpaid.push(attempt);
  } else {
    effects.postings.push(succeeded ? refundSucceededPosting(booked) : refundFailedPosting(booked));
    const { merchant_id, id } = payment;
    if (!succeeded && refund.from_reserve > 0n) effects.drawn.push({ merchant_id, refund_id: refund.id });
    effects.amounts.push({ merchant_id, id, refunding: -refund.amount, refunded: succeeded ? refund.amount : 0n });
  }
  effects.events.push({
    id: services.ids.uuid(),
    merchant_id: refund.merchant_id,
    app_id: refund.app_id,
    livemode: refund.livemode,
    type: succeeded ? "refund.succeeded" : "refund.failed",
    object_id: refund.id,
    data: presentRefund(refund, payment, attempt),
    created_at: now,
    notify_url: payment.notify_url,
  });
}

async function writeEffects(services: RefundServices, tx: Transaction, effects: Effects, now: number): Promise<void> {
  if (effects.moves.size === 0) return;
  const [moved] = await Promise.all([
    moveRefunds(tx, [...effects.moves.values()]),
    addToRefunds(tx, effects.amounts),
    effects.events.length > 0 ? recordEvents(tx, effects.events) : undefined,
  ]);
  invariant(moved.size === effects.moves.size, "a refund changed under its payment's lock");
  await startAutomaticRefunds(services.ids, tx, effects.unpaid, now, now + AGAIN_MS);
  for (const refund of effects.shared) await services.sharing.end(tx, refund, refund.status === "succeeded", now);
  if (effects.postings.length === 0) return;
  const posted = await post(tx, effects.postings, now);
  invariant(
    posted.every((result) => result.kind === "posted"),
    "the posting of a refund was refused or existed already",
  );
  await returnToReserve(tx, effects.drawn, now);
}
