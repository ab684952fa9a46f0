/** All SQL on settlements, their settings and calendars. One merchant at a time, under the lock of its settings. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { CalendarYear } from "./calendar.ts";
import type { Settlement, SettlementKey, SettlementSettings } from "./settlement.ts";

const saveSettingsStatement = tenantStatement(
  "settlement.save_settings",
  `insert into settlement_settings (merchant_id, livemode, currency, cycle, calendar, run_minute, minimum_amount,
     next_day, due_at, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $10::timestamptz)
   on conflict (merchant_id, livemode, currency) do update set cycle = excluded.cycle, calendar = excluded.calendar,
     run_minute = excluded.run_minute, minimum_amount = excluded.minimum_amount, next_day = excluded.next_day,
     due_at = excluded.due_at, updated_at = excluded.updated_at`,
);

/** Writes the settings of a merchant's book and currency, in place of any before. */
export async function saveSettings(sql: Sql, settings: SettlementSettings): Promise<void> {
  await sql.query(saveSettingsStatement, [
    ...keyOf(settings),
    ...[settings.cycle, settings.calendar, settings.run_minute, settings.minimum_amount, settings.next_day],
    ...[timestampOrNull(settings.due_at), toRfc3339(settings.updated_at)],
  ]);
}

function keyOf({ merchant_id, livemode, currency }: SettlementKey) {
  return [merchant_id, livemode, currency];
}

function timestampOrNull(at: number | null): string | null {
  return at === null ? null : toRfc3339(at);
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
  "select * from settlement_settings where merchant_id = $1 and livemode = $2 and currency = $3 for update",
);

/** Locks the settings: whoever settles or changes them waits for the others. */
export async function lockSettings(tx: Transaction, key: SettlementKey): Promise<SettlementSettings | undefined> {
  return (await tx.query<SettlementSettings>(lockSettingsStatement, keyOf(key)))[0];
}

const scheduleStatement = tenantStatement(
  "settlement.schedule",
  `update settlement_settings set next_day = $4, due_at = $5::timestamptz
   where merchant_id = $1 and livemode = $2 and currency = $3`,
);

/** Says when the next run is. */
export async function scheduleRun(
  tx: Transaction,
  key: SettlementKey,
  next: { next_day: string | null; due_at: number | null },
): Promise<void> {
  await tx.query(scheduleStatement, [...keyOf(key), next.next_day, timestampOrNull(next.due_at)]);
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

const insertStatement = tenantStatement(
  "settlement.insert",
  `insert into settlements (merchant_id, livemode, currency, id, cycle, cut_off_at, first_number, last_number, number,
     payment_count, payment_amount, refund_count, refund_amount, adjustment_count, adjustment_amount, fee_amount,
     from_available, brought_forward, carried_forward, amount, created_at)
   values ($1, $2, $3, $4, $5, $6::timestamptz, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
     $21::timestamptz)`,
);

export async function insertSettlement(tx: Transaction, settlement: Settlement): Promise<void> {
  const s = settlement;
  await tx.query(insertStatement, [
    ...keyOf(s),
    ...[s.id, s.cycle, toRfc3339(s.cut_off_at), s.first_number, s.last_number, s.number],
    ...[s.payment_count, s.payment_amount, s.refund_count, s.refund_amount, s.adjustment_count, s.adjustment_amount],
    ...[s.fee_amount, s.from_available, s.brought_forward, s.carried_forward, s.amount, toRfc3339(s.created_at)],
  ]);
}

const selectLast = tenantStatement(
  "settlement.select_last",
  `select * from settlements where merchant_id = $1 and livemode = $2 and currency = $3
   order by merchant_id desc, livemode desc, currency desc, first_number desc limit 1`,
);

/** The latest batch: the next begins where it ends. */
export async function loadLastSettlement(sql: Sql, key: SettlementKey): Promise<Settlement | undefined> {
  return (await sql.query<Settlement>(selectLast, keyOf(key)))[0];
}

const selectStatement = tenantStatement(
  "settlement.select",
  "select * from settlements where merchant_id = $1 and id = $2",
);

export async function loadSettlement(sql: Sql, merchant_id: string, id: string): Promise<Settlement | undefined> {
  return (await sql.query<Settlement>(selectStatement, [merchant_id, id]))[0];
}

export interface SettlementFilter {
  merchant_id: string;
  livemode: boolean;
  /** Null is every currency. */
  currency: string | null;
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `settlement.list_${order}`,
    `select * from settlements where merchant_id = $1 and livemode = $2 and ($3::text is null or currency = $3)
       and id > $4 and id < $5 order by id ${order} limit $6`,
  ),
);

/** Settlements in the page's order. They are few: one a day and currency at most. */
export async function listSettlements(sql: Sql, filter: SettlementFilter): Promise<Settlement[]> {
  const { merchant_id, livemode, currency, page } = filter;
  const [newestFirst, oldestFirst] = listStatements;
  const values = [merchant_id, livemode, currency, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX];
  return sql.query<Settlement>(page.order === "desc" ? newestFirst! : oldestFirst!, [...values, page.fetch]);
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
