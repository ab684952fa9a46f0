/** All SQL on settlements, their settings and calendars. Groups of merchants, under the locks of their settings. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { CalendarYear } from "./calendar.ts";
import { itemTypes } from "./items.ts";
import type { RunOutcome, Settlement, SettlementKey, SettlementSettings, SettlementStatus } from "./settlement.ts";

const saveSettingsStatement = tenantStatement(
  "settlement.save_settings",
  `insert into settlement_settings (merchant_id, livemode, currency, cycle, calendar, run_minute, minimum_amount,
     review_above, next_day, due_at, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::timestamptz, $11::timestamptz)
   on conflict (merchant_id, livemode, currency) do update set cycle = excluded.cycle, calendar = excluded.calendar,
     run_minute = excluded.run_minute, minimum_amount = excluded.minimum_amount, review_above = excluded.review_above,
     next_day = excluded.next_day, due_at = excluded.due_at, updated_at = excluded.updated_at`,
);

/** Writes the settings of a merchant's book and currency, in place of any before. */
export async function saveSettings(sql: Sql, settings: NewSettings): Promise<void> {
  await sql.query(saveSettingsStatement, [
    ...keyOf(settings),
    ...[settings.cycle, settings.calendar, settings.run_minute, settings.minimum_amount, settings.review_above],
    ...[settings.next_day, settings.due_at === null ? null : toRfc3339(settings.due_at)],
    toRfc3339(settings.updated_at),
  ]);
}

export type NewSettings = Omit<SettlementSettings, "last_day" | "last_ran_at" | "last_outcome">;

function keyOf({ merchant_id, livemode, currency }: SettlementKey) {
  return [merchant_id, livemode, currency];
}

/** The columns of keys, for `unnest($1::uuid[], $2::boolean[], $3::text[], …)`. */
function keysOf(keys: readonly SettlementKey[]): string[] {
  return [
    plainArray(keys.map(({ merchant_id }) => merchant_id)),
    plainArray(keys.map(({ livemode }) => livemode)),
    textArray(keys.map(({ currency }) => currency)),
  ];
}

const selectSettings = tenantStatement(
  "settlement.select_settings",
  "select * from settlement_settings where merchant_id = $1 order by livemode, currency",
);

/** A merchant's settings, for each of its books and currencies. */
export async function loadSettings(sql: Sql, merchant_id: string): Promise<SettlementSettings[]> {
  return sql.query<SettlementSettings>(selectSettings, [merchant_id]);
}

const lockSettingsStatement = tenantStatement(
  "settlement.lock_settings",
  `select s.* from unnest($1::uuid[], $2::boolean[], $3::text[]) as k (merchant_id, livemode, currency)
   join settlement_settings s
     on s.merchant_id = k.merchant_id and s.livemode = k.livemode and s.currency = k.currency
   order by s.merchant_id, s.livemode, s.currency for update of s`,
);

/** Locks settings, in the order of their keys: whoever settles or changes them waits for the others. */
export async function lockSettings(tx: Transaction, keys: readonly SettlementKey[]): Promise<SettlementSettings[]> {
  return tx.query<SettlementSettings>(lockSettingsStatement, keysOf(keys));
}

/** When the next run is; `due_at` without a time waits until a batch is decided. */
export interface NextRun extends SettlementKey {
  readonly next_day: string | null;
  readonly due_at: number | null;
}

/** A run that is over. */
export interface RunNote extends SettlementKey {
  readonly last_day: string;
  readonly last_ran_at: number;
  readonly last_outcome: RunOutcome;
}

const scheduleStatement = tenantStatement(
  "settlement.schedule",
  `update settlement_settings s set next_day = n.next_day, due_at = n.due_at
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::timestamptz[])
     as n (merchant_id, livemode, currency, next_day, due_at)
   where s.merchant_id = n.merchant_id and s.livemode = n.livemode and s.currency = n.currency`,
);

