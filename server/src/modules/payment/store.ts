/** All SQL on payments. Everything is set-based: one statement serves a whole group of requests. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { bytesArray, jsonArray, plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { type Condition, equals, listRows } from "../../kit/sql/list.ts";
import { platformStatement, type Statement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import { findPaymentIdsByNumber } from "./attempt-store.ts";
import type { Payment, PaymentStatus } from "./payment.ts";

const insertStatement = tenantStatement(
  "payment.insert",
  `insert into payments (merchant_id, id, app_id, livemode, out_trade_no, request_hash, status, amount, currency,
     subject, description, method, notify_url, return_url, store, metadata, expires_at, created_at, due_at, sharing)
   select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::boolean[], $5::text[], $6::bytea[], $7::text[],
     $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
     $16::jsonb[], $17::timestamptz[], $18::timestamptz[], $17::timestamptz[], $19::jsonb[])
   on conflict (merchant_id, app_id, livemode, out_trade_no) do nothing
   returning id`,
);

/** Inserts payments whose out_trade_no is new. Gives the ids of those inserted. */
export async function insertPayments(sql: Sql, payments: readonly Payment[]): Promise<Set<string>> {
  const column = <T>(pick: (payment: Payment) => T) => payments.map(pick);
  const rows = await sql.query<{ id: string }>(insertStatement, [
    plainArray(column((p) => p.merchant_id)),
    plainArray(column((p) => p.id)),
    plainArray(column((p) => p.app_id)),
    plainArray(column((p) => p.livemode)),
    textArray(column((p) => p.out_trade_no)),
    bytesArray(column((p) => p.request_hash)),
    textArray(column((p) => p.status)),
    plainArray(column((p) => p.amount)),
    textArray(column((p) => p.currency)),
    textArray(column((p) => p.subject)),
    textArray(column((p) => p.description)),
    textArray(column((p) => p.method)),
    textArray(column((p) => p.notify_url)),
    textArray(column((p) => p.return_url)),
    textArray(column((p) => p.store)),
    jsonArray(column((p) => p.metadata)),
    timestampArray(column((p) => p.expires_at)),
    timestampArray(column((p) => p.created_at)),
    jsonArray(column((p) => p.sharing)),
  ]);
  return new Set(rows.map((row) => row.id));
}

const selectByNumbers = tenantStatement(
  "payment.select_by_numbers",
  `select p.* from payments p
   join unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[]) as wanted (merchant_id, app_id, livemode, out_trade_no)
     using (merchant_id, app_id, livemode, out_trade_no)`,
);

/** The payments that hold the given merchants' numbers. */
export async function loadPaymentsByNumber(
  sql: Sql,
  wanted: readonly Pick<Payment, "merchant_id" | "app_id" | "livemode" | "out_trade_no">[],
): Promise<Payment[]> {
  return sql.query<Payment>(selectByNumbers, [
    plainArray(wanted.map((p) => p.merchant_id)),
    plainArray(wanted.map((p) => p.app_id)),
    plainArray(wanted.map((p) => p.livemode)),
    textArray(wanted.map((p) => p.out_trade_no)),
  ]);
}

const selectByKeys = tenantStatement(
  "payment.select",
  `select p.* from payments p
   join unnest($1::uuid[], $2::uuid[]) as wanted (merchant_id, id) using (merchant_id, id)`,
);

const lockByKeys = tenantStatement(
  "payment.lock",
  `select p.* from payments p
   where (p.merchant_id, p.id) in (select * from unnest($1::uuid[], $2::uuid[]))
   order by p.merchant_id, p.id for update`,
);

/** Payments by their keys, without a lock. */
export async function loadPayments(sql: Sql, keys: readonly TenantKey[]): Promise<Map<string, Payment>> {
  return paymentMap(sql, selectByKeys, keys);
}

/**
 * Locks payments in key order, so that two groups never deadlock. Whoever changes a payment, its attempts or its
 * refunds holds this lock first.
 */
export async function lockPayments(tx: Transaction, keys: readonly TenantKey[]): Promise<Map<string, Payment>> {
  return paymentMap(tx, lockByKeys, keys);
}

async function paymentMap(sql: Sql, statement: Statement, keys: readonly TenantKey[]): Promise<Map<string, Payment>> {
  const rows = await sql.query<Payment>(statement, keyArrays(keys));
  return new Map(rows.map((row) => [row.id, row]));
}

const updateStatement = tenantStatement(
  "payment.update",
  `update payments p set status = n.status, succeeded_at = n.succeeded_at, closed_at = n.closed_at,
     succeeded_attempt_id = n.attempt_id, channel_trade_no = n.channel_trade_no,
     due_at = case when n.status in ('created', 'processing') then p.due_at end
   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::uuid[], $8::text[])
     as n (merchant_id, id, expected, status, succeeded_at, closed_at, attempt_id, channel_trade_no)
   where p.merchant_id = n.merchant_id and p.id = n.id and p.status = n.expected
   returning p.id`,
);

