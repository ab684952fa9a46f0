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

/** What each range did, by kinds of transactions, in the order of the ranges. */
export async function sumRanges(sql: Sql, ranges: readonly PendingRange[]): Promise<PendingSum[][]> {
  const sums: PendingSum[][] = ranges.map(() => []);
  if (ranges.length === 0) return sums;
  const rows = await sql.query<PendingSum & { place: number }>(sumStatement, [
    plainArray(ranges.map(({ merchant_id }) => merchant_id)),
    plainArray(ranges.map(({ livemode }) => livemode)),
    textArray(ranges.map(({ currency }) => currency)),
    plainArray(ranges.map(({ first_number }) => first_number)),
    plainArray(ranges.map(({ last_number }) => last_number)),
  ]);
  for (const { place, ...sum } of rows) sums[place - 1]!.push(sum);
  return sums;
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
