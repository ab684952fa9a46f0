/** What the books say when a part of a payment is passed on to a receiver, and when it comes back. */
import { invariant } from "../../kit/error.ts";
import { type Money, money } from "../../kit/money.ts";
import { credit, debit, keepLines, type Line, type NewPosting, swapSides } from "../posting.ts";
import type { FundingMode } from "./payment.ts";

/** `channel`: the channel moves the money; `books`: to another merchant of the platform. */
export type SharingMode = "channel" | "books";

/** A part of a payment for one receiver, as its row says. */
export interface BookedShare {
  merchant_id: string;
  livemode: boolean;
  part_id: string;
  channel_account_id: string;
  funding_mode: FundingMode;
  mode: SharingMode;
  amount: Money;
  /** Pooled: what `merchant_available` pays because `merchant_pending` held too little. */
  from_available: bigint;
  /** When this step happened; epoch milliseconds. */
  occurred_at: number;
}

/**
 * The part is claimed: its money is set aside before anybody is told. None in direct mode, where the channel holds the
 * merchant's money and nothing of it is in our books but a memo of what was collected.
 */
export function sharingInitiatedPosting(s: BookedShare): readonly NewPosting[] {
  if (s.funding_mode === "direct") return [];
  return [{ ...headOf(s), kind: "sharing_initiated", lines: initiatedLines(s), on_shortfall: "refuse" }];
}

function initiatedLines(s: BookedShare): Line[] {
  const rest = money(s.amount.amount - s.from_available, s.amount.currency);
  invariant(rest.amount >= 0n, "what the settled balance pays is never above the part");
  return keepLines(
    debit("merchant_pending", rest),
    debit("merchant_available", money(s.from_available, s.amount.currency)),
    credit("sharing_payable", s.amount),
  );
}

/**
 * The receiver got it. Pooled: out of what the channel holds for us, or owed to the receiver's book. Direct: the channel
 * passed it on out of what it collected for the merchant.
 */
export function sharingSucceededPosting(s: BookedShare): NewPosting {
  const { amount, channel_account_id } = s;
  const lines =
    s.funding_mode === "direct"
      ? [debit("direct_turnover", amount), credit("direct_collected", amount, channel_account_id)]
      : s.mode === "channel"
        ? [debit("sharing_payable", amount), credit("channel_receivable", amount, channel_account_id)]
        : [debit("sharing_payable", amount), credit("interbook", amount)];
  return { ...headOf(s), kind: "sharing_succeeded", lines };
}

/** The receiver did not get it: what was set aside goes back where it came from. None in direct mode. */
export function sharingFailedPosting(s: BookedShare): readonly NewPosting[] {
  if (s.funding_mode === "direct") return [];
  const reverses = { kind: "sharing_initiated", source_id: s.part_id } as const;
  return [{ ...headOf(s), kind: "sharing_failed", lines: swapSides(initiatedLines(s)), reverses }];
}

/** The part in the receiver's book. `merchant_id` is the receiver's. */
export type ReceivedShare = Pick<BookedShare, "merchant_id" | "livemode" | "part_id" | "amount" | "occurred_at">;

/** The other book of a part that went to a merchant of the platform: the receiver is owed it, and settled as for a payment. */
export function shareReceivedPosting(s: ReceivedShare): NewPosting {
  const lines = [debit("interbook", s.amount), credit("merchant_pending", s.amount)];
  return { ...headOf(s), kind: "share_received", lines };
}

/** What a receiver gives back, as its row says. */
export interface BookedReturn {
  merchant_id: string;
  livemode: boolean;
  return_id: string;
  channel_account_id: string;
  funding_mode: FundingMode;
  mode: SharingMode;
  amount: Money;
  occurred_at: number;
}

/** The receiver gave back: the merchant has it again, and is settled with it. */
export function sharingReturnedPosting(r: BookedReturn): NewPosting {
  const { amount, channel_account_id } = r;
  const lines =
    r.funding_mode === "direct"
      ? [debit("direct_collected", amount, channel_account_id), credit("direct_turnover", amount)]
      : r.mode === "channel"
        ? [debit("channel_receivable", amount, channel_account_id), credit("merchant_pending", amount)]
        : [debit("interbook", amount), credit("merchant_pending", amount)];
  return { ...returnHead(r), kind: "sharing_return_succeeded", lines, on_shortfall: "throw" };
}

/** The return in the receiver's book. `merchant_id` is the receiver's. */
export type GivenBack = Pick<BookedReturn, "merchant_id" | "livemode" | "return_id" | "amount" | "occurred_at"> & {
  /** What `merchant_available` pays because `merchant_pending` holds too little. */
  from_available: bigint;
};

/** The other book of a return from a merchant of the platform: refused where its balance does not cover it. */
export function shareReturnedPosting(r: GivenBack): NewPosting {
  const rest = money(r.amount.amount - r.from_available, r.amount.currency);
  const lines = keepLines(
    debit("merchant_pending", rest),
    debit("merchant_available", money(r.from_available, r.amount.currency)),
    credit("interbook", r.amount),
  );
  return { ...returnHead(r), kind: "share_returned", lines, on_shortfall: "refuse" };
}

function headOf(s: ReceivedShare) {
  const { merchant_id, livemode, part_id: source_id, occurred_at } = s;
  return { merchant_id, livemode, source_id, occurred_at, on_shortfall: "throw" } as const;
}

function returnHead(r: Pick<BookedReturn, "merchant_id" | "livemode" | "return_id" | "occurred_at">) {
  const { merchant_id, livemode, return_id: source_id, occurred_at } = r;
  return { merchant_id, livemode, source_id, occurred_at };
}