/** The guarded move: each payment goes from `expected` to its new status. Gives the ids that moved. */
export async function movePayments(
  tx: Transaction,
  moves: readonly { payment: Payment; expected: PaymentStatus }[],
): Promise<Set<string>> {
  const column = <T>(pick: (payment: Payment) => T) => moves.map((move) => pick(move.payment));
  const rows = await tx.query<{ id: string }>(updateStatement, [
    plainArray(column((p) => p.merchant_id)),
    plainArray(column((p) => p.id)),
    textArray(moves.map((move) => move.expected)),
    textArray(column((p) => p.status)),
    timestampArray(column((p) => p.succeeded_at)),
    timestampArray(column((p) => p.closed_at)),
    plainArray(column((p) => p.succeeded_attempt_id)),
    textArray(column((p) => p.channel_trade_no)),
  ]);
  return new Set(rows.map((row) => row.id));
}

const requestCloseStatement = tenantStatement(
  "payment.request_close",
  "update payments set close_requested = true where merchant_id = $1 and id = $2",
);

/** Remembers that the merchant wants the payment closed. */
export async function requestPaymentClose(tx: Transaction, key: TenantKey): Promise<void> {
  await tx.query(requestCloseStatement, [key.merchant_id, key.id]);
}

const postponeStatement = tenantStatement(
  "payment.postpone",
  "update payments set due_at = $3::timestamptz where merchant_id = $1 and id = $2",
);

/** When the worker looks at the end of an open payment again. */
export async function postponePayment(tx: Transaction, key: TenantKey, due_at: number): Promise<void> {
  await tx.query(postponeStatement, [key.merchant_id, key.id, toRfc3339(due_at)]);
}

const addRefundsStatement = tenantStatement(
  "payment.add_refunds",
  `update payments p set refunding_amount = p.refunding_amount + n.refunding,
     refunded_amount = p.refunded_amount + n.refunded
   from (select merchant_id, id, sum(refunding)::bigint as refunding, sum(refunded)::bigint as refunded
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[]) as u (merchant_id, id, refunding, refunded)
         group by merchant_id, id) n
   where p.merchant_id = n.merchant_id and p.id = n.id`,
);

/**
 * Moves the amounts claimed by and given back in refunds. The check payments_refund_within_amount is the last guard:
 * refunds never exceed what was paid.
 */
export async function addToRefunds(
  tx: Transaction,
  changes: readonly (TenantKey & { refunding: bigint; refunded: bigint })[],
): Promise<void> {
  if (changes.length === 0) return;
  await tx.query(addRefundsStatement, [
    ...keyArrays(changes),
    plainArray(changes.map((change) => change.refunding)),
    plainArray(changes.map((change) => change.refunded)),
  ]);
}

const addSharesStatement = tenantStatement(
  "payment.add_shares",
  "update payments set shared_amount = shared_amount + $3 where merchant_id = $1 and id = $2",
);

/** Moves what receivers have of a payment; the caller holds its lock. */
export async function addToShares(tx: Transaction, key: TenantKey, shared: bigint): Promise<void> {
  if (shared !== 0n) await tx.query(addSharesStatement, [key.merchant_id, key.id, shared]);
}

const claimDueStatement = platformStatement(
  "payment.claim_due",
  `update payments p set due_at = $2::timestamptz
   from (select merchant_id, id from payments where due_at <= $1::timestamptz order by due_at limit $3::int
         for update skip locked) due
   where p.merchant_id = due.merchant_id and p.id = due.id
   returning p.*`,
);

/** Claims payments that have expired or are to be closed, leasing them until `lease_until`. */
export async function claimDuePayments(sql: Sql, now: number, lease_until: number, limit: number): Promise<Payment[]> {
  return sql.query<Payment>(claimDueStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

export interface PaymentFilter {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  page: Page;
  status: string | null;
  out_trade_no: string | null;
  created_from: number | null;
  created_to: number | null;
  /** Our serial_no or the channel's number. */
  number: string | null;
}

/** The status stands in the text, because only so the index of ended payments, which are rare, can be chosen. */
const statusConditions: Readonly<Record<PaymentStatus, string>> = {
  created: "status = 'created'",
  processing: "status = 'processing'",
  succeeded: "status = 'succeeded'",
  closed: "status = 'closed' and closed_at is not null",
  failed: "status = 'failed' and closed_at is not null",
};

/** Payments in the page's order; see `kit/http/pagination.ts`. A status that no payment has gives none. */
export async function listPayments(sql: Sql, filter: PaymentFilter): Promise<Payment[]> {
  const { status, number, created_from: from, created_to: to } = filter;
  if (status !== null && !Object.hasOwn(statusConditions, status)) return [];
  const ids = number === null ? null : await findPaymentIdsByNumber(sql, filter.merchant_id, number);
  if (ids?.length === 0) return [];
  return listRows<Payment>(sql, {
    name: "payment.list",
    select: "select * from payments",
    owner: filter,
    page: filter.page,
    period: { from, to },
    conditions: [
      ...(status === null ? [] : [ofStatus(status as PaymentStatus)]),
      ...equals("out_trade_no", filter.out_trade_no),
      ...(ids === null ? [] : [ofIds(ids)]),
    ],
  });
}

function ofStatus(status: PaymentStatus): Condition {
  return { name: status, text: () => statusConditions[status], values: [] };
}

function ofIds(ids: readonly string[]): Condition {
  return { name: "id", text: (place) => `id = any (${place(0)}::uuid[])`, values: [plainArray(ids)] };
}
