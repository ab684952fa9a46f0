/** What is held back of settlements. Pure. Amounts in minor units, instants in epoch milliseconds. */
import { applyRate } from "../../kit/money.ts";

/** A reserve is of one of a merchant's books and a currency. */
export interface ReserveKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

/** What is held back from `effective_from` on. */
export interface ReserveSettings extends ReserveKey {
  readonly id: string;
  readonly effective_from: number;
  /** Of each settlement so many parts per million, for so many days; both 0: nothing. */
  readonly rolling_rate_ppm: bigint;
  readonly rolling_days: number;
  /** A sum that settlements fill and that is kept. */
  readonly fixed_amount: bigint;
  /** Whether refunds that neither pending nor available money can pay may draw on the reserve. */
  readonly covers_refunds: boolean;
  readonly created_at: number;
}

export const reserveKinds = ["rolling", "fixed"] as const;
export type ReserveKind = (typeof reserveKinds)[number];

/** A part that a settlement left behind. */
export interface Reserve extends ReserveKey {
  readonly id: string;
  readonly kind: ReserveKind;
  readonly settlement_id: string;
  readonly amount: bigint;
  readonly released_amount: bigint;
  /** What refunds drew, less what those that failed gave back. */
  readonly drawn_amount: bigint;
  /** When a rolling part is released; null for a fixed one. */
  readonly release_at: number | null;
  readonly created_at: number;
}

export const releaseReasons = ["due", "lowered", "early"] as const;
export type ReleaseReason = (typeof releaseReasons)[number];

/** What of a part became available again. */
export interface ReserveRelease extends ReserveKey {
  readonly id: string;
  readonly reserve_id: string;
  readonly amount: bigint;
  readonly reason: ReleaseReason;
  readonly created_at: number;
}

/** What a refund took of a part. */
export interface ReserveDrawn {
  readonly refund_id: string;
  readonly amount: bigint;
  /** When the refund failed and gave it back; null where it has not. */
  readonly returned_at: number | null;
}

/** What became of a part. */
export interface ReserveHistory {
  readonly releases: readonly ReserveRelease[];
  readonly draws: readonly ReserveDrawn[];
}

/** What is still held of a part. */
export function heldOf({ amount, released_amount, drawn_amount }: Reserve): bigint {
  return amount - released_amount - drawn_amount;
}

/** The lower of two amounts. */
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/**
 * What a settlement leaves behind. The rolling part is rounded down, in favour of the merchant; the fixed one takes of the
 * rest what the agreed sum misses.
 * @param fixed_held what is held of the agreed sum already
 */
export function splitSettlement(
  settings: Pick<ReserveSettings, "rolling_rate_ppm" | "fixed_amount">,
  amount: bigint,
  fixed_held: bigint,
): Record<ReserveKind, bigint> {
  const rolling = applyRate(amount, settings.rolling_rate_ppm, "down");
  const missing = settings.fixed_amount - fixed_held;
  return { rolling, fixed: missing > 0n ? least(missing, amount - rolling) : 0n };
}

/** Takes an amount from parts in their order; undefined when they do not hold so much. */
export function takeFrom(
  parts: readonly Reserve[],
  amount: bigint,
): { reserve: Reserve; amount: bigint }[] | undefined {
  let missing = amount;
  const taken: { reserve: Reserve; amount: bigint }[] = [];
  for (const reserve of parts) {
    if (missing === 0n) break;
    const part = least(heldOf(reserve), missing);
    if (part > 0n) taken.push({ reserve, amount: part });
    missing -= part;
  }
  return missing === 0n ? taken : undefined;
}
