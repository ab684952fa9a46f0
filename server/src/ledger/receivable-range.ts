/**
 * What transactions of a range of numbers did to `service_fee_receivable`: the fees that payments made, and that refunds
 * gave back. As in pending-range.ts, a range that has been read never changes. What pays fees is left out: it is what the
 * range is paid by.
 */
import type { Page } from "../kit/http/pagination.ts";
import type { Sql } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import type { PendingRange } from "./pending-range.ts";
import type { TransactionKind } from "./posting.ts";

/** Signed, in minor units. */
interface Figures {
  /** What was paid, or (negative) refunded. */
  amount: bigint;
  /** What the merchant owes more, or (negative) less. */
  fee: bigint;
}

export interface ReceivableSum extends Figures {
  kind: TransactionKind;
  count: bigint;
}

/** One transaction that moved `service_fee_receivable`. */
export interface ReceivableChange extends Figures {
  number: bigint;
  /** Of its entry of `service_fee_receivable`, counted from 1. */
  line: number;
  kind: TransactionKind;
  source_id: string;
  occurred_at: number;
}

const changes = `
  from (
    select coalesce(max(position) filter (where kind = 'service_fee_receivable'), 0) as receivable,
      coalesce(max(position) filter (where kind = 'direct_turnover'), 0) as turnover
    from ledger_accounts where merchant_id = $1 and livemode = $2 and currency = $3
  ) place
  join ledger_transactions t on t.merchant_id = $1 and t.livemode = $2 and t.number between $4 and $5
    and t.kind not in ('service_fee_paid', 'service_fee_deducted', 'service_fee_collected')
  cross join lateral (
    select min(line) filter (where t.entries[line][1] = place.receivable) as line,
      coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.receivable), 0)::bigint as fee,
      coalesce(sum(t.entries[line][2]) filter (where t.entries[line][1] = place.turnover), 0)::bigint as amount
    from generate_subscripts(t.entries, 1) as line
    where t.entries[line][1] in (place.receivable, place.turnover)
  ) c
  where c.line is not null`;

const sumStatement = tenantStatement(
  "ledger.sum_receivable_range",
  `select t.kind::text, count(*) as count, sum(c.amount)::bigint as amount, sum(c.fee)::bigint as fee ${changes}
   group by t.kind order by t.kind`,
);

/** What the range did, by kinds of transactions. */
export function sumReceivableRange(sql: Sql, range: PendingRange): Promise<ReceivableSum[]> {
  return sql.query<ReceivableSum>(sumStatement, valuesOf(range));
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `ledger.list_receivable_range_${order}`,
    `select t.number, c.line, t.kind::text, t.source_id, t.occurred_at, c.amount, c.fee ${changes}
     order by t.merchant_id ${order}, t.livemode ${order}, t.number ${order} limit $6`,
  ),
);

/** The transactions of the range in a page's order, `fetch` at most. */
export function listReceivableRange(
  sql: Sql,
  range: PendingRange,
  { order, fetch }: Pick<Page, "order" | "fetch">,
): Promise<ReceivableChange[]> {
  const [newestFirst, oldestFirst] = listStatements;
  return sql.query<ReceivableChange>(order === "desc" ? newestFirst! : oldestFirst!, [...valuesOf(range), fetch]);
}

function valuesOf({ merchant_id, livemode, currency, first_number, last_number }: PendingRange) {
  return [merchant_id, livemode, currency, first_number, last_number];
}
