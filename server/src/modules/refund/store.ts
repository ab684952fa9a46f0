/** All SQL on refunds. Set-based; callers hold the lock of each refund's payment. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { bytesArray, jsonArray, plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { equals, listRows } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import type { Refund, RefundStatus } from "./refund.ts";

const insertStatement = tenantStatement(
  "refund.insert",
  `insert into refunds (merchant_id, id, app_id, livemode, payment_id, attempt_id, out_refund_no, request_hash,
     refund_no, status, amount, currency, reason, fee_amount, cost_amount, created_at, due_at, channel, from_available,
     commissions, from_reserve, held, from_receivers)
   select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[], $5::uuid[], $6::uuid[], $7::text[],
     $8::bytea[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::bigint[],
     $16::timestamptz[], $17::timestamptz[], $18::text[], $19::bigint[],
     $20::jsonb[], $21::bigint[], $22::boolean[], $23::bigint[])`,
);

/**
 * Inserts refunds as intent. `due_at`: when a worker takes over if nobody has written a result by then; nobody takes over
 * what waits for receivers of shares.
 */
export async function insertRefunds(tx: Transaction, refunds: readonly Refund[], due_at: number): Promise<void> {
  if (refunds.length === 0) return;
  const column = <T>(pick: (refund: Refund) => T) => refunds.map(pick);
  await tx.query(insertStatement, [
    ...keyArrays(refunds),
    plainArray(column((r) => r.app_id)),
    plainArray(column((r) => r.livemode)),
    plainArray(column((r) => r.payment_id)),
    plainArray(column((r) => r.attempt_id)),
    textArray(column((r) => r.out_refund_no)),
    bytesArray(column((r) => r.request_hash)),
    textArray(column((r) => r.refund_no)),
    textArray(column((r) => r.status)),
    plainArray(column((r) => r.amount)),
    textArray(column((r) => r.currency)),
    textArray(column((r) => r.reason)),
    plainArray(column((r) => r.fee_amount)),
    plainArray(column((r) => r.cost_amount)),
    timestampArray(column((r) => r.created_at)),
    timestampArray(column((r) => (r.status === "returning" ? null : due_at))),
    textArray(column((r) => r.channel)),
    plainArray(column((r) => r.from_available)),
    jsonArray(column((r) => r.commissions)),
    plainArray(column((r) => r.from_reserve)),
    plainArray(column((r) => r.held)),
    plainArray(column((r) => r.from_receivers)),
  ]);
}

const startStatement = tenantStatement(
  "refund.start_returned",
  `update refunds set status = 'created', held = true, from_available = $3, from_reserve = $4,
     due_at = $5::timestamptz
   where merchant_id = $1 and id = $2 and status = 'returning' returning id`,
);

/** The guarded move of a refund whose receivers have given back. */
export async function startReturned(tx: Transaction, refund: Refund, due_at: number): Promise<boolean> {
  const values = [refund.merchant_id, refund.id, refund.from_available, refund.from_reserve, toRfc3339(due_at)];
  return (await tx.query(startStatement, values)).length === 1;
}

const selectOfPayments = tenantStatement(
  "refund.select_of_payments",
  `select r.* from refunds r
   where (r.merchant_id, r.payment_id) in (select * from unnest($1::uuid[], $2::uuid[])) order by r.merchant_id, r.id`,
);

/** All refunds of payments, oldest first. */
export async function loadRefundsOfPayments(sql: Sql, payments: readonly TenantKey[]): Promise<Refund[]> {
  return sql.query<Refund>(selectOfPayments, keyArrays(payments));
}

const selectByNumbers = tenantStatement(
  "refund.select_by_numbers",
  `select r.* from refunds r
   join unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[]) as wanted (merchant_id, app_id, livemode, out_refund_no)
     using (merchant_id, app_id, livemode, out_refund_no)`,
);

export interface RefundNumber {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  out_refund_no: string;
}

export async function loadRefundsByNumber(sql: Sql, wanted: readonly RefundNumber[]): Promise<Refund[]> {
  return sql.query<Refund>(selectByNumbers, [
    plainArray(wanted.map((w) => w.merchant_id)),
    plainArray(wanted.map((w) => w.app_id)),
    plainArray(wanted.map((w) => w.livemode)),
    textArray(wanted.map((w) => w.out_refund_no)),
  ]);
}

const selectByKeys = tenantStatement(
  "refund.select",
  "select r.* from refunds r where (r.merchant_id, r.id) in (select * from unnest($1::uuid[], $2::uuid[]))",
);

