/** SQL on rules, days and closings. All of it crosses merchants: a channel account may collect for many. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { Closing, DayKey, DayState, DayTotals, ReconciliationDay, Rules } from "./reconciliation.ts";

const ruleColumns = `channel_account_id, time_zone, first_day::text as first_day, fetches, fee_tolerance, fee_tolerance_day,
  carry_days, case_limit, late_hours`;

const selectRules = platformStatement(
  "reconciliation.select_rules",
  `select ${ruleColumns} from reconciliation_rules where channel_account_id = any ($1::uuid[])`,
);

export function loadRules(sql: Sql, ids: readonly string[]): Promise<Rules[]> {
  return sql.query<Rules>(selectRules, [plainArray(ids)]);
}

const insertRulesText = `insert into reconciliation_rules (channel_account_id, time_zone, first_day, fetches, fee_tolerance,
     fee_tolerance_day, carry_days, case_limit, late_hours, updated_at)
   values ($1, $2, $3::date, $4, $5, $6, $7, $8, $9, $10::timestamptz)
   on conflict (channel_account_id)`;

const insertRulesStatement = platformStatement("reconciliation.insert_rules", `${insertRulesText} do nothing`);
const saveRulesStatement = platformStatement(
  "reconciliation.save_rules",
  `${insertRulesText} do update set time_zone = excluded.time_zone, first_day = excluded.first_day,
     fetches = excluded.fetches, fee_tolerance = excluded.fee_tolerance, fee_tolerance_day = excluded.fee_tolerance_day,
     carry_days = excluded.carry_days, case_limit = excluded.case_limit, late_hours = excluded.late_hours,
     updated_at = excluded.updated_at`,
);

function ruleValues(rules: Rules, now: number) {
  return [
    ...[rules.channel_account_id, rules.time_zone, rules.first_day, rules.fetches, rules.fee_tolerance],
    ...[rules.fee_tolerance_day, rules.carry_days, rules.case_limit, rules.late_hours, toRfc3339(now)],
  ];
}

/** Writes rules unless there are some. */
export async function insertRules(sql: Sql, rules: Rules, now: number): Promise<void> {
  await sql.query(insertRulesStatement, ruleValues(rules, now));
}

export async function saveRules(sql: Sql, rules: Rules, now: number): Promise<void> {
  await sql.query(saveRulesStatement, ruleValues(rules, now));
}

const dayColumns = `channel_account_id, day::text as day, state, due_at, tries, problem, late_since, totals, run, matched_at,
  agreed_by, approved_by, agreed_reason`;

const insertDayStatement = platformStatement(
  "reconciliation.insert_day",
  `insert into reconciliation_days as d (channel_account_id, day, state, due_at)
   values ($1, $2::date, 'waiting', $3::timestamptz)
   on conflict (channel_account_id, day) do update set due_at = excluded.due_at
   where d.state = 'waiting' and d.due_at is null and d.tries = 0 and excluded.due_at is not null`,
);

/**
 * Opens a day unless it is open; `due_at` is when its bill can first be asked for, null where nobody asks. One that was
 * opened by hand, and waits for a bill that nobody has asked for yet, is asked for then, too.
 */
export async function insertDay(sql: Sql, { channel_account_id, day }: DayKey, due_at: number | null): Promise<void> {
  await sql.query(insertDayStatement, [channel_account_id, day, due_at === null ? null : toRfc3339(due_at)]);
}

const selectDay = platformStatement(
  "reconciliation.select_day",
  `select ${dayColumns} from reconciliation_days where channel_account_id = $1 and day = $2::date`,
);
const lockDayStatement = platformStatement(
  "reconciliation.lock_day",
  `select ${dayColumns} from reconciliation_days where channel_account_id = $1 and day = $2::date for update`,
);

/** A day, unless it was never opened. */
export async function loadDay(sql: Sql, { channel_account_id, day }: DayKey): Promise<ReconciliationDay | undefined> {
  return (await sql.query<ReconciliationDay>(selectDay, [channel_account_id, day]))[0];
}