/** Says when the next runs are. */
export async function scheduleRuns(tx: Transaction, next: readonly NextRun[]): Promise<void> {
  const days = textArray(next.map(({ next_day }) => next_day));
  await tx.query(scheduleStatement, [...keysOf(next), days, timestampArray(next.map(({ due_at }) => due_at))]);
}

const noteStatement = tenantStatement(
  "settlement.note_runs",
  `update settlement_settings s set last_day = n.day, last_ran_at = n.at, last_outcome = n.outcome
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::timestamptz[], $6::text[])
     as n (merchant_id, livemode, currency, day, at, outcome)
   where s.merchant_id = n.merchant_id and s.livemode = n.livemode and s.currency = n.currency`,
);

/** Remembers what runs came to, for people. */
export async function noteRuns(tx: Transaction, notes: readonly RunNote[]): Promise<void> {
  if (notes.length === 0) return;
  const days = textArray(notes.map(({ last_day }) => last_day));
  const times = timestampArray(notes.map(({ last_ran_at }) => last_ran_at));
  await tx.query(noteStatement, [...keysOf(notes), days, times, textArray(notes.map((note) => note.last_outcome))]);
}

const claimStatement = platformStatement(
  "settlement.claim",
  `update settlement_settings s set due_at = $2::timestamptz
   from (
     select merchant_id, livemode, currency from settlement_settings where due_at <= $1::timestamptz
     order by due_at limit $3 for update skip locked
   ) due
   where s.merchant_id = due.merchant_id and s.livemode = due.livemode and s.currency = due.currency
   returning s.merchant_id, s.livemode, s.currency`,
);

