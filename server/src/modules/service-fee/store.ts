/** All SQL on how merchants are billed and on what they paid in advance; see invoice-store.ts for invoices. */
import { toRfc3339 } from "../../kit/clock.ts";
import { invariant } from "../../kit/error.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { Billing } from "./billing.ts";
import type { BillingKey, Deposit } from "./invoice.ts";

export function keyOf({ merchant_id, livemode, currency }: BillingKey) {
  return [merchant_id, livemode, currency];
}

/** For a column that may be empty. */
export function timestampOrNull(at: number | null): string | null {
  return at === null ? null : toRfc3339(at);
}

const saveStatement = tenantStatement(
  "service_fee.save_billing",
  `insert into service_fee_settings (merchant_id, livemode, currency, cycle, collection, issue, due_days, warn_below,
     stop_below, next_day, due_at, watch_due_at, low_since, stopped_at, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::timestamptz, $12::timestamptz, $13::timestamptz,
     $14::timestamptz, $15::timestamptz)
   on conflict (merchant_id, livemode, currency) do update set cycle = excluded.cycle, collection = excluded.collection,
     issue = excluded.issue, due_days = excluded.due_days, warn_below = excluded.warn_below,
     stop_below = excluded.stop_below, next_day = excluded.next_day, due_at = excluded.due_at,
     watch_due_at = excluded.watch_due_at, low_since = excluded.low_since, stopped_at = excluded.stopped_at,
     updated_at = excluded.updated_at`,
);

/** Writes how a merchant is billed in a book and currency, in place of any before. */
export async function saveBilling(tx: Transaction, billing: Billing): Promise<void> {
  const b = billing;
  await tx.query(saveStatement, [
    ...[...keyOf(b), b.cycle, b.collection, b.issue, b.due_days, b.warn_below, b.stop_below, b.next_day],
    ...[b.due_at, b.watch_due_at, b.low_since, b.stopped_at, b.updated_at].map(timestampOrNull),
  ]);
}

const ofKey = "merchant_id = $1 and livemode = $2 and currency = $3";
const selectStatement = tenantStatement(
  "service_fee.select_billing",
  `select * from service_fee_settings where ${ofKey}`,
);
const lockStatement = tenantStatement(
  "service_fee.lock_billing",
  `select * from service_fee_settings where ${ofKey} for update`,
);

export async function loadBilling(sql: Sql, key: BillingKey): Promise<Billing | undefined> {
  return (await sql.query<Billing>(selectStatement, keyOf(key)))[0];
}

/** Whoever bills, deposits or changes the billing waits for the others. */
export async function lockBilling(tx: Transaction, key: BillingKey): Promise<Billing | undefined> {
  return (await tx.query<Billing>(lockStatement, keyOf(key)))[0];
}

const listStatement = tenantStatement(
  "service_fee.list_billing",
  "select * from service_fee_settings where merchant_id = $1 order by livemode, currency",
);

/** How a merchant is billed, in each of its books and currencies. */
export async function listBilling(sql: Sql, merchant_id: string): Promise<Billing[]> {
  return sql.query<Billing>(listStatement, [merchant_id]);
}

const scheduleStatement = tenantStatement(
  "service_fee.schedule",
  `update service_fee_settings set next_day = $4, due_at = $5::timestamptz where ${ofKey}`,
);

/** Says when the next invoice is made. */
export async function scheduleBilling(
  tx: Transaction,
  key: BillingKey,
  next: { next_day: string | null; due_at: number | null },
): Promise<void> {
  await tx.query(scheduleStatement, [...keyOf(key), next.next_day, timestampOrNull(next.due_at)]);
}

const standingStatement = tenantStatement(
  "service_fee.save_standing",
  `update service_fee_settings set low_since = $4::timestamptz, stopped_at = $5::timestamptz where ${ofKey}`,
);

/** Writes what was crossed. */
export async function saveStanding(tx: Transaction, billing: Billing): Promise<void> {
  const values = [timestampOrNull(billing.low_since), timestampOrNull(billing.stopped_at)];
  await tx.query(standingStatement, [...keyOf(billing), ...values]);
}

function claimStatement(name: string, column: "due_at" | "watch_due_at") {
  return platformStatement(
    name,
    `update service_fee_settings s set ${column} = $2::timestamptz
     from (
       select merchant_id, livemode, currency from service_fee_settings where ${column} <= $1::timestamptz
       order by ${column} limit $3 for update skip locked
     ) due
     where s.merchant_id = due.merchant_id and s.livemode = due.livemode and s.currency = due.currency
     returning s.*`,
  );
}

const claimRunsStatement = claimStatement("service_fee.claim_runs", "due_at");
const claimWatchesStatement = claimStatement("service_fee.claim_watches", "watch_due_at");

/** Claims billings whose invoice is due, until the lease runs out. */
export function claimRuns(sql: Sql, now: number, lease_until: number, limit: number): Promise<Billing[]> {
  return sql.query<Billing>(claimRunsStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

/** Claims prepaid balances that are to be looked at, and says when next. */
export function claimWatches(sql: Sql, now: number, next: number, limit: number): Promise<Billing[]> {
  return sql.query<Billing>(claimWatchesStatement, [toRfc3339(now), toRfc3339(next), limit]);
}

const stoppedStatement = platformStatement(
  "service_fee.select_stopped",
  "select merchant_id, livemode, currency from service_fee_settings where stopped_at is not null",
);

/** Whose payments in direct mode are stopped, of all merchants. */
export function loadStopped(sql: Sql): Promise<BillingKey[]> {
  return sql.query<BillingKey>(stoppedStatement);
}

/** Told when somebody was stopped or goes on. */
export const STOPS_CHANNEL = "service_fee_stops";
const announceStatement = platformStatement("service_fee.announce_stops", `select pg_notify('${STOPS_CHANNEL}', '')`);

export async function announceStops(tx: Transaction): Promise<void> {
  await tx.query(announceStatement);
}

const findDepositStatement = tenantStatement(
  "service_fee.find_deposit",
  `select * from service_fee_deposits where ${ofKey} and kind = $4 and reference = $5`,
);

export async function findDeposit(
  sql: Sql,
  deposit: BillingKey & Pick<Deposit, "kind" | "reference">,
): Promise<Deposit | undefined> {
  const values = [...keyOf(deposit), deposit.kind, deposit.reference];
  return (await sql.query<Deposit>(findDepositStatement, values))[0];
}

const insertDepositStatement = tenantStatement(
  "service_fee.insert_deposit",
  `insert into service_fee_deposits (merchant_id, livemode, currency, id, kind, amount, reference, made_by, number,
     created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::timestamptz) returning id`,
);

export async function insertDeposit(tx: Transaction, deposit: Deposit): Promise<void> {
  const { id, kind, amount, reference, made_by, number, created_at } = deposit;
  const values = [...keyOf(deposit), id, kind, amount, reference, made_by, number, toRfc3339(created_at)];
  const rows = await tx.query(insertDepositStatement, values);
  invariant(rows.length === 1, "a deposit is written with its posting");
}

const listDepositStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `service_fee.list_deposits_${order}`,
    `select * from service_fee_deposits where merchant_id = $1 and livemode = $2 and id > $3 and id < $4
     order by id ${order} limit $5`,
  ),
);

/** A book's deposits in the page's order. */
export function listDeposits(
  sql: Sql,
  { merchant_id, livemode }: { merchant_id: string; livemode: boolean },
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">,
): Promise<Deposit[]> {
  const [newestFirst, oldestFirst] = listDepositStatements;
  const values = [merchant_id, livemode, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, page.fetch];
  return sql.query<Deposit>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}
