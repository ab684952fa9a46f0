import { readCommissions, type StoredCommission } from "../../commission.ts";
import { duplicatePaymentPosting, type FundingMode, paymentPosting } from "../../templates/payment.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface AttemptRow extends SourceRow {
  channel_account_id: string;
  funding_mode: FundingMode;
  amount: bigint;
  currency: string;
  fee: bigint;
  cost: bigint;
  commissions: readonly StoredCommission[] | null;
  duplicate: boolean;
}

/** Succeeded attempts. */
export const attempts = checkSource<AttemptRow>({
  noun: "attempt",
  counted: "attempts",
  kinds: ["payment_succeeded", "duplicate_payment_succeeded"],
  from: "attempts s",
  where: "s.status = 'succeeded'",
  columns: `s.status, s.channel_account_id, s.funding_mode, s.amount, s.currency, s.fee_amount as fee,
    s.cost_amount as cost, s.commissions, s.duplicate`,
  calls_for: "case when s.duplicate then 'duplicate_payment_succeeded' else 'payment_succeeded' end",
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: attempt_id, amount, currency, commissions: stored, ...row }) {
    const { merchant_id, livemode, channel_account_id, funding_mode, fee, cost } = row;
    const attempt = { merchant_id, livemode, attempt_id, channel_account_id, funding_mode, fee, cost };
    const paid = { ...attempt, amount: { amount, currency }, commissions: readCommissions(stored), occurred_at: 0 };
    return [row.duplicate ? duplicatePaymentPosting(paid) : paymentPosting(paid)];
  },
});
