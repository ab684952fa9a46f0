/**
 * What transactions of a range of numbers did to `merchant_pending`. A book numbers its transactions without gaps and in
 * the order in which they were committed, so a range that has been read never changes, and adjoining ranges leave nothing
 * out and count nothing twice.
 */

import type { Page } from "../kit/http/pagination.ts";
import { plainArray, textArray } from "../kit/sql/arrays.ts";
import type { Sql } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import type { TransactionKind } from "./posting.ts";
import type { BookKey } from "./store.ts";

/** Both numbers belong to the range. */
export interface PendingRange extends BookKey {
  readonly currency: string;
  readonly first_number: bigint;
  readonly last_number: bigint;
}

/** Signed changes, in minor units. All four sum to the change of `merchant_pending`. */
interface Figures {
  /** What was paid, or (negative) refunded. */
  amount: bigint;
  /** Negative what the platform took, positive what it gave back. */
  fee: bigint;
  /** What `merchant_available` paid of it, or (negative) got back. */
  from_available: bigint;
  /** What `merchant_reserve` paid of it, or (negative) got back. */
  from_reserve: bigint;
}

export interface PendingSum extends Figures {
  kind: TransactionKind;
  count: bigint;
}

/** One transaction that moved `merchant_pending`. */
export interface PendingChange extends Figures {
  number: bigint;
  /** Of its entry of `merchant_pending`, counted from 1. */
  line: number;
  kind: TransactionKind;
  source_id: string;
  occurred_at: number;
}

// Accounts are found by their positions, once for a range, rather than by a join of every entry. Settling itself moves what
// is pending, too, and is left out: it is what the range is settled by. `w` is the wanted range.
const changes = `
  cross join lateral (
    select coalesce(max(position) filter (where kind = 'merchant_pending'), 0) as pending,
      coalesce(max(position) filter (where kind = 'merchant_available'), 0) as available,
      coalesce(max(position) filter (where kind = 'merchant_reserve'), 0) as reserve,
      coalesce(max(position) filter (where kind = 'fee_income'), 0) as fee
    from ledger_accounts a where a.merchant_id = w.merchant_id and a.livemode = w.livemode and a.currency = w.currency
  ) place
  join ledger_transactions t on t.merchant_id = w.merchant_id and t.livemode = w.livemode
    and t.number between w.first_number and w.last_number and t.kind <> 'settlement_created'
  cross join lateral (
    select min(line) filter (where t.entries[line][1] = place.pending) as line,
      coalesce(sum(t.entries[line][2]), 0)::bigint as amount,
      -coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.fee), 0)::bigint as fee,
      -coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.available), 0)::bigint as from_available,
      -coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.reserve), 0)::bigint as from_reserve
    from generate_subscripts(t.entries, 1) as line
    where t.entries[line][1] in (place.pending, place.available, place.reserve, place.fee)
  ) c
  where c.line is not null`;

const sumStatement = tenantStatement(
  "ledger.sum_pending_ranges",
  `select w.place::int, t.kind::text, count(*) as count, sum(c.amount)::bigint as amount, sum(c.fee)::bigint as fee,
     sum(c.from_available)::bigint as from_available, sum(c.from_reserve)::bigint as from_reserve
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::bigint[], $5::bigint[])
     with ordinality as w (merchant_id, livemode, currency, first_number, last_number, place)
   ${changes} group by w.place, t.kind order by w.place, t.kind`,
);

/** As many transactions as one statement adds up, so that it ends well before the database's time limit. */
const SUMMED_MAX = 1_000_000n;

/** A part of a wanted range. */
interface Piece extends PendingRange {
  /** Of the range that it is a part of, from 0. */
  readonly place: number;
}

/**
 * What each range did, by kinds of transactions, in the order of the ranges. Large ranges are added up in pieces.
 * @param summed_max transactions in one statement
 */
export async function sumRanges(
  sql: Sql,
  ranges: readonly PendingRange[],
  summed_max: bigint = SUMMED_MAX,
): Promise<PendingSum[][]> {
  const sums = ranges.map(() => new Map<TransactionKind, PendingSum>());
  for (const pieces of shareOut(ranges, summed_max)) {
    for (const { place, ...sum } of await sumPieces(sql, pieces)) {
      const ofRange = sums[pieces[place - 1]!.place]!;
      const before = ofRange.get(sum.kind);
      ofRange.set(sum.kind, before === undefined ? sum : addSums(before, sum));
    }
  }
  return sums.map((ofRange) => [...ofRange.values()]);
}

/** Pieces of the ranges, in groups of so many transactions at most. */
function shareOut(ranges: readonly PendingRange[], summed_max: bigint): Piece[][] {
  const groups: Piece[][] = [];
  let room = 0n;
  for (const [place, range] of ranges.entries()) {
    for (let first = range.first_number; first <= range.last_number; ) {
      if (room === 0n) {
        groups.push([]);
        room = summed_max;
      }
      const left = range.last_number - first + 1n;
      const count = left < room ? left : room;
      const { merchant_id, livemode, currency } = range;
      const last_number = first + count - 1n;
      groups.at(-1)!.push({ merchant_id, livemode, currency, first_number: first, last_number, place });
      first += count;
      room -= count;
    }
  }
  return groups;
}

function sumPieces(sql: Sql, pieces: readonly Piece[]): Promise<(PendingSum & { place: number })[]> {
  return sql.query<PendingSum & { place: number }>(sumStatement, [
    plainArray(pieces.map(({ merchant_id }) => merchant_id)),
    plainArray(pieces.map(({ livemode }) => livemode)),
    textArray(pieces.map(({ currency }) => currency)),
    plainArray(pieces.map(({ first_number }) => first_number)),
    plainArray(pieces.map(({ last_number }) => last_number)),
  ]);
}

function addSums(a: PendingSum, b: PendingSum): PendingSum {
  return {
    ...{ kind: a.kind, count: a.count + b.count, amount: a.amount + b.amount, fee: a.fee + b.fee },
    from_available: a.from_available + b.from_available,
    from_reserve: a.from_reserve + b.from_reserve,
  };
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `ledger.list_pending_range_${order}`,
    `select t.number, c.line, t.kind::text, t.source_id, t.occurred_at, c.amount, c.fee, c.from_available, c.from_reserve
     from (values ($1::uuid, $2::boolean, $3::text, $4::bigint, $5::bigint))
       as w (merchant_id, livemode, currency, first_number, last_number)
     ${changes}
     order by t.merchant_id ${order}, t.livemode ${order}, t.number ${order} limit $6`,
  ),
);

/** The transactions of the range in a page's order, `fetch` at most. */
export function listRange(
  sql: Sql,
  range: PendingRange,
  { order, fetch }: Pick<Page, "order" | "fetch">,
): Promise<PendingChange[]> {
  const [newestFirst, oldestFirst] = listStatements;
  return sql.query<PendingChange>(order === "desc" ? newestFirst! : oldestFirst!, [...valuesOf(range), fetch]);
}

function valuesOf({ merchant_id, livemode, currency, first_number, last_number }: PendingRange) {
  return [merchant_id, livemode, currency, first_number, last_number];
}
