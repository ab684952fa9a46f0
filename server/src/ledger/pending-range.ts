/**
 * What transactions of a range of numbers did to `merchant_pending`. A book numbers its transactions without gaps and in
 * the order in which they were committed, so a range that has been read never changes, and adjoining ranges leave nothing
 * out and count nothing twice.
 */

import type { Page } from "../kit/http/pagination.ts";
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

/** Signed changes, in minor units. `amount + fee + from_available` is the change of `merchant_pending`. */
interface Figures {
  /** What was paid, or (negative) refunded. */
  amount: bigint;
  /** Negative what the platform took, positive what it gave back. */
  fee: bigint;
  /** What `merchant_available` paid of a refund, or (negative) got back. */
  from_available: bigint;
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

// Accounts are found by their positions, once, rather than by a join of every entry. Settling itself moves what is pending,
// too, and is left out: it is what the range is settled by.
const changes = `
  from (
    select coalesce(max(position) filter (where kind = 'merchant_pending'), 0) as pending,
      coalesce(max(position) filter (where kind = 'merchant_available'), 0) as available,
      coalesce(max(position) filter (where kind = 'fee_income'), 0) as fee
    from ledger_accounts where merchant_id = $1 and livemode = $2 and currency = $3
  ) place
  join ledger_transactions t on t.merchant_id = $1 and t.livemode = $2 and t.number between $4 and $5
    and t.kind <> 'settlement_created'
  cross join lateral (
    select min(line) filter (where t.entries[line][1] = place.pending) as line,
      coalesce(sum(t.entries[line][2]), 0)::bigint as amount,
      -coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.fee), 0)::bigint as fee,
      -coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.available), 0)::bigint as from_available
    from generate_subscripts(t.entries, 1) as line
    where t.entries[line][1] in (place.pending, place.available, place.fee)
  ) c
  where c.line is not null`;

const sumStatement = tenantStatement(
  "ledger.sum_pending_range",
  `select t.kind::text, count(*) as count, sum(c.amount)::bigint as amount, sum(c.fee)::bigint as fee,
     sum(c.from_available)::bigint as from_available ${changes} group by t.kind order by t.kind`,
);

/** What the range did, by kinds of transactions. */
export function sumRange(sql: Sql, range: PendingRange): Promise<PendingSum[]> {
  return sql.query<PendingSum>(sumStatement, valuesOf(range));
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `ledger.list_pending_range_${order}`,
    `select t.number, c.line, t.kind::text, t.source_id, t.occurred_at, c.amount, c.fee, c.from_available ${changes}
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
