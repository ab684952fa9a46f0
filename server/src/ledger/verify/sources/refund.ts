import { readCommissions, type StoredCommission } from "../../commission.ts";
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
  from_reserve: bigint;
  commissions: readonly StoredCommission[] | null;
  from_receivers: bigint;
  /** Its money was set aside; not yet, or never, where receivers were to give back first. */
  held: boolean;
  /** It gives a second success back. */
  duplicate: boolean;
}

/** Refunds in any status; they move money from the moment they are made. */
export const refunds = checkSource<RefundRow>({
  noun: "refund",
  counted: "refunds",
  kinds: ["refund_initiated", "refund_succeeded", "refund_failed", "duplicate_refund_succeeded"],
  from: "refunds s join attempts a on a.merchant_id = s.merchant_id and a.id = s.attempt_id",
  columns: `s.status, a.channel_account_id, a.funding_mode, s.amount, s.currency, s.fee_amount as fee,
    s.cost_amount as cost, s.from_available, s.from_reserve, s.from_receivers, s.held,
    s.commissions, a.duplicate`,
  calls_for: `case
    when a.duplicate then case when s.status = 'succeeded' then 'duplicate_refund_succeeded' end
    when not s.held then null
    when s.status in ('succeeded', 'failed') then 'refund_initiated,refund_' || s.status
    else 'refund_initiated' end`,
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: refund_id, amount, currency, commissions: stored, ...row }) {
    const commissions = readCommissions(stored);
    const refund = { ...row, refund_id, amount: { amount, currency }, commissions, occurred_at: 0 };
    if (row.duplicate) return row.status === "succeeded" ? [duplicateRefundPosting(refund)] : [];
    if (!row.held) return [];
    const postings = [refundInitiatedPosting(refund)];
    if (row.status === "succeeded") postings.push(refundSucceededPosting(refund));
    if (row.status === "failed") postings.push(refundFailedPosting(refund));
    return postings;
  },
});
