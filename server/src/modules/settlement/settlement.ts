/** What a settlement is, and how its figures are added up. Amounts in minor units, instants in epoch milliseconds. */
import type { PendingSum, TransactionKind } from "../../ledger/index.ts";

/** What a merchant is settled in: one of its books and a currency. */
export interface SettlementKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

export interface SettlementSettings extends SettlementKey {
  /** As `parseCycle` reads it. */
  readonly cycle: string;
  readonly calendar: string;
  /** When on its day a run happens, in minutes since midnight by the merchant's clock. */
  readonly run_minute: number;
  /** Less than this waits for the next run. */
  readonly minimum_amount: bigint;
  /** The day of the next run; null on request. */
  readonly next_day: string | null;
  readonly due_at: number | null;
  readonly updated_at: number;
}

/** What a batch consists of, signed as it moves what is pending. */
export interface SettlementFigures {
  readonly payment_count: bigint;
  readonly payment_amount: bigint;
  readonly refund_count: bigint;
  readonly refund_amount: bigint;
  readonly adjustment_count: bigint;
  readonly adjustment_amount: bigint;
  /** Fees taken (negative) and given back. */
  readonly fee_amount: bigint;
  /** What the settled balance paid of refunds. */
  readonly from_available: bigint;
}

/** A batch. `brought_forward` and the figures sum to `amount + carried_forward`. */
export interface Settlement extends SettlementKey, SettlementFigures {
  readonly id: string;
  /** The cycle by which it was made. */
  readonly cycle: string;
  /** What was posted then or later is not in it. */
  readonly cut_off_at: number;
  /** The book's transactions that it settles, both included. */
  readonly first_number: bigint;
  readonly last_number: bigint;
  /** The transaction that books it. */
  readonly number: bigint;
  /** What the batch before left over. */
  readonly brought_forward: bigint;
  /** Left over, because refunds after the cut-off have drawn on it already. */
  readonly carried_forward: bigint;
  /** What became available; above zero. */
  readonly amount: bigint;
  readonly created_at: number;
}

export type ItemType = "payment" | "refund" | "adjustment";

/** Where a transaction is listed. What is neither a payment nor a refund is a correction. */
export function itemTypeOf(kind: TransactionKind): ItemType {
  switch (kind) {
    case "payment_succeeded":
      return "payment";
    case "refund_initiated":
    case "refund_failed":
      return "refund";
    default:
      return "adjustment";
  }
}

/** Adds up what a range of the book did to what is pending. */
export function addUp(sums: readonly PendingSum[]): SettlementFigures {
  const of = (type: ItemType) => sums.filter(({ kind }) => itemTypeOf(kind) === type);
  const total = (some: readonly PendingSum[], pick: (sum: PendingSum) => bigint) =>
    some.reduce((sum, one) => sum + pick(one), 0n);
  const [payments, refunds, adjustments] = [of("payment"), of("refund"), of("adjustment")];
  return {
    payment_count: total(payments, ({ count }) => count),
    payment_amount: total(payments, ({ amount }) => amount),
    refund_count: total(refunds, ({ count }) => count),
    refund_amount: total(refunds, ({ amount }) => amount),
    adjustment_count: total(adjustments, ({ count }) => count),
    adjustment_amount: total(adjustments, ({ amount }) => amount),
    fee_amount: total(sums, ({ fee }) => fee),
    from_available: total(sums, ({ from_available }) => from_available),
  };
}

/** What the figures did to what is pending. */
export function netOf(figures: SettlementFigures): bigint {
  const { payment_amount, refund_amount, adjustment_amount, fee_amount, from_available } = figures;
  return payment_amount + refund_amount + adjustment_amount + fee_amount + from_available;
}
