/**
 * SQL that compares a trade bill with the books: one join of all its lines with all that the books say of the account's
 * day. Only what does not agree is written; a line that agrees is found by its number. Set-based, whatever the day's size.
 */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { DayKey } from "./reconciliation.ts";

/** What of the books is of a day. */
export interface DayRange extends DayKey {
  /** The first instant of the day, and of the next one. */
  readonly from: number;
  readonly to: number;
  /** The last day that is closed; null where none is. */
  readonly closed_day: string | null;
  /** Whether what was posted after that day's closing, about days before this one, is this day's. */
  readonly takes_late: boolean;
}

/** What a matching of a day works with. */
export interface Matching extends DayRange {
  /** UUID. */
  readonly run: string;
  /** The number of its trade bill. */
  readonly bill: bigint;
  readonly livemode: boolean;
  /** Whether what the channel takes is ours to pay. */
  readonly checks_fees: boolean;
  readonly fee_tolerance: bigint;
  readonly carry_days: number;
  readonly now: number;
}

const savePositionsStatement = platformStatement(
  "reconciliation.save_positions",
  `insert into reconciliation_positions (merchant_id, livemode, channel_account_id, day, number, floor_number)
   select b.merchant_id, b.livemode, $1, $2::date, b.number, coalesce(c.floor_number, 0)
   from (
     select distinct merchant_id, livemode from ledger_accounts
     where scope = $1 and kind in ('channel_receivable', 'direct_collected')
   ) a
   join ledger_books b on b.merchant_id = a.merchant_id and b.livemode = a.livemode
   left join reconciliation_positions c on c.merchant_id = a.merchant_id and c.livemode = a.livemode
     and c.channel_account_id = $1 and c.day = $3::date
   on conflict (merchant_id, livemode, channel_account_id, day) do update set number = excluded.number,
     floor_number = excluded.floor_number`,
);

/** Writes down how far each merchant's journal has come: what is posted from now on is not of this matching. */
export async function savePositions(tx: Transaction, { channel_account_id, day, closed_day }: Matching): Promise<void> {
  await tx.query(savePositionsStatement, [channel_account_id, day, closed_day]);
}

/**
 * What the books say of the day: $1 account, $2 day, $3 and $4 its bounds, $5 the closed day, $6 whether it takes late. As the
 * view ledger_channel_movements has it, written out: the view leads to a look-up for each transaction, this to one for each
 * book, which takes half the time.
 */
const BOOKS = `with books as materialized (
     select p.merchant_id, p.livemode, a.position, a.currency, a.kind = 'direct_collected' as is_direct, p.floor_number,
       p.number, coalesce(c.number, 0) as seen
     from reconciliation_positions p
     join ledger_accounts a on a.merchant_id = p.merchant_id and a.livemode = p.livemode and a.scope = $1
       and a.kind in ('channel_receivable', 'direct_collected')
     left join reconciliation_positions c on c.merchant_id = p.merchant_id and c.livemode = p.livemode
       and c.channel_account_id = p.channel_account_id and c.day = $5::date
     where p.channel_account_id = $1 and p.day = $2::date
   )`;

/** Of a transaction t of book b: whether a payer paid, what moved, and what the channel takes of it. */
const PAID = "t.kind in ('payment_succeeded', 'duplicate_payment_succeeded')";
const AMOUNT = `t.entries[case when ${PAID} then 1 else 2 end][2]`;
const FEE = `case b.position when t.entries[5][1] then -t.entries[5][2] when t.entries[4][1] then -t.entries[4][2]
       when t.entries[3][1] then -t.entries[3][2] when t.entries[6][1] then -t.entries[6][2] else 0 end`;
const OF_BOOK = `t.merchant_id = b.merchant_id and t.livemode = b.livemode and t.number > b.floor_number
     and t.number <= b.number`;
const OF_DAY = `t.kind in ('payment_succeeded', 'duplicate_payment_succeeded', 'refund_succeeded', 'duplicate_refund_succeeded')
     and t.entries[case when ${PAID} then 1 else 2 end][1] = b.position
     and t.occurred_at < $4::timestamptz and (t.occurred_at >= $3::timestamptz or ($6::boolean and t.number > b.seen))
     and (t.merchant_id, t.livemode, t.number) not in (
       select merchant_id, livemode, reverses from ledger_transactions where reverses is not null)`;

const OURS = `${BOOKS}
   select t.merchant_id, t.source_id, t.kind, b.currency, b.is_direct, t.occurred_at, ${AMOUNT} as amount, ${FEE} as fee
   from books b
   join ledger_transactions t on ${OF_BOOK}
   where ${OF_DAY}`;

