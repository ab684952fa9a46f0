import type { FundingMode } from "../../templates/payment.ts";
import {
  duplicateRefundPosting,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "../../templates/refund.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface RefundRow extends SourceRow {
  channel_account_id: string;
  funding_mode: FundingMode;
  amount: bigint;
  currency: string;
  fee: bigint;
  cost: bigint;
  from_available: bigint;
  /** It gives a second success back. */
  duplicate: boolean;
}

/** Refunds in any status; they move money from the moment they are made. */
export const refunds = checkSource<RefundRow>({
  noun: "refund",
  counted: "refunds",
  kinds: ["refund_initiated", "refund_succeeded", "refund_failed", "duplicate_refund_succeeded"],
  rows: `select r.merchant_id, r.id as source_id, r.livemode, r.status, a.channel_account_id, a.funding_mode, r.amount,
      r.currency, r.fee_amount as fee, r.cost_amount as cost, r.from_available, a.duplicate
    from refunds r join attempts a on a.merchant_id = r.merchant_id and a.id = r.attempt_id`,
  book({ source_id: refund_id, amount, currency, ...row }) {
    const refund = { ...row, refund_id, amount: { amount, currency }, occurred_at: 0 };
    if (row.duplicate) return row.status === "succeeded" ? [duplicateRefundPosting(refund)] : [];
    const postings = [refundInitiatedPosting(refund)];
    if (row.status === "succeeded") postings.push(refundSucceededPosting(refund));
    if (row.status === "failed") postings.push(refundFailedPosting(refund));
    return postings;
  },
});
