import { type ReconciliationPostingKind, reconciliationPosting } from "../../templates/reconciliation.ts";
import { checkSource, type SourceRow } from "../source.ts";

interface PostingRow extends SourceRow {
  kind: ReconciliationPostingKind;
  channel_account_id: string;
  amount: bigint;
  currency: string;
}

/** What reconciling has booked. */
export const reconciliations = checkSource<PostingRow>({
  noun: "reconciliation_posting",
  counted: "reconciliation_postings",
  kinds: [
    "channel_settled",
    "channel_fee_adjusted",
    "difference_suspended",
    "difference_recovered",
    "difference_written_off",
    "difference_adjusted",
  ],
  from: "reconciliation_postings s",
  columns: "'posted' as status, s.kind, s.channel_account_id, s.amount, s.currency",
  calls_for: "s.kind",
  changed_at: "s.created_at",
  book({ source_id: posting_id, amount, currency, ...row }) {
    return [reconciliationPosting({ ...row, posting_id, amount: { amount, currency }, occurred_at: 0 })];
  },
});
