import {
  type BookedPayout,
  payoutCancelledPosting,
  payoutFailedPosting,
  payoutInitiatedPosting,
  payoutReturnedPosting,
  payoutSucceededPosting,
} from "../../templates/payout.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface PayoutRow extends SourceRow {
  amount: bigint;
  currency: string;
  fee: bigint;
  cost: bigint;
  channel_account_id: string | null;
  fee_returns: boolean;
}

/** Payouts in any status; they hold money from the moment they are made. */
export const payouts = checkSource<PayoutRow>({
  noun: "payout",
  counted: "payouts",
  kinds: ["payout_initiated", "payout_succeeded", "payout_failed", "payout_cancelled", "payout_returned"],
  from: "payouts s",
  columns: `s.status, s.transfer_amount as amount, s.currency, s.fee_amount as fee, s.cost_amount as cost,
    s.channel_account_id, s.fee_returns`,
  calls_for: `case
    when s.status = 'returned' then 'payout_initiated,payout_succeeded,payout_returned'
    when s.status in ('succeeded', 'failed', 'cancelled') then 'payout_initiated,payout_' || s.status
    else 'payout_initiated' end`,
  changed_at: "coalesce(s.finished_at, s.created_at)",
  book({ source_id: payout_id, amount, currency, ...row }) {
    const payout: BookedPayout = { ...row, payout_id, amount: { amount, currency }, occurred_at: 0 };
    const postings = [payoutInitiatedPosting(payout)];
    if (row.status === "succeeded" || row.status === "returned") postings.push(payoutSucceededPosting(payout));
    if (row.status === "returned") postings.push(payoutReturnedPosting(payout));
    if (row.status === "failed") postings.push(payoutFailedPosting(payout));
    if (row.status === "cancelled") postings.push(payoutCancelledPosting(payout));
    return postings;
  },
});
