/** What a settlement is, and how its figures are added up. Amounts in minor units, instants in epoch milliseconds. */
import { invariant } from "../../kit/error.ts";
import type { PendingSum, TransactionKind } from "../../ledger/index.ts";
import { type ItemType, itemTypeOfKind, itemTypes } from "./items.ts";

/** What a merchant is settled in: one of its books and a currency. */
export interface SettlementKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

/** What a run came to. */
export const runOutcomes = [
  "settled",
  /** Made, and waits for a person. */
  "in_review",
  /** Nothing became pending, or refunds have drawn all of it. */
  "nothing",
  /** Waits for more. */
  "below_minimum",
  /** Somebody has settled up to its cut-off, or later, already. */
  "done_before",
] as const;
export type RunOutcome = (typeof runOutcomes)[number];

export interface SettlementSettings extends SettlementKey {
  /** As `parseCycle` reads it. */
  readonly cycle: string;
  readonly calendar: string;
  /** When on its day a run happens, in minutes since midnight by the merchant's clock. */
  readonly run_minute: number;
  /** Less than this waits for the next run. */
  readonly minimum_amount: bigint;
  /** More than this is looked at by a person first; null is never. */
  readonly review_above: bigint | null;
  /** The day of the next run; null on request. */
  readonly next_day: string | null;
  /** When a worker looks; null on request, and while a batch waits for a person. */
  readonly due_at: number | null;
  readonly updated_at: number;
  /** The run before. */
  readonly last_day: string | null;
  readonly last_ran_at: number | null;
  readonly last_outcome: RunOutcome | null;
}

type Counts = { readonly [Type in ItemType as `${Type}_count`]: bigint };
type Amounts = { readonly [Type in ItemType as `${Type}_amount`]: bigint };

/** What a batch consists of, signed as it moves what is pending: for each type of item how many, and what they came to. */
export interface SettlementFigures extends Counts, Amounts {
  /** Fees taken (negative) and given back. */
  readonly fee_amount: bigint;
  /** What the settled balance paid of refunds. */
  readonly from_available: bigint;
  /** What the reserve paid of them. */
  readonly from_reserve: bigint;
}

export const settlementStatuses = [
  /** Waits for a person; nothing is posted. */
  "in_review",
  "posted",
  /** Refused by a person: a later batch settles its range. */
  "rejected",
] as const;
export type SettlementStatus = (typeof settlementStatuses)[number];

/** A batch. `brought_forward` and the figures sum to `amount + carried_forward`. */
export interface Settlement extends SettlementKey, SettlementFigures {
  readonly id: string;
  readonly status: SettlementStatus;
  /** The cycle by which it was made. */
  readonly cycle: string;
  /** What was posted then or later is not in it. */
  readonly cut_off_at: number;
  /** The book's transactions that it settles, both included. */
  readonly first_number: bigint;
  readonly last_number: bigint;
  /** The transaction that books it; null unless it is posted. */
  readonly number: bigint | null;
  /** What the batch before left over. */
  readonly brought_forward: bigint;
  /** Left over, because refunds after the cut-off have drawn on it already. */
  readonly carried_forward: bigint;
  /** What is settled; above zero. */
  readonly amount: bigint;
  /** The part of it that is held back. */
  readonly reserved_amount: bigint;
  readonly created_at: number;
  /** When it was posted or rejected after a review. */
  readonly decided_at: number | null;
}

/** Where a transaction that moved what is pending is listed. */
export function itemTypeOf(kind: TransactionKind): ItemType {
  const type = itemTypeOfKind[kind];
  invariant(type !== null, `${kind} has moved merchant_pending, and items.ts says that it never does`);
  return type;
}

/** Adds up what a range of the book did to what is pending. */
export function addUp(sums: readonly PendingSum[]): SettlementFigures {
  const total = (some: readonly PendingSum[], pick: (sum: PendingSum) => bigint) =>
    some.reduce((sum, one) => sum + pick(one), 0n);
  const groups = itemTypes.flatMap((type) => {
    const some = sums.filter(({ kind }) => itemTypeOf(kind) === type);
    return [
      [`${type}_count`, total(some, ({ count }) => count)],
      [`${type}_amount`, total(some, ({ amount }) => amount)],
    ] as const;
  });
  return {
    ...(Object.fromEntries(groups) as unknown as Counts & Amounts),
    fee_amount: total(sums, ({ fee }) => fee),
    from_available: total(sums, ({ from_available }) => from_available),
    from_reserve: total(sums, ({ from_reserve }) => from_reserve),
  };
}

/** The lower of two amounts. */
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** What the figures did to what is pending. */
export function netOf(figures: SettlementFigures): bigint {
  const items = itemTypes.reduce((sum, type) => sum + figures[`${type}_amount`], 0n);
  return items + figures.fee_amount + figures.from_available + figures.from_reserve;
}
