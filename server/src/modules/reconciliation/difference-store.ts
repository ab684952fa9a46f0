/** SQL on differences: pairing across days, ageing, ending, listing. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { Matching } from "./match-lines-store.ts";
import type { DayKey, Difference } from "./reconciliation.ts";

const unpairStatement = platformStatement(
  "reconciliation.unpair",
  `update reconciliation_differences d set state = 'carried', resolution = null, resolved_at = null, resolved_day = null,
     pair_id = null, type = case side when 'ours' then 'ours_only' else type end
   where d.channel_account_id = $1 and d.resolution = 'paired' and (d.day = $2::date or d.resolved_day = $2::date
     or exists (select from reconciliation_differences p where p.id = d.pair_id and p.day = $2::date))`,
);

/** Takes apart the pairs that an earlier matching of the day has made. */
export async function takePairsApart(tx: Transaction, { channel_account_id, day }: DayKey): Promise<void> {
  await tx.query(unpairStatement, [channel_account_id, day]);
}

// Each side once. A pair that does not agree stays open, as what it is; decided, it is not asked about again.
const pairStatement = platformStatement(
  "reconciliation.pair",
  `with pairs as (
     select distinct on (o.id) o.id as our_row, c.id as channel_row, o.our_amount, o.our_fee, o.currency,
       case when c.currency <> o.currency then 'currency' when c.channel_amount <> o.our_amount then 'amount'
         when $5::boolean and abs(c.channel_fee - o.our_fee) > $4 then 'fee'
         when c.entry = 'refund' then 'late_refund' else 'cross_day' end as type
     from reconciliation_differences o
     join reconciliation_differences c on c.channel_account_id = o.channel_account_id and c.our_id = o.our_id
       and c.day <> o.day and c.side = 'channel' and c.type <> 'duplicate' and (c.state <> 'resolved'
         or (c.resolution = 'decided' and c.type in ('amount', 'currency', 'fee') and c.our_amount = o.our_amount))
     where o.channel_account_id = $1 and o.side = 'ours' and o.state <> 'resolved'
     order by o.id, c.day, c.subject
   ), agreed as (
     select * from pairs where type in ('late_refund', 'cross_day')
   ), channel_rows as (
     update reconciliation_differences d set type = p.type, pair_id = p.our_row, our_amount = p.our_amount,
       our_fee = p.our_fee, our_status = 'succeeded',
       state = case when a.our_row is null then 'open' else 'resolved' end,
       resolution = case when a.our_row is null then null else 'paired' end,
       resolved_at = case when a.our_row is null then null else $3::timestamptz end,
       resolved_day = case when a.our_row is null then null else $2::date end,
       at_risk = case p.type when 'amount' then abs(d.channel_amount - p.our_amount)
         when 'fee' then abs(d.channel_fee - p.our_fee) else d.at_risk end
     from pairs p left join agreed a using (our_row) where d.id = p.channel_row and d.state <> 'resolved'
   )
   update reconciliation_differences d set state = 'resolved', resolution = 'paired', pair_id = p.channel_row,
     resolved_at = $3::timestamptz, resolved_day = $2::date,
     type = case when p.type in ('late_refund', 'cross_day') then p.type else d.type end
   from pairs p where d.id = p.our_row`,
);

/** Pairs what waits on our side with what waits on the channel's. */
export async function pairAcrossDays(tx: Transaction, m: Matching): Promise<void> {
  await tx.query(pairStatement, [m.channel_account_id, m.day, toRfc3339(m.now), m.fee_tolerance, m.checks_fees]);
}

const ageStatement = platformStatement(
  "reconciliation.age",
  `update reconciliation_differences set state = 'open'
   where channel_account_id = $1 and state = 'carried' and day <= (
     select greatest($2::date, max(d.day)) from reconciliation_days d
     where d.channel_account_id = $1 and d.matched_at is not null) - $3::int`,
);

/** What has waited long enough, by the newest day that was matched, is carried no further. */
export async function endWaiting(tx: Transaction, { channel_account_id, day, carry_days }: Matching): Promise<void> {
  await tx.query(ageStatement, [channel_account_id, day, carry_days]);
}

const dropUnseenStatement = platformStatement(
  "reconciliation.drop_unseen",
  `delete from reconciliation_differences
   where channel_account_id = $1 and day = $2::date and layer = $4::int and run <> $3::uuid and case_id is null
     and asked_at is null`,
);
const endUnseenStatement = platformStatement(
  "reconciliation.end_unseen",
  `update reconciliation_differences set state = 'resolved',
     resolution = case when asked_result = 'succeeded' then 'healed' else 'vanished' end,
     resolved_at = $4::timestamptz, resolved_day = $2::date
   where channel_account_id = $1 and day = $2::date and layer = $5::int and run <> $3::uuid
     and (state <> 'resolved' or resolution = 'decided')`,
);

/**
 * Ends what this matching did not find any more. What nobody has looked at and no channel was asked about leaves no trace:
 * the bills tell what changed.
 */
export async function endUnseen(
  tx: Transaction,
  m: Pick<Matching, "channel_account_id" | "day" | "run" | "now">,
  layer: number,
): Promise<void> {
  await tx.query(dropUnseenStatement, [m.channel_account_id, m.day, m.run, layer]);
  await tx.query(endUnseenStatement, [m.channel_account_id, m.day, m.run, toRfc3339(m.now), layer]);
}