const lockAccountStatement = platformStatement(
  "reconciliation.lock_account",
  "select 1 from reconciliation_rules where channel_account_id = $1 for update",
);

/**
 * Locks an account's days, and the one that is named: whoever loads, matches or closes a day, or keeps its cases, waits for
 * the others. Items of one day are paired with those of others, so a lock of the day alone would be too little.
 */
export async function lockDay(
  tx: Transaction,
  { channel_account_id, day }: DayKey,
): Promise<ReconciliationDay | undefined> {
  await tx.query(lockAccountStatement, [channel_account_id]);
  return (await tx.query<ReconciliationDay>(lockDayStatement, [channel_account_id, day]))[0];
}

const moveDayStatement = platformStatement(
  "reconciliation.move_day",
  `update reconciliation_days set state = $4, due_at = $5::timestamptz, problem = null, tries = 0,
     totals = coalesce($6::jsonb, totals), matched_at = coalesce($7::timestamptz, matched_at),
     run = coalesce($8::uuid, run), agreed_by = case when $9::boolean then null else agreed_by end,
     approved_by = case when $9::boolean then null else approved_by end,
     agreed_reason = case when $9::boolean then null else agreed_reason end
   where channel_account_id = $1 and day = $2::date and state = $3
   returning day::text as day`,
);

export interface DayMove {
  readonly to: DayState;
  readonly due_at: number | null;
  readonly totals?: DayTotals;
  readonly matched_at?: number;
  readonly run?: string;
  /** A new bill: what was agreed of the one before is agreed no more. */
  readonly renews?: boolean;
}

/** The guarded move of a day; false when it was in another state. */
export async function moveDay(tx: Transaction, from: ReconciliationDay, move: DayMove): Promise<boolean> {
  const { to, due_at, totals, matched_at, run = null } = move;
  const at = (instant: number | null | undefined) =>
    instant === null || instant === undefined ? null : toRfc3339(instant);
  const rows = await tx.query(moveDayStatement, [
    ...[from.channel_account_id, from.day, from.state, to, at(due_at)],
    ...[totals === undefined ? null : JSON.stringify(totals), at(matched_at), run, move.renews === true],
  ]);
  return rows.length === 1;
}

const matchAgainStatement = platformStatement(
  "reconciliation.match_again",
  `update reconciliation_days set state = 'loaded', due_at = $3::timestamptz
   where channel_account_id = $1 and day > $2::date and state in ('matched', 'open')`,
);

const agreeStatement = platformStatement(
  "reconciliation.agree_to_close",
  `update reconciliation_days set agreed_by = $3, approved_by = $4, agreed_reason = $5, due_at = $6::timestamptz
   where channel_account_id = $1 and day = $2::date and state in ('matched', 'open') returning day`,
);

/** Two operators agree that the day closes as it is; false when it cannot any more. */
export async function agreeToClose(
  tx: Transaction,
  { channel_account_id, day }: DayKey,
  by: { agreed_by: string; approved_by: string; agreed_reason: string },
  now: number,
): Promise<boolean> {
  const values = [channel_account_id, day, by.agreed_by, by.approved_by, by.agreed_reason, toRfc3339(now)];
  return (await tx.query(agreeStatement, values)).length === 1;
}

const claimStatement = platformStatement(
  "reconciliation.claim_days",
  `update reconciliation_days d set due_at = $2::timestamptz
   from (
     select channel_account_id, day from reconciliation_days where due_at <= $1::timestamptz
     order by due_at, day limit $3 for update skip locked
   ) due
   where d.channel_account_id = due.channel_account_id and d.day = due.day
   returning d.channel_account_id, d.day::text as day`,
);

