/** What the books say when money goes back to a payer. */
import { invariant } from "../../kit/error.ts";
import { type Money, money } from "../../kit/money.ts";
import { type CommissionPart, commissionLines } from "../commission.ts";
import { credit, debit, keepLines, type Line, type NewPosting, swapSides } from "../posting.ts";
import type { FundingMode } from "./payment.ts";

/** A refund, as its row says. */
export interface BookedRefund {
  merchant_id: string;
  livemode: boolean;
  refund_id: string;
  channel_account_id: string;
  funding_mode: FundingMode;
  amount: Money;
  /** The part of the payment's fee that comes back to the merchant. */
  fee: bigint;
  /** What of their commissions agents give back with the fee. */
  commissions?: readonly CommissionPart[];
  /** Pooled: what `merchant_available` pays because `merchant_pending` held too little; the returned fee is paid by us. */
  from_available: bigint;
  /** Pooled: what `merchant_reserve` pays because both held too little. */
  from_reserve: bigint;
  /** What receivers of shares give back within the channel's refund; it passes neither the merchant nor us. */
  from_receivers?: bigint;
  /** The part of the channel's cost that comes back to the platform; nothing in direct mode. */
  cost: bigint;
  /** When this step happened; epoch milliseconds. */
  occurred_at: number;
}

/**
 * The refund is claimed: its money is set aside before the channel is asked. Pooled, the merchant and our returned fee
 * pay for it: out of what is pending, and, where that is too little, out of what was settled, and at last what is held
 * back. A merchant whose balances
 * are too low is refused. Direct, the merchant's channel account pays and we
 * only remember; our fee is no longer owed. Agents give back their parts of it.
 */
export function refundInitiatedPosting(r: BookedRefund): NewPosting {
  return { ...head(r), kind: "refund_initiated", lines: initiatedLines(r), on_shortfall: "refuse" };
}

function initiatedLines(r: BookedRefund): Line[] {
  const fee = money(r.fee, r.amount.currency);
  const available = money(r.from_available, r.amount.currency);
  const commissions = swapSides(commissionLines(r.commissions, r.amount.currency));
  const reserve = money(r.from_reserve, r.amount.currency);
  const own = ownPart(r);
  const rest = money(own.amount - r.fee - r.from_available - r.from_reserve, r.amount.currency);
  invariant(rest.amount >= 0n, "a returned fee is never above its refund, nor what else pays for it above the rest");
  return r.funding_mode === "pooled"
    ? keepLines(
        debit("merchant_pending", rest),
        debit("merchant_available", available),
        debit("merchant_reserve", reserve),
        debit("fee_income", fee),
        credit("refund_in_transit", own),
        ...commissions,
      )
    : keepLines(
        debit("direct_turnover", own),
        credit("direct_refund_in_transit", own),
        debit("fee_income", fee),
        credit("service_fee_receivable", fee),
        ...commissions,
      );
}

/** What the merchant and we pay of it. */
function ownPart(r: BookedRefund): Money {
  return money(r.amount.amount - (r.from_receivers ?? 0n), r.amount.currency);
}

/** The channel paid the payer: what was set aside is gone, and the channel owes us that much less. */
export function refundSucceededPosting(r: BookedRefund): NewPosting {
  const cost = money(r.cost, r.amount.currency);
  const own = ownPart(r);
  const lines =
    r.funding_mode === "pooled"
      ? keepLines(
          debit("refund_in_transit", own),
          credit("channel_receivable", own, r.channel_account_id),
          debit("channel_receivable", cost, r.channel_account_id),
          credit("channel_cost", cost),
        )
      : keepLines(debit("direct_refund_in_transit", own), credit("direct_collected", own, r.channel_account_id));
  return { ...head(r), kind: "refund_succeeded", lines };
}

/** The channel refused: what was set aside goes back where it came from. */
export function refundFailedPosting(r: BookedRefund): NewPosting {
  const reverses = { kind: "refund_initiated", source_id: r.refund_id } as const;
  return { ...head(r), kind: "refund_failed", lines: swapSides(initiatedLines(r)), reverses };
}

/** A duplicate payment went back to its payer. It never was the merchant's, so nothing was set aside before. */
export function duplicateRefundPosting(r: BookedRefund): NewPosting {
  const cost = money(r.cost, r.amount.currency);
  const lines =
    r.funding_mode === "pooled"
      ? keepLines(
          debit("duplicate_payable", r.amount),
          credit("channel_receivable", r.amount, r.channel_account_id),
          debit("channel_receivable", cost, r.channel_account_id),
          credit("channel_cost", cost),
        )
      : keepLines(
          debit("direct_duplicate_payable", r.amount),
          credit("direct_collected", r.amount, r.channel_account_id),
        );
  return { ...head(r), kind: "duplicate_refund_succeeded", lines };
}

function head(r: BookedRefund) {
  return {
    merchant_id: r.merchant_id,
    livemode: r.livemode,
    source_id: r.refund_id,
    occurred_at: r.occurred_at,
    on_shortfall: "throw",
  } as const;
}