/** Refunds by their keys. */
export async function loadRefunds(sql: Sql, keys: readonly TenantKey[]): Promise<Map<string, Refund>> {
  const rows = await sql.query<Refund>(selectByKeys, keyArrays(keys));
  return new Map(rows.map((row) => [row.id, row]));
}

export interface RefundMove {
  refund: Refund;
  expected: RefundStatus;
  due_at: number | null;
}

const updateStatement = tenantStatement(
  "refund.update",
  `update refunds r set status = n.status, channel_refund_no = coalesce(n.channel_refund_no, r.channel_refund_no),
     failure_code = n.failure_code, failure_message = n.failure_message, unknown_reason = n.unknown_reason,
     sent_at = n.sent_at, finished_at = n.finished_at, query_count = n.query_count, due_at = n.due_at
   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
     $9::timestamptz[], $10::timestamptz[], $11::int[], $12::timestamptz[])
     as n (merchant_id, id, expected, status, channel_refund_no, failure_code, failure_message, unknown_reason, sent_at,
           finished_at, query_count, due_at)
   where r.merchant_id = n.merchant_id and r.id = n.id and r.status = n.expected
   returning r.id`,
);

/** The guarded move of refunds. Gives the ids that moved. */
export async function moveRefunds(tx: Transaction, moves: readonly RefundMove[]): Promise<Set<string>> {
  const column = <T>(pick: (refund: Refund) => T) => moves.map((move) => pick(move.refund));
  const rows = await tx.query<{ id: string }>(updateStatement, [
    ...keyArrays(moves.map((move) => move.refund)),
    textArray(moves.map((move) => move.expected)),
    textArray(column((r) => r.status)),
    textArray(column((r) => r.channel_refund_no)),
    textArray(column((r) => r.failure_code)),
    textArray(column((r) => r.failure_message)),
    textArray(column((r) => r.unknown_reason)),
    timestampArray(column((r) => r.sent_at)),
    timestampArray(column((r) => r.finished_at)),
    plainArray(column((r) => r.query_count)),
    timestampArray(moves.map((move) => move.due_at)),
  ]);
  return new Set(rows.map((row) => row.id));
}

const hurryStatement = tenantStatement(
  "refund.hurry",
  `update refunds set due_at = $3::timestamptz
   where merchant_id = $1 and id = $2 and status in ('created', 'sent', 'unknown')`,
);

/** Has the worker ask the channel now. */
export async function hurryRefund(sql: Sql, key: TenantKey, due_at: number): Promise<void> {
  await sql.query(hurryStatement, [key.merchant_id, key.id, toRfc3339(due_at)]);
}

const claimDueStatement = platformStatement(
  "refund.claim_due",
  `update refunds r set due_at = $2::timestamptz
   from (select merchant_id, id from refunds where channel = $4 and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where r.merchant_id = due.merchant_id and r.id = due.id
   returning r.*`,
);

/** Claims refunds of a channel that must be asked or told, leasing them until `lease_until`. */
export async function claimDueRefunds(
  sql: Sql,
  channel: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<Refund[]> {
  return sql.query<Refund>(claimDueStatement, [toRfc3339(now), toRfc3339(lease_until), limit, channel]);
}

export interface RefundFilter {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  page: Page;
  payment_id: string | null;
  status: string | null;
  out_refund_no: string | null;
}

/** Refunds in the page's order. */
export async function listRefunds(sql: Sql, filter: RefundFilter): Promise<Refund[]> {
  return listRows<Refund>(sql, {
    name: "refund.list",
    select: "select * from refunds",
    owner: filter,
    page: filter.page,
    period: { from: null, to: null },
    conditions: [
      ...equals("payment_id", filter.payment_id),
      ...equals("status", filter.status),
      ...equals("out_refund_no", filter.out_refund_no),
    ],
  });
}

const selectWaiting = platformStatement(
  "refund.select_waiting",
  `select * from refunds where channel = $1 and due_at is not null and ($2::uuid is null or id = $2::uuid)
     and status in ('created', 'sent', 'unknown')
   order by due_at limit $3::int`,
);

/** Open refunds of a channel, of any merchant; only the one of that id where it is given. */
export async function listWaitingRefunds(
  sql: Sql,
  channel: string,
  wanted: { id?: string; limit: number },
): Promise<Refund[]> {
  return sql.query<Refund>(selectWaiting, [channel, wanted.id ?? null, wanted.limit]);
}
