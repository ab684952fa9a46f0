/** SQL on what reconciling has booked, and on what of it ought to be. */
import { toRfc3339 } from "../../kit/clock.ts";
import { jsonArray, plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { ReconciliationPostingKind } from "../../ledger/index.ts";
import type { DayKey, ReconciliationDay } from "./reconciliation.ts";

/** A row of `reconciliation_postings`. */
export interface ReconciliationPosting extends DayKey {
  readonly merchant_id: string;
  readonly id: string;
  readonly livemode: boolean;
  readonly kind: ReconciliationPostingKind;
  readonly currency: string;
  readonly amount: bigint;
  readonly difference_id: string | null;
}

const insertStatement = tenantStatement(
  "reconciliation.insert_postings",
  `insert into reconciliation_postings (merchant_id, id, livemode, kind, channel_account_id, day, currency, amount,
     difference_id, created_at)
   select *, $10::timestamptz from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::uuid[], $6::date[], $7::text[],
     $8::bigint[], $9::uuid[])`,
);

export async function insertPostings(
  tx: Transaction,
  rows: readonly ReconciliationPosting[],
  now: number,
): Promise<void> {
  const column = <T>(pick: (row: ReconciliationPosting) => T) => rows.map(pick);
  await tx.query(insertStatement, [
    plainArray(column((r) => r.merchant_id)),
    plainArray(column((r) => r.id)),
    plainArray(column((r) => r.livemode)),
    textArray(column((r) => r.kind)),
    plainArray(column((r) => r.channel_account_id)),
    textArray(column((r) => r.day)),
    textArray(column((r) => r.currency)),
    plainArray(column((r) => r.amount)),
    plainArray(column((r) => r.difference_id)),
    toRfc3339(now),
  ]);
}

const sumPostedStatement = tenantStatement(
  "reconciliation.sum_posted",
  `select merchant_id, currency, sum(amount)::text as amount from reconciliation_postings
   where merchant_id = any ($1::uuid[]) and channel_account_id = $2 and day = $3::date and kind = $4 and difference_id is null
   group by 1, 2`,
);

export interface BookAmount {
  readonly merchant_id: string;
  readonly currency: string;
  readonly amount: string;
}

/** What was booked of a kind for a whole day, in these merchants' books. */
export function sumPosted(
  sql: Sql,
  { channel_account_id, day }: DayKey,
  kind: ReconciliationPostingKind,
  merchant_ids: readonly string[],
): Promise<BookAmount[]> {
  return sql.query<BookAmount>(sumPostedStatement, [plainArray(merchant_ids), channel_account_id, day, kind]);
}

const sumOfDifferencesStatement = tenantStatement(
  "reconciliation.sum_of_differences",
  `select merchant_id, difference_id, kind, currency, sum(amount)::bigint as amount from reconciliation_postings
   where merchant_id = any ($1::uuid[]) and difference_id = any ($2::uuid[])
   group by 1, 2, 3, 4 having sum(amount) <> 0`,
);

/** What was booked about differences, by kind. */
export function sumOfDifferences(
  sql: Sql,
  merchant_ids: readonly string[],
  difference_ids: readonly string[],
): Promise<
  { merchant_id: string; difference_id: string; kind: ReconciliationPostingKind; currency: string; amount: bigint }[]
> {
  return sql.query(sumOfDifferencesStatement, [plainArray(merchant_ids), plainArray(difference_ids)]);
}

/** What a line moved at the channel, less what the channel took; nothing where it says that nothing moved. */
const CHANNEL_NET = `case when channel_status in ('failed', 'closed', 'revoked') or type = 'currency' or side = 'ours' then 0
     else channel_amount - channel_fee end`;
const OUR_NET = "case when side = 'channel' then 0 else our_amount - our_fee end";

const settledChangesStatement = platformStatement(
  "reconciliation.settled_changes",
  `select merchant_id, currency, sum(${CHANNEL_NET} - (${OUR_NET}))::text as amount from reconciliation_differences
   where channel_account_id = $1 and day = $2::date and run = $3::uuid and layer = 1 and merchant_id is not null
   group by 1, 2`,
);

/** By how much what the channel settles of the day differs from what the books say of it, in each book. */
export function sumSettledChanges(
  sql: Sql,
  { channel_account_id, day, run }: ReconciliationDay,
): Promise<BookAmount[]> {
  return sql.query<BookAmount>(settledChangesStatement, [channel_account_id, day, run]);
}

const feesStatement = platformStatement(
  "reconciliation.sum_fees",
  `select merchant_id, currency, sum(channel_fee - our_fee)::text as amount from reconciliation_differences
   where channel_account_id = $1 and merchant_id is not null and layer = 1 and (
     (day = $2::date and run = $3::uuid and resolution = 'booked')
     or (resolution = 'paired' and side = 'channel' and resolved_day = $2::date))
   group by 1, 2`,
);

/** Differences of fees that are booked with the day, in each book. */
export function sumFees(sql: Sql, { channel_account_id, day, run }: ReconciliationDay): Promise<BookAmount[]> {
  return sql.query<BookAmount>(feesStatement, [channel_account_id, day, run]);
}

// A line that was paired across days has our side with it: that is settled with its own day, and looked into with the line.
const OUR_NET_OF_CASE = `case when side = 'channel' and type in ('amount', 'currency', 'fee') then our_amount - our_fee
     else (${OUR_NET}) end`;
const TARGET = `case when state = 'open' and case_id is not null then (${OUR_NET_OF_CASE}) - (${CHANNEL_NET})
     when resolution = 'decided' then suspended else 0 end`;

const suspenseStatement = platformStatement(
  "reconciliation.select_suspense",
  `select id, merchant_id, livemode, channel_account_id, day::text as day, currency, suspended, (${TARGET}) as target
   from reconciliation_differences
   where channel_account_id = $1 and merchant_id is not null and layer = 1 and (case_id is not null or suspended <> 0)
     and (${TARGET}) <> suspended
   order by merchant_id, id limit $2 for update`,
);

export interface Suspense extends DayKey {
  readonly id: string;
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
  readonly suspended: bigint;
  readonly target: bigint;
}

/** Differences of which something else lies in suspense than ought to, locked. */
export function lockWrongSuspense(tx: Transaction, channel_account_id: string, limit: number): Promise<Suspense[]> {
  return tx.query<Suspense>(suspenseStatement, [channel_account_id, limit]);
}

const saveSuspendedStatement = platformStatement(
  "reconciliation.save_suspended",
  `update reconciliation_differences d set suspended = (n.item ->> 'suspended')::bigint
   from unnest($1::jsonb[]) as n (item) where d.id = (n.item ->> 'id')::uuid`,
);

export async function saveSuspended(
  tx: Transaction,
  rows: readonly { id: string; suspended: bigint }[],
): Promise<void> {
  const values = rows.map(({ id, suspended }) => ({ id, suspended: String(suspended) }));
  await tx.query(saveSuspendedStatement, [jsonArray(values)]);
}