const LINES = "select * from reconciliation_lines where bill = $7 and entry in ('payment', 'refund')";

function valuesOf(m: DayRange) {
  return [m.channel_account_id, m.day, toRfc3339(m.from), toRfc3339(m.to), m.closed_day, m.takes_late];
}

/** The first 15 characters of ids made now: the rest is chance, so that a set of them is made by one statement. */
function idPrefix(now: number): string {
  const hex = now.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7`;
}

const newId = (place: string) => `overlay(gen_random_uuid()::text placing ${place} from 1 for 15)::uuid`;

/**
 * What was decided by people stays as it is while the facts do. Of a line that the books do not have, what it is about is
 * looked up later, so only the line itself is compared.
 */
const SAME_LINE = `d.channel_amount is not distinct from excluded.channel_amount
       and d.channel_fee is not distinct from excluded.channel_fee
       and d.channel_status is not distinct from excluded.channel_status`;
const DECIDED = `d.resolution = 'decided' and ${SAME_LINE} and (excluded.side = 'channel' or (d.type = excluded.type and d.our_amount is not distinct from excluded.our_amount))`;

const keepDecided = (...columns: string[]) =>
  columns.map((column) => `${column} = case when ${DECIDED} then d.${column} else excluded.${column} end`).join(", ");

const compareStatement = platformStatement(
  "reconciliation.compare",
  `with found as (
     select l.file_no, l.line_no, l.entry, l.our_no, coalesce(l.our_id, o.source_id) as our_id, l.original_id,
       l.channel_trade_no, l.channel_refund_no, l.status, l.amount as channel_amount, l.fee as channel_fee,
       o.merchant_id, o.kind, o.amount as our_amount, o.fee as our_fee, coalesce(o.currency, l.currency) as currency, l.currency as channel_currency,
       coalesce(l.occurred_at, o.occurred_at) as occurred_at,
       case when l.bill is null then 'ours' when o.source_id is null then 'channel' else 'both' end as side,
       case when l.bill is null then 'ours_only'
         when o.source_id is null then case when l.our_id is null and l.our_no is null then 'channel_only' else 'unknown_number' end
         when l.currency <> o.currency then 'currency'
         when l.amount <> o.amount then 'amount'
         when l.status <> 'succeeded' and not (l.status = 'pending' and l.entry = 'refund') then 'status'
         else 'fee' end as type
     from (${LINES}) l
     full join (${OURS}) o on o.source_id = l.our_id
     where l.our_id is null or o.source_id is null or l.currency <> o.currency or l.amount <> o.amount
       or (l.status <> 'succeeded' and not (l.status = 'pending' and l.entry = 'refund'))
       or (l.fee <> o.fee and not o.is_direct)
   ), named as (
     select *, case side when 'ours' then 'o:' when 'both' then 'p:' else 'c:' end
         || coalesce(our_id::text, our_no, channel_refund_no, channel_trade_no, file_no || ':' || line_no)
         || case when side = 'channel' then ':' || entry else '' end as name,
       case type when 'amount' then abs(channel_amount - our_amount) when 'fee' then abs(channel_fee - our_fee)
         else abs(coalesce(channel_amount, our_amount)) end as at_risk
     from found
   ), numbered as (
     select *, row_number() over (partition by name order by file_no, line_no) as nth from named
   ), written as (
     insert into reconciliation_differences as d (id, channel_account_id, day, subject, layer, side, type, state,
       resolution, first_run, run, merchant_id, livemode, entry, our_id, our_no, original_id, channel_trade_no, file_no,
       line_no, currency, channel_currency, our_amount, channel_amount, our_fee, channel_fee, our_status, channel_status,
       at_risk, occurred_at, created_at, resolved_at, resolved_day)
     select ${newId("$8")}, $1, $2::date, name || case when nth = 1 then '' else '#' || nth end, 1, side, type,
       case when side = 'ours' then 'carried' when is_small then 'resolved' else 'open' end,
       case when is_small then 'booked' end, $9::uuid, $9::uuid, merchant_id, $10::boolean,
       coalesce(entry, case when kind in ('payment_succeeded', 'duplicate_payment_succeeded') then 'payment' else 'refund' end),
       our_id, our_no, original_id, channel_trade_no, file_no, line_no, currency, channel_currency, our_amount, channel_amount,
       our_fee, channel_fee, case when side <> 'channel' then 'succeeded' end, status, at_risk, occurred_at, $11::timestamptz,
       case when is_small then $11::timestamptz end, case when is_small then $2::date end
     from (select *, type = 'fee' and at_risk <= $12 as is_small from numbered) n
     on conflict (channel_account_id, day, subject) do update set run = excluded.run, file_no = excluded.file_no,
       line_no = excluded.line_no, merchant_id = coalesce(excluded.merchant_id, d.merchant_id),
       channel_amount = excluded.channel_amount, channel_fee = excluded.channel_fee,
       channel_status = excluded.channel_status, pair_id = null,
       ${keepDecided("type", "state", "resolution", "our_amount", "our_fee", "our_status", "at_risk", "resolved_at", "resolved_day")}
     returning side, our_id
   )
   select count(*) filter (where side <> 'ours') as lines, count(*) filter (where side <> 'channel') as ours,
     count(*) filter (where side = 'channel') as lines_alone, count(*) filter (where side = 'ours') as ours_alone,
     count(our_id) filter (where side = 'channel') > count(distinct our_id) filter (where side = 'channel') as repeats
   from written`,
);

/** How many lines, and how many of our movements, do not agree. */
export interface Disagreeing {
  readonly lines: bigint;
  readonly ours: bigint;
  /** Of them, those that the other side does not have at all. */
  readonly lines_alone: bigint;
  readonly ours_alone: bigint;
  /** Whether one of our numbers stands in several lines that the books do not have. */
  readonly repeats: boolean;
}

/** Writes everything that does not agree, or is on one side only. */
export async function compareLines(tx: Transaction, m: Matching): Promise<Disagreeing> {
  const more = [m.bill, idPrefix(m.now), m.run, m.livemode, toRfc3339(m.now), m.fee_tolerance];
  return (await tx.query<Disagreeing>(compareStatement, [...valuesOf(m), ...more]))[0]!;
}

// Book by book: all of them at once would be sorted first, which takes as long as reading them.
const sumOursStatement = platformStatement(
  "reconciliation.sum_ours",
  `${BOOKS}
   select b.currency, s.paid, sum(s.count)::bigint as count, sum(s.amount)::text as amount,
     sum(case when b.is_direct then 0 else s.fee end)::text as fee
   from books b
   cross join lateral (
     select ${PAID} as paid, count(*) as count, sum(${AMOUNT}) as amount, sum(${FEE}) as fee
     from ledger_transactions t
     where ${OF_BOOK} and ${OF_DAY}
     group by 1
   ) s
   group by 1, 2 order by 1, 2`,
);

export interface OurSum {
  readonly currency: string;
  readonly paid: boolean;
  readonly count: bigint;
  readonly amount: string;
  readonly fee: string;
}

/** What the books say of the day, added up. */
export function sumOurs(tx: Transaction, m: Matching): Promise<OurSum[]> {
  return tx.query<OurSum>(sumOursStatement, valuesOf(m));
}

const duplicatesStatement = platformStatement(
  "reconciliation.duplicates",
  `with many as (
     select our_id from reconciliation_lines where bill = $3 and entry in ('payment', 'refund') and our_id is not null
     group by our_id having count(*) > 1
   ), again as (
     select l.*, row_number() over (partition by l.our_id order by l.file_no, l.line_no) as nth
     from reconciliation_lines l join many using (our_id) where l.bill = $3 and l.entry in ('payment', 'refund')
   ), dropped as (
     delete from reconciliation_differences d using again a
     where d.channel_account_id = $1 and d.day = $2::date and d.run = $7::uuid and d.file_no = a.file_no
       and d.line_no = a.line_no and d.side = 'both' and a.nth > 1
   )
   insert into reconciliation_differences as d (id, channel_account_id, day, subject, layer, side, type, state, first_run,
     run, livemode, entry, our_id, original_id, channel_trade_no, file_no, line_no, currency, channel_amount, channel_fee,
     channel_status, at_risk, occurred_at, created_at)
   select ${newId("$6")}, $1, $2::date, 'd:' || a.our_id || '#' || nth, 1, 'channel', 'duplicate', 'open', $7::uuid, $7::uuid,
     $4::boolean, a.entry, a.our_id, a.original_id, a.channel_trade_no, a.file_no, a.line_no, a.currency, a.amount, a.fee,
     a.status, abs(a.amount), a.occurred_at, $5::timestamptz
   from again a
   where nth > 1 and not exists (
     select from reconciliation_differences o
     where o.channel_account_id = $1 and o.day = $2::date and o.run = $7::uuid and o.side = 'channel'
       and o.our_id = a.our_id
   )
   on conflict (channel_account_id, day, subject) do update set run = excluded.run,
     state = case when d.resolution = 'decided' and ${SAME_LINE} then d.state else excluded.state end,
     resolution = case when d.resolution = 'decided' and ${SAME_LINE} then d.resolution end,
     resolved_at = case when d.resolution = 'decided' and ${SAME_LINE} then d.resolved_at end, resolved_day = null,
     channel_amount = excluded.channel_amount, channel_fee = excluded.channel_fee,
     channel_status = excluded.channel_status, at_risk = excluded.at_risk`,
);

/** Finds numbers that stand in the bill more than once although the books have them once. */
export async function findDuplicates(tx: Transaction, m: Matching): Promise<void> {
  await tx.query(duplicatesStatement, [
    ...[m.channel_account_id, m.day, m.bill, m.livemode, toRfc3339(m.now)],
    ...[idPrefix(m.now), m.run],
  ]);
}

const sumBooksStatement = platformStatement(
  "reconciliation.sum_books",
  `select merchant_id, currency, sum(amount - fee)::text as net from (${OURS}) o group by 1, 2`,
);

/** What the books say that the channel owes for the day, less what it takes, of each merchant. */
export function sumBooks(sql: Sql, m: DayRange): Promise<{ merchant_id: string; currency: string; net: string }[]> {
  return sql.query(sumBooksStatement, valuesOf(m));
}

// What moves with the channel besides payments and refunds: payouts and shares out of its balance.
const sumOthersStatement = platformStatement(
  "reconciliation.sum_others",
  `select t.merchant_id, a.currency, sum(t.entries[line][2])::text as net
   from reconciliation_positions p
   join ledger_accounts a on a.merchant_id = p.merchant_id and a.livemode = p.livemode and a.scope = p.channel_account_id
     and a.kind = 'channel_receivable'
   join ledger_transactions t on t.merchant_id = p.merchant_id and t.livemode = p.livemode and t.number > p.floor_number
     and t.number <= p.number
   cross join generate_subscripts(t.entries, 1) as line
   left join ledger_transactions r on r.merchant_id = t.merchant_id and r.livemode = t.livemode and r.number = t.reverses
   left join reconciliation_positions c on c.merchant_id = p.merchant_id and c.livemode = p.livemode
     and c.channel_account_id = p.channel_account_id and c.day = $5::date
   where p.channel_account_id = $1 and p.day = $2::date and t.kind <> 'payment_succeeded' and t.entries[line][1] = a.position
     and t.kind not in ('duplicate_payment_succeeded', 'refund_succeeded', 'duplicate_refund_succeeded', 'channel_settled',
       'channel_fee_adjusted', 'difference_suspended')
     and coalesce(r.kind not in ('payment_succeeded', 'duplicate_payment_succeeded', 'refund_succeeded',
       'duplicate_refund_succeeded'), true)
     and t.occurred_at < $4::timestamptz
     and (t.occurred_at >= $3::timestamptz or ($6::boolean and t.number > coalesce(c.number, 0)))
   group by 1, 2`,
);

/** What else has moved what the channel owes for the day, of each merchant. */
export function sumOthers(sql: Sql, m: DayRange): Promise<{ merchant_id: string; currency: string; net: string }[]> {
  return sql.query(sumOthersStatement, valuesOf(m));
}

const saveFloorsStatement = platformStatement(
  "reconciliation.save_floors",
  `update reconciliation_positions p set floor_number = coalesce((
     select t.number - 1 from ledger_transactions t
     where t.merchant_id = p.merchant_id and t.livemode = p.livemode and t.number > p.floor_number and t.number <= p.number
       and t.occurred_at >= $3::timestamptz
     order by t.merchant_id, t.livemode, t.number limit 1), p.number)
   where p.channel_account_id = $1 and p.day = $2::date`,
);

/** Writes down up to where each merchant's journal is of days that are closed, when this one is. */
export async function saveFloors(sql: Sql, { channel_account_id, day, to }: DayRange): Promise<void> {
  await sql.query(saveFloorsStatement, [channel_account_id, day, toRfc3339(to)]);
}

const dropPositionsStatement = platformStatement(
  "reconciliation.drop_positions",
  "delete from reconciliation_positions where channel_account_id = $1 and day < $2::date",
);

/** Forgets positions of days before one that is closed: only the last closed day's are asked for. */
export async function dropPositionsBefore(sql: Sql, { channel_account_id, day }: DayKey): Promise<void> {
  await sql.query(dropPositionsStatement, [channel_account_id, day]);
}