/** Claims days at which something is to be done, until the lease runs out. */
export function claimDueDays(sql: Sql, now: number, lease_until: number, limit: number): Promise<DayKey[]> {
  return sql.query<DayKey>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const rememberStatement = platformStatement(
  "reconciliation.remember_try",
  `update reconciliation_days set due_at = $3::timestamptz, tries = tries + 1, problem = $4,
     late_since = coalesce(late_since, $5::timestamptz)
   where channel_account_id = $1 and day = $2::date and state = 'waiting'`,
);

/** What came of asking for a day's bill: when to ask again, if at all, and since when it is late. */
export async function rememberTry(
  sql: Sql,
  { channel_account_id, day }: DayKey,
  next: { due_at: number | null; problem: string; late_since: number | null },
): Promise<void> {
  const at = (instant: number | null) => (instant === null ? null : toRfc3339(instant));
  await sql.query(rememberStatement, [channel_account_id, day, at(next.due_at), next.problem, at(next.late_since)]);
}

const tryAgainStatement = platformStatement(
  "reconciliation.try_again",
  `update reconciliation_days set due_at = $3::timestamptz
   where channel_account_id = $1 and day = $2::date and state <> 'closed'`,
);

/** Something went wrong at a day: it is looked at again then. */
export async function tryAgain(sql: Sql, { channel_account_id, day }: DayKey, due_at: number): Promise<void> {
  await sql.query(tryAgainStatement, [channel_account_id, day, toRfc3339(due_at)]);
}

const settleDueStatement = platformStatement(
  "reconciliation.nothing_due",
  `update reconciliation_days set due_at = null where channel_account_id = $1 and day = $2::date and state in ('matched', 'open')`,
);

/** Nothing is left to do at a day that was matched, without news. */
export async function nothingDue(sql: Sql, { channel_account_id, day }: DayKey): Promise<void> {
  await sql.query(settleDueStatement, [channel_account_id, day]);
}

/** Has the later days of an account matched again: what an earlier one took or left changes what is theirs. */
export async function matchLaterDaysAgain(
  tx: Transaction,
  { channel_account_id, day }: DayKey,
  now: number,
): Promise<void> {
  await tx.query(matchAgainStatement, [channel_account_id, day, toRfc3339(now)]);
}

const listDaysStatement = platformStatement(
  "reconciliation.list_days",
  `select ${dayColumns} from reconciliation_days
   where ($1::uuid is null or channel_account_id = $1) and day >= $2::date and day <= $3::date
   order by day desc, channel_account_id limit $4`,
);

/** Days from one to another, the newest first; of every account where none is named. */
export function listDays(
  sql: Sql,
  wanted: { channel_account_id: string | null; from: string; to: string; limit: number },
): Promise<ReconciliationDay[]> {
  return sql.query<ReconciliationDay>(listDaysStatement, [
    wanted.channel_account_id,
    wanted.from,
    wanted.to,
    wanted.limit,
  ]);
}

const lastClosedStatement = platformStatement(
  "reconciliation.last_closed",
  `select day::text as day from reconciliation_closings where channel_account_id = $1 order by day desc limit 1`,
);

/** The last day of the account that is closed, if any is. */
export async function findLastClosedDay(sql: Sql, channel_account_id: string): Promise<string | undefined> {
  return (await sql.query<{ day: string }>(lastClosedStatement, [channel_account_id]))[0]?.day;
}

const insertClosingStatement = platformStatement(
  "reconciliation.insert_closing",
  `insert into reconciliation_closings (channel_account_id, day, closed_at, closed_by, approved_by, reason, statement, sha256)
   values ($1, $2::date, $3::timestamptz, $4, $5, $6, $7, $8)`,
);

export async function insertClosing(tx: Transaction, closing: Closing): Promise<void> {
  const { channel_account_id, day, closed_at, closed_by, approved_by, reason, statement, sha256 } = closing;
  const who = [closed_by, approved_by, reason];
  await tx.query(insertClosingStatement, [channel_account_id, day, toRfc3339(closed_at), ...who, statement, sha256]);
}

const selectClosingStatement = platformStatement(
  "reconciliation.select_closing",
  `select channel_account_id, day::text as day, closed_at, closed_by, approved_by, reason, statement, sha256
   from reconciliation_closings where channel_account_id = $1 and day = $2::date`,
);

/** How a day was closed, unless it is open. */
export async function loadClosing(sql: Sql, { channel_account_id, day }: DayKey): Promise<Closing | undefined> {
  return (await sql.query<Closing>(selectClosingStatement, [channel_account_id, day]))[0];
}