/** Claims settings that are due, until the lease runs out. */
export async function claimDueSettings(
  sql: Sql,
  now: number,
  lease_until: number,
  limit: number,
): Promise<SettlementKey[]> {
  return sql.query<SettlementKey>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const figureColumns = [
  ...itemTypes.flatMap((type) => [`${type}_count`, `${type}_amount`] as const),
  ...(["fee_amount", "from_available", "from_reserve"] as const),
  ...(["brought_forward", "carried_forward", "amount", "reserved_amount"] as const),
] as const satisfies readonly (keyof Settlement)[];

const insertStatement = tenantStatement(
  "settlement.insert",
  `insert into settlements (merchant_id, livemode, currency, id, status, cycle, cut_off_at, first_number, last_number,
     number, created_at, ${figureColumns.join(", ")})
   select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[],
     $8::bigint[], $9::bigint[], $10::bigint[], $11::timestamptz[], ${figureColumns.map((_, index) => `$${index + 12}::bigint[]`).join(", ")})`,
);

export async function insertSettlements(tx: Transaction, settlements: readonly Settlement[]): Promise<void> {
  const s = settlements;
  await tx.query(insertStatement, [
    ...keysOf(s),
    ...[plainArray(s.map(({ id }) => id)), textArray(s.map(({ status }) => status))],
    ...[textArray(s.map(({ cycle }) => cycle)), timestampArray(s.map(({ cut_off_at }) => cut_off_at))],
    ...(["first_number", "last_number", "number"] as const).map((column) => plainArray(s.map((one) => one[column]))),
    timestampArray(s.map(({ created_at }) => created_at)),
    ...figureColumns.map((column) => plainArray(s.map((one) => one[column]))),
  ]);
}

const decideStatement = tenantStatement(
  "settlement.decide",
  `update settlements set status = $3, number = $4, amount = $5, carried_forward = $6, reserved_amount = $7,
     decided_at = $8::timestamptz
   where merchant_id = $1 and id = $2 and status = 'in_review' returning id`,
);

/** Moves a batch out of review; false when somebody was faster. */
export async function saveDecision(tx: Transaction, s: Settlement): Promise<boolean> {
  const figures = [s.status, s.number, s.amount, s.carried_forward, s.reserved_amount, toRfc3339(s.decided_at!)];
  return (await tx.query(decideStatement, [s.merchant_id, s.id, ...figures])).length === 1;
}

/** Where the next batch of a key begins. */
export interface Standing {
  /** Of the latest batch, whatever became of it; null when there is none. */
  readonly cut_off_at: number | null;
  readonly in_review: boolean;
  /** Of the latest that is posted. */
  readonly last_number: bigint;
  readonly carried_forward: bigint;
}

const standingsStatement = tenantStatement(
  "settlement.standings",
  `select l.cut_off_at, coalesce(l.status = 'in_review', false) as in_review, coalesce(p.last_number, 0) as last_number,
     coalesce(p.carried_forward, 0) as carried_forward
   from unnest($1::uuid[], $2::boolean[], $3::text[]) with ordinality as k (merchant_id, livemode, currency, place)
   left join lateral (
     select s.cut_off_at, s.status from settlements s
     where s.merchant_id = k.merchant_id and s.livemode = k.livemode and s.currency = k.currency
     order by s.merchant_id desc, s.livemode desc, s.currency desc, s.cut_off_at desc limit 1
   ) l on true
   left join lateral (
     select s.last_number, s.carried_forward from settlements s
     where s.merchant_id = k.merchant_id and s.livemode = k.livemode and s.currency = k.currency
       and s.status <> 'rejected' and s.status = 'posted'
     order by s.merchant_id desc, s.livemode desc, s.currency desc, s.first_number desc limit 1
   ) p on true
   order by k.place`,
);

/** Where each key stands, in their order. */
export async function loadStandings(sql: Sql, keys: readonly SettlementKey[]): Promise<Standing[]> {
  return sql.query<Standing>(standingsStatement, keysOf(keys));
}

const selectStatement = tenantStatement(
  "settlement.select",
  "select * from settlements where merchant_id = $1 and id = $2",
);

/** A batch of a merchant, or undefined. */
export async function loadSettlement(sql: Sql, merchant_id: string, id: string): Promise<Settlement | undefined> {
  return (await sql.query<Settlement>(selectStatement, [merchant_id, id]))[0];
}

export interface SettlementFilter {
  merchant_id: string;
  livemode: boolean;
  /** Null is every currency. */
  currency: string | null;
  /** Null is all but those that were rejected. */
  status: SettlementStatus | null;
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `settlement.list_${order}`,
    `select * from settlements where merchant_id = $1 and livemode = $2 and ($3::text is null or currency = $3)
       and case when $7::text is null then status <> 'rejected' else status = $7 end
       and id > $4 and id < $5 order by id ${order} limit $6`,
  ),
);

/** Settlements in the page's order. They are few: one a day and currency at most. */
export async function listSettlements(sql: Sql, filter: SettlementFilter): Promise<Settlement[]> {
  const { merchant_id, livemode, currency, status, page } = filter;
  const [newestFirst, oldestFirst] = listStatements;
  const values = [merchant_id, livemode, currency, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX];
  return sql.query<Settlement>(page.order === "desc" ? newestFirst! : oldestFirst!, [...values, page.fetch, status]);
}

const selectCalendar = platformStatement(
  "settlement.select_calendar",
  "select arrangement from settlement_calendar_years where calendar = $1 order by year",
);

/** The arrangements of a calendar that were loaded from files. */
export async function loadCalendarYears(sql: Sql, calendar: string): Promise<CalendarYear[]> {
  const rows = await sql.query<{ arrangement: CalendarYear }>(selectCalendar, [calendar]);
  return rows.map(({ arrangement }) => arrangement);
}

const saveCalendarStatement = platformStatement(
  "settlement.save_calendar",
  `insert into settlement_calendar_years (calendar, year, arrangement, updated_at)
   values ($1, $2, $3::jsonb, $4::timestamptz)
   on conflict (calendar, year) do update set arrangement = excluded.arrangement, updated_at = excluded.updated_at`,
);

export async function saveCalendarYear(sql: Sql, year: CalendarYear, now: number): Promise<void> {
  await sql.query(saveCalendarStatement, [year.calendar, year.year, JSON.stringify(year), toRfc3339(now)]);
}