const openFeesStatement = platformStatement(
  "reconciliation.open_fees",
  `update reconciliation_differences d set state = 'open', resolution = null, resolved_at = null, resolved_day = null
   where d.channel_account_id = $1 and d.day = $2::date and d.run = $3::uuid and d.resolution = 'booked' and d.currency in (
     select currency from reconciliation_differences
     where channel_account_id = $1 and day = $2::date and run = $3::uuid and resolution = 'booked'
     group by currency having sum(at_risk) > $4)`,
);

/** Small differences of fees that are too much together are none to be booked. */
export async function openManySmallFees(tx: Transaction, m: Matching, fee_tolerance_day: bigint): Promise<void> {
  await tx.query(openFeesStatement, [m.channel_account_id, m.day, m.run, fee_tolerance_day]);
}

export const differenceColumns = `id, channel_account_id, day::text as day, subject, layer, side, type, state, resolution, merchant_id, livemode,
  entry, our_id, our_no, original_id, channel_trade_no, file_no, line_no, currency, channel_currency, our_amount, channel_amount, our_fee,
  channel_fee, our_status, channel_status, at_risk, occurred_at, created_at, asked_at, asked_result, resolved_at,
  resolved_day::text as resolved_day, pair_id, case_id,
  suspended`;

const listStatement = platformStatement(
  "reconciliation.list_differences",
  `select ${differenceColumns} from reconciliation_differences
   where channel_account_id = $1 and day = $2::date and ($3::text is null or state = $3)
   order by layer, at_risk desc, subject limit $4`,
);

/** A day's differences, the greatest first. */
export function listDifferences(
  sql: Sql,
  { channel_account_id, day }: DayKey,
  state: Difference["state"] | null,
  limit: number,
): Promise<Difference[]> {
  return sql.query<Difference>(listStatement, [channel_account_id, day, state, limit]);
}

const pageStatements = (["desc", "asc"] as const).map((order) =>
  platformStatement(
    `reconciliation.page_differences_${order}`,
    `select ${differenceColumns} from reconciliation_differences
     where channel_account_id = $1 and day = $2::date and ($3::text is null or state = $3) and ($4::text is null or type = $4)
       and id > $5 and id < $6 order by id ${order} limit $7`,
  ),
);

/** A page of a day's differences. */
export function pageDifferences(
  sql: Sql,
  { channel_account_id, day }: DayKey,
  { state, type }: { state: string | null; type: string | null },
  page: Page,
): Promise<Difference[]> {
  const [newestFirst, oldestFirst] = pageStatements;
  const bounds = [page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  const statement = page.order === "desc" ? newestFirst! : oldestFirst!;
  return sql.query<Difference>(statement, [channel_account_id, day, state, type, ...bounds]);
}

const toAskStatement = platformStatement(
  "reconciliation.select_to_ask",
  `select ${differenceColumns} from reconciliation_differences
   where channel_account_id = $1 and day = $2::date and layer = 1 and state = 'open' and side = 'channel' and our_id is not null
     and merchant_id is not null and our_status is not null and our_status <> 'succeeded' and asked_at is null
     and type in ('status', 'refund_missing')
   order by id limit $3`,
);

/** What the channel is to be asked about: it says that money moved, and ours says that it did not or is not known to have. */
export function listToAsk(sql: Sql, { channel_account_id, day }: DayKey, limit: number): Promise<Difference[]> {
  return sql.query<Difference>(toAskStatement, [channel_account_id, day, limit]);
}

const recordAskedStatement = platformStatement(
  "reconciliation.record_asked",
  "update reconciliation_differences set asked_at = $2::timestamptz, asked_result = $3 where id = $1",
);

export async function recordAsked(sql: Sql, id: string, now: number, result: string): Promise<void> {
  await sql.query(recordAskedStatement, [id, toRfc3339(now), result]);
}

const countStatement = platformStatement(
  "reconciliation.count_differences",
  `select type, state, resolution, currency, count(*) as count, sum(at_risk)::text as at_risk
   from reconciliation_differences where channel_account_id = $1 and day = $2::date
   group by 1, 2, 3, 4 order by 1, 2, 3, 4`,
);

export interface DifferenceCount {
  readonly type: Difference["type"];
  readonly state: Difference["state"];
  readonly resolution: Difference["resolution"];
  readonly currency: string;
  readonly count: bigint;
  readonly at_risk: string;
}

/** A day's differences, counted and added up. */
export function countDifferences(sql: Sql, { channel_account_id, day }: DayKey): Promise<DifferenceCount[]> {
  return sql.query<DifferenceCount>(countStatement, [channel_account_id, day]);
}

const countHoldingStatement = platformStatement(
  "reconciliation.count_holding",
  `select count(*) as count from reconciliation_differences d
   where channel_account_id = $1 and state = 'open' and at_risk > $3 and (day = $2::date or (day < $2::date and exists (
     select from reconciliation_closings c where c.channel_account_id = d.channel_account_id and c.day = d.day)))`,
);

/** How many differences of the day, or of days that were closed before, keep it from closing. */
export async function countHolding(sql: Sql, { channel_account_id, day }: DayKey, limit: bigint): Promise<bigint> {
  return (await sql.query<{ count: bigint }>(countHoldingStatement, [channel_account_id, day, limit]))[0]!.count;
}
