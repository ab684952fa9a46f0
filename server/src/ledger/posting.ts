/** What a template returns and `post` writes: one balanced transaction of one book. */
import type { Money } from "../kit/money.ts";
import { type Account, type AccountKind, accountOf, type Side } from "./accounts.ts";

/** Each kind of transaction, and what its `source_id` is. */
export const transactionKinds = {
  /** A payer paid. */
  payment_succeeded: "attempt",
  /** A payer paid a payment that was paid already. */
  duplicate_payment_succeeded: "attempt",
  /** A refund was claimed: its money is set aside before the channel is asked. */
  refund_initiated: "refund",
  /** The channel paid the refund out. */
  refund_succeeded: "refund",
  /** The channel refused the refund: takes refund_initiated back. */
  refund_failed: "refund",
  /** The channel gave a duplicate payment back to the payer. */
  duplicate_refund_succeeded: "refund",
  /** What was pending became available. */
  settlement_created: "settlement",
  /** What was held back of a settlement became available. */
  reserve_released: "reserve_release",
  /** An operator froze an amount. */
  funds_frozen: "account_operation",
  /** An operator released it, or a part of it. */
  funds_released: "account_operation",
  /** An operator gave or took by hand. */
  adjustment_made: "account_operation",
  /** A payout was accepted: its money is set aside before anybody is told to pay. */
  payout_initiated: "payout",
  /** The beneficiary has the money. */
  payout_succeeded: "payout",
  /** Nothing was paid: takes payout_initiated back. */
  payout_failed: "payout",
  /** It was taken back before anybody was told to pay: takes payout_initiated back. */
  payout_cancelled: "payout",
  /** The bank gave back what was paid. */
  payout_returned: "payout",
  /** A merchant's book gave an agent's commission of a month. */
  commission_settled: "commission_part",
  /** The agent's own book took it. */
  commission_received: "commission_settlement",
  /** A part of a payment was set aside for a receiver. */
  sharing_initiated: "sharing_part",
  /** The receiver got it. */
  sharing_succeeded: "sharing_part",
  /** The receiver did not: takes sharing_initiated back. */
  sharing_failed: "sharing_part",
  /** In the receiver's book, where the receiver is a merchant of the platform: it got the part. */
  share_received: "sharing_part",
  /** The receiver gave back. */
  sharing_return_succeeded: "sharing_return",
  /** In the receiver's book: it gave back. */
  share_returned: "sharing_return",
  /** The channel settled a day to the platform's bank account. */
  channel_settled: "reconciliation_posting",
  /** The channel took more, or less, than it ought to, within what is tolerated. */
  channel_fee_adjusted: "reconciliation_posting",
  /** What a channel's bill says differently is being looked into. */
  difference_suspended: "reconciliation_posting",
  /** What was missing came from the channel, or what was too much went back to the payer. */
  difference_recovered: "reconciliation_posting",
  /** A difference was given up. */
  difference_written_off: "reconciliation_posting",
  /** A difference is the merchant's. */
  difference_adjusted: "reconciliation_posting",
  /** Direct: the merchant paid in advance for service fees. */
  service_fee_topped_up: "service_fee_deposit",
  /** Direct: what was paid in advance went back. */
  service_fee_returned: "service_fee_deposit",
  /** Direct: service fees were paid by a bank transfer. */
  service_fee_paid: "service_fee_payment",
  /** Direct: service fees were deducted from what was paid in advance. */
  service_fee_deducted: "service_fee_payment",
  /** Direct: service fees were taken of what is available of pooled money. */
  service_fee_collected: "service_fee_payment",
  /** A correction by an operator: takes any transaction back; its source is the correction's own id. */
  reversal: "correction",
} as const;

export type TransactionKind = keyof typeof transactionKinds;

export interface Line {
  readonly account: Account;
  readonly side: Side;
  /** Minor units of the account's currency, above zero. */
  readonly amount: bigint;
}

export interface NewPosting {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly kind: TransactionKind;
  /** With merchant and kind the natural key. */
  readonly source_id: string;
  /** When it happened in the world; epoch milliseconds. */
  readonly occurred_at: number;
  readonly lines: readonly Line[];
  /** What becomes of it when a balance would fall below its minimum: a refusal (a value) or an error. */
  readonly on_shortfall: "refuse" | "throw";
  /** The transaction of the same book that it takes back; its lines must be that transaction's with sides exchanged. */
  readonly reverses?: { readonly kind: TransactionKind; readonly source_id: string };
}

/** Zero-amount lines are left out, so templates need no conditions. */
export function keepLines(...lines: readonly Line[]): Line[] {
  return lines.filter((line) => line.amount !== 0n);
}

/** A debit of an account of the amount's currency. */
export function debit(kind: AccountKind, amount: Money, scope?: string): Line {
  return { account: accountOf(kind, amount.currency, scope), side: "debit", amount: amount.amount };
}

/** A credit of an account of the amount's currency. */
export function credit(kind: AccountKind, amount: Money, scope?: string): Line {
  return { account: accountOf(kind, amount.currency, scope), side: "credit", amount: amount.amount };
}

/** The same lines with the sides exchanged. */
export function swapSides(lines: readonly Line[]): Line[] {
  return lines.map((line) => ({ ...line, side: line.side === "debit" ? "credit" : "debit" }));
}

/** The change of the account's balance: positive on the account's own side. */
export function changeOf(line: Line): bigint {
  return line.side === line.account.side ? line.amount : -line.amount;
}

/** Why a posting cannot be a transaction, or undefined: it needs lines, amounts above zero, and zero sums. */
export function findImbalance(posting: NewPosting): string | undefined {
  if (posting.lines.length === 0) return "it has no lines";
  // Most postings have one currency, so the first is summed without a map.
  const currency = posting.lines[0]!.account.currency;
  let sum = 0n;
  let others: Map<string, bigint> | undefined;
  for (const line of posting.lines) {
    if (line.amount <= 0n) return `a line of ${line.account.kind} is not above zero`;
    const signed = line.side === "debit" ? line.amount : -line.amount;
    if (line.account.currency === currency) sum += signed;
    else {
      others ??= new Map();
      others.set(line.account.currency, (others.get(line.account.currency) ?? 0n) + signed);
    }
  }
  if (sum !== 0n) return `its ${currency} lines do not sum to zero`;
  for (const [other, total] of others ?? []) if (total !== 0n) return `its ${other} lines do not sum to zero`;
  return undefined;
}
