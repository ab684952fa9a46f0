/** What the books say when a channel's record and ours have been compared. Pooled only: direct money is never ours. */
import { type Money, money } from "../../kit/money.ts";
import type { AccountKind } from "../accounts.ts";
import { credit, debit, type NewPosting } from "../posting.ts";

/** Which account is debited, and which credited, for an amount above zero; the other way round below. */
const sides = {
  channel_settled: ["bank", "channel_receivable"],
  channel_fee_adjusted: ["channel_cost", "channel_receivable"],
  difference_suspended: ["reconciliation_suspense", "channel_receivable"],
  difference_recovered: ["bank", "reconciliation_suspense"],
  difference_written_off: ["reconciliation_loss", "reconciliation_suspense"],
  difference_adjusted: ["merchant_pending", "reconciliation_suspense"],
} as const satisfies Record<string, readonly [AccountKind, AccountKind]>;

export type ReconciliationPostingKind = keyof typeof sides;

/** What reconciling books, as its row says. */
export interface BookedReconciliation {
  merchant_id: string;
  livemode: boolean;
  posting_id: string;
  kind: ReconciliationPostingKind;
  channel_account_id: string;
  /** Not zero; above it, what the channel paid, took or owes. */
  amount: Money;
  /** Epoch milliseconds. */
  occurred_at: number;
}

/**
 * The channel settled what its bill says: it owes us nothing more of it. A fee that differs is cost. What differs otherwise
 * waits in suspense until somebody has decided: it came after all, it is lost, or it is the merchant's.
 */
export function reconciliationPosting({
  posting_id,
  channel_account_id,
  amount,
  ...p
}: BookedReconciliation): NewPosting {
  const [first, second] = sides[p.kind];
  const [debited, credited] = amount.amount > 0n ? [first, second] : [second, first];
  const size = money(amount.amount > 0n ? amount.amount : -amount.amount, amount.currency);
  const scopeOf = (kind: AccountKind) => (kind === "channel_receivable" ? channel_account_id : undefined);
  return {
    ...p,
    source_id: posting_id,
    lines: [debit(debited, size, scopeOf(debited)), credit(credited, size, scopeOf(credited))],
    on_shortfall: p.kind === "difference_adjusted" ? "refuse" : "throw",
  };
}
