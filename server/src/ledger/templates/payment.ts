/** What the books say when a payer has paid. */
import { invariant } from "../../kit/error.ts";
import { type Money, money } from "../../kit/money.ts";
import { type CommissionPart, commissionLines, sumCommissions } from "../commission.ts";
import { credit, debit, keepLines, type NewPosting } from "../posting.ts";

export type FundingMode = "direct" | "pooled";

/** A succeeded attempt, as its row says. */
export interface PaidAttempt {
  merchant_id: string;
  livemode: boolean;
  attempt_id: string;
  channel_account_id: string;
  funding_mode: FundingMode;
  amount: Money;
  /** The platform's fee, in the amount's currency. */
  fee: bigint;
  /** What the channel takes from the platform; in direct mode it takes it from the merchant, outside our books. */
  cost: bigint;
  /** What agents earn of the fee; a duplicate, which pays no fee, earns nobody anything. */
  commissions?: readonly CommissionPart[];
  /** When the payer paid; epoch milliseconds. */
  occurred_at: number;
}

/**
 * Pooled: the channel owes us, and we owe the merchant all but our fee. The channel keeps its cost back.
 * Direct: the merchant's own channel account collected, which we only remember; the merchant owes us our fee.
 * Of the fee we owe their parts to the agents who brought the merchant.
 */
export function paymentPosting(p: PaidAttempt): NewPosting {
  const fee = money(p.fee, p.amount.currency);
  const cost = money(p.cost, p.amount.currency);
  const net = money(p.amount.amount - p.fee, p.amount.currency);
  invariant(net.amount >= 0n, "a fee is never above its payment");
  invariant(sumCommissions(p.commissions ?? []) <= p.fee, "commissions are never above their fee");
  const commissions = commissionLines(p.commissions, p.amount.currency);
  const lines =
    p.funding_mode === "pooled"
      ? keepLines(
          debit("channel_receivable", p.amount, p.channel_account_id),
          credit("merchant_pending", net),
          credit("fee_income", fee),
          debit("channel_cost", cost),
          credit("channel_receivable", cost, p.channel_account_id),
          ...commissions,
        )
      : keepLines(
          debit("direct_collected", p.amount, p.channel_account_id),
          credit("direct_turnover", p.amount),
          debit("service_fee_receivable", fee),
          credit("fee_income", fee),
          ...commissions,
        );
  return { ...head(p), kind: "payment_succeeded", lines };
}

/**
 * A second success of one payment: the money is the payer's and goes back, so the merchant gets none of it and pays no
 * fee. The channel's cost is real all the same.
 */
export function duplicatePaymentPosting(p: PaidAttempt): NewPosting {
  const cost = money(p.cost, p.amount.currency);
  const lines =
    p.funding_mode === "pooled"
      ? keepLines(
          debit("channel_receivable", p.amount, p.channel_account_id),
          credit("duplicate_payable", p.amount),
          debit("channel_cost", cost),
          credit("channel_receivable", cost, p.channel_account_id),
        )
      : keepLines(
          debit("direct_collected", p.amount, p.channel_account_id),
          credit("direct_duplicate_payable", p.amount),
        );
  return { ...head(p), kind: "duplicate_payment_succeeded", lines };
}

function head(p: PaidAttempt) {
  return {
    merchant_id: p.merchant_id,
    livemode: p.livemode,
    source_id: p.attempt_id,
    occurred_at: p.occurred_at,
    on_shortfall: "throw",
  } as const;
}
