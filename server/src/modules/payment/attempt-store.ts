/** All SQL on attempts; see store.ts. */
import { toRfc3339 } from "../../kit/clock.ts";
import { decodeUuid } from "../../kit/id.ts";
import { jsonArray, plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import type { Attempt, AttemptStatus, Payer } from "./payment.ts";

const insertStatement = tenantStatement(
  "attempt.insert",
  `insert into attempts (merchant_id, id, payment_id, app_id, livemode, serial_no, channel_account_id, channel,
     funding_mode, method, status, amount, currency, payer, fee_rule_id, fee_amount, fee_returns, cost_amount,
     cost_returns, expires_at, created_at, due_at, routing, quota_period, commissions)
   select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::uuid[],
     $8::text[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::jsonb[], $15::uuid[],
     $16::bigint[], $17::boolean[], $18::bigint[], $19::boolean[], $20::timestamptz[], $21::timestamptz[],
     $22::timestamptz[], $23::jsonb[], $24::text[], $25::jsonb[])`,
);

/** A payment code is spent within a minute and good for money until then: it never touches the disk. */
function storedPayer({ auth_code: _, ...stored }: Payer): Payer {
  return stored;
}

/** Inserts attempts as intent; `due_at` is when the worker asks the channel if nobody has written a result by then. */
export async function insertAttempts(tx: Transaction, attempts: readonly Attempt[], due_at: number): Promise<void> {
  if (attempts.length === 0) return;
  const column = <T>(pick: (attempt: Attempt) => T) => attempts.map(pick);
  await tx.query(insertStatement, [
    ...keyArrays(attempts),
    plainArray(column((a) => a.payment_id)),
    plainArray(column((a) => a.app_id)),
    plainArray(column((a) => a.livemode)),
    textArray(column((a) => a.serial_no)),
    plainArray(column((a) => a.channel_account_id)),
    textArray(column((a) => a.channel)),
    textArray(column((a) => a.funding_mode)),
    textArray(column((a) => a.method)),
    textArray(column((a) => a.status)),
    plainArray(column((a) => a.amount)),
    textArray(column((a) => a.currency)),
    jsonArray(column((a) => storedPayer(a.payer))),
    plainArray(column((a) => a.fee_rule_id)),
    plainArray(column((a) => a.fee_amount)),
    plainArray(column((a) => a.fee_returns)),
    plainArray(column((a) => a.cost_amount)),
    plainArray(column((a) => a.cost_returns)),
    timestampArray(column((a) => a.expires_at)),
    timestampArray(column((a) => a.created_at)),
    timestampArray(column(() => due_at)),
    jsonArray(column((a) => a.routing)),
    textArray(column((a) => a.quota_period)),
    jsonArray(column((a) => a.commissions)),
  ]);
}

const selectOfPayments = tenantStatement(
  "attempt.select_of_payments",
  `select a.* from attempts a
   where (a.merchant_id, a.payment_id) in (select * from unnest($1::uuid[], $2::uuid[]))
   order by a.merchant_id, a.id`,
);

/** All attempts of the given payments, oldest first. */
export async function loadAttemptsOfPayments(sql: Sql, payments: readonly TenantKey[]): Promise<Attempt[]> {
  return sql.query<Attempt>(selectOfPayments, keyArrays(payments));
}

const selectLatest = tenantStatement(
  "attempt.select_shown",
  `select distinct on (a.merchant_id, a.payment_id) a.* from attempts a
   where (a.merchant_id, a.payment_id) in (select * from unnest($1::uuid[], $2::uuid[]))
   order by a.merchant_id, a.payment_id, (a.status = 'succeeded' and not a.duplicate) desc, a.id desc`,
);

/** The attempt that stands for each payment: the winner, else the latest. */
export async function loadShownAttempts(sql: Sql, payments: readonly TenantKey[]): Promise<Map<string, Attempt>> {
  const rows = await sql.query<Attempt>(selectLatest, keyArrays(payments));
  return new Map(rows.map((row) => [row.payment_id, row]));
}

const selectByKeys = tenantStatement(
  "attempt.select",
  "select a.* from attempts a where (a.merchant_id, a.id) in (select * from unnest($1::uuid[], $2::uuid[]))",
);

/** Attempts by their keys. */
export async function loadAttempts(sql: Sql, keys: readonly TenantKey[]): Promise<Map<string, Attempt>> {
  const rows = await sql.query<Attempt>(selectByKeys, keyArrays(keys));
  return new Map(rows.map((row) => [row.id, row]));
}

const selectPaymentsOfNumber = tenantStatement(
  "attempt.select_payments_of_number",
  `select payment_id from attempts where merchant_id = $1 and id = $2
   union select payment_id from attempts where merchant_id = $1 and channel_trade_no = $3`,
);

/** The payments of a merchant that an attempt's serial_no or channel_trade_no belongs to. */
export async function findPaymentIdsByNumber(sql: Sql, merchant_id: string, number: string): Promise<string[]> {
  const values = [merchant_id, decodeUuid(number) ?? null, number];
  const rows = await sql.query<{ payment_id: string }>(selectPaymentsOfNumber, values);
  return rows.map((row) => row.payment_id);
}

const selectByOrderNo = platformStatement(
  "attempt.select_by_order_no",
  "select * from attempts where channel = $1 and channel_order_no = $2 order by id limit 20",
);

/** The attempts, of any merchant, that a channel knows by a number of its own. */
export async function findAttemptsByOrderNo(sql: Sql, channel: string, channel_order_no: string): Promise<Attempt[]> {
  return sql.query<Attempt>(selectByOrderNo, [channel, channel_order_no]);
}

const selectWaiting = platformStatement(
  "attempt.select_waiting",
  `select * from attempts where channel = $1 and due_at is not null and status in ('created', 'sent', 'unknown')
   order by due_at limit $2::int`,
);

/** Open attempts of a channel, of any merchant. */
export async function listWaitingAttempts(sql: Sql, channel: string, limit: number): Promise<Attempt[]> {
  return sql.query<Attempt>(selectWaiting, [channel, limit]);
}

const selectOfNotice = tenantStatement(
  "attempt.select_of_notice",
  `select * from attempts where merchant_id = $1 and id = $2 and channel_account_id = $3
   union all
   select * from attempts where merchant_id = $1 and $2::uuid is null and channel_trade_no = $4 and channel_account_id = $3
   limit 1`,
);

/** The attempt through this account that a channel names by our number or, if it names none, by its own. */
export async function findAttemptOfNotice(
  sql: Sql,
  owner: { merchant_id: string; channel_account_id: string },
  named: { serial_no: string | undefined; channel_trade_no: string | undefined },
): Promise<Attempt | undefined> {
  const id = named.serial_no === undefined ? null : decodeUuid(named.serial_no);
  if (id === undefined) return undefined;
  const values = [owner.merchant_id, id, owner.channel_account_id, named.channel_trade_no ?? null];
  return (await sql.query<Attempt>(selectOfNotice, values))[0];
}

export interface AttemptMove {
  attempt: Attempt;
  expected: AttemptStatus;
  /** When to ask the channel next; null when nothing is left to ask. */
  due_at: number | null;
}

const updateStatement = tenantStatement(
  "attempt.update",
  `update attempts a set status = n.status, action = coalesce(n.action, a.action),
     channel_trade_no = coalesce(n.channel_trade_no, a.channel_trade_no),
     channel_payer = coalesce(n.channel_payer, a.channel_payer), failure_code = n.failure_code,
     failure_message = n.failure_message, unknown_reason = n.unknown_reason, duplicate = n.duplicate,
     sent_at = n.sent_at, finished_at = n.finished_at, query_count = n.query_count, due_at = n.due_at,
     channel_order_no = coalesce(n.channel_order_no, a.channel_order_no)
   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::text[], $8::text[],
     $9::text[], $10::text[], $11::boolean[], $12::timestamptz[], $13::timestamptz[], $14::int[], $15::timestamptz[],
     $16::text[])
     as n (merchant_id, id, expected, status, action, channel_trade_no, channel_payer, failure_code, failure_message,
           unknown_reason, duplicate, sent_at, finished_at, query_count, due_at, channel_order_no)
   where a.merchant_id = n.merchant_id and a.id = n.id and a.status = n.expected
   returning a.id`,
);

/** The guarded move of attempts; see `movePayments`. */
export async function moveAttempts(tx: Transaction, moves: readonly AttemptMove[]): Promise<Set<string>> {
  const column = <T>(pick: (attempt: Attempt) => T) => moves.map((move) => pick(move.attempt));
  const rows = await tx.query<{ id: string }>(updateStatement, [
    ...keyArrays(moves.map((move) => move.attempt)),
    textArray(moves.map((move) => move.expected)),
    textArray(column((a) => a.status)),
    jsonArray(column((a) => a.action)),
    textArray(column((a) => a.channel_trade_no)),
    textArray(column((a) => a.channel_payer)),
    textArray(column((a) => a.failure_code)),
    textArray(column((a) => a.failure_message)),
    textArray(column((a) => a.unknown_reason)),
    plainArray(column((a) => a.duplicate)),
    timestampArray(column((a) => a.sent_at)),
    timestampArray(column((a) => a.finished_at)),
    plainArray(column((a) => a.query_count)),
    timestampArray(moves.map((move) => move.due_at)),
    textArray(column((a) => a.channel_order_no)),
  ]);
  return new Set(rows.map((row) => row.id));
}

const requestCloseStatement = tenantStatement(
  "attempt.request_close",
  `update attempts set close_requested = true, due_at = $3::timestamptz
   where (merchant_id, id) in (select * from unnest($1::uuid[], $2::uuid[])) and status in ('created', 'sent', 'unknown')`,
);

/** Superseded attempts: the worker closes them at the channel. */
export async function requestAttemptClose(tx: Transaction, keys: readonly TenantKey[], due_at: number): Promise<void> {
  if (keys.length === 0) return;
  await tx.query(requestCloseStatement, [...keyArrays(keys), toRfc3339(due_at)]);
}

const hurryStatement = tenantStatement(
  "attempt.hurry",
  `update attempts set due_at = $3::timestamptz
   where merchant_id = $1 and id = $2 and status <> 'succeeded'`,
);

/** Has the worker ask the channel now, also about an attempt that has ended unpaid. */
export async function hurryAttempt(sql: Sql, key: TenantKey, due_at: number): Promise<void> {
  await sql.query(hurryStatement, [key.merchant_id, key.id, toRfc3339(due_at)]);
}

const claimDueStatement = platformStatement(
  "attempt.claim_due",
  `update attempts a set due_at = $2::timestamptz
   from (select merchant_id, id from attempts where channel = $4 and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where a.merchant_id = due.merchant_id and a.id = due.id
   returning a.*`,
);

/** Claims attempts of a channel that must be asked, leasing them until `lease_until`. */
export async function claimDueAttempts(
  sql: Sql,
  channel: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<Attempt[]> {
  return sql.query<Attempt>(claimDueStatement, [toRfc3339(now), toRfc3339(lease_until), limit, channel]);
}
