/** All SQL on sharing orders and their parts. Callers that write hold the lock of the payment. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { equals, listRows } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import type { MoveStatus, OrderStatus, SharingOrder, SharingPart } from "./sharing.ts";

export const at = (instant: number | null): string | null => (instant === null ? null : toRfc3339(instant));

const insertStatement = tenantStatement(
  "sharing_order.insert",
  `insert into sharing_orders (merchant_id, id, app_id, livemode, payment_id, attempt_id, lane, channel,
     channel_account_id, funding_mode, out_sharing_no, request_hash, status, currency, plan, release_rest, refund_policy,
     sharing_no, created_at, ready_at, due_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::jsonb, $16, $17, $18, $19::timestamptz,
     $20::timestamptz, $21::timestamptz)`,
);

/** Inserts an order as intent. `due_at`: when a worker takes over if nobody has written a result by then. */
export async function insertOrder(tx: Transaction, order: SharingOrder, due_at: number): Promise<void> {
  const o = order;
  await tx.query(insertStatement, [
    ...[o.merchant_id, o.id, o.app_id, o.livemode, o.payment_id, o.attempt_id, o.lane, o.channel],
    ...[o.channel_account_id, o.funding_mode, o.out_sharing_no, o.request_hash, o.status, o.currency],
    ...[o.plan === null ? null : JSON.stringify(o.plan), o.release_rest, o.refund_policy, o.sharing_no],
    ...[toRfc3339(o.created_at), toRfc3339(o.ready_at), toRfc3339(due_at)],
  ]);
}

const selectStatement = tenantStatement(
  "sharing_order.select",
  "select * from sharing_orders where merchant_id = $1 and id = any($2::uuid[])",
);

/** A merchant's orders by their ids. */
export async function loadOrders(
  sql: Sql,
  merchant_id: string,
  ids: readonly string[],
): Promise<Map<string, SharingOrder>> {
  const rows = await sql.query<SharingOrder>(selectStatement, [merchant_id, plainArray(ids)]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** One order, which exists. */
export async function loadOrder(sql: Sql, key: TenantKey): Promise<SharingOrder | undefined> {
  return (await loadOrders(sql, key.merchant_id, [key.id])).get(key.id);
}

const selectByNumber = tenantStatement(
  "sharing_order.select_by_number",
  `select * from sharing_orders where merchant_id = $1 and app_id = $2 and livemode = $3 and out_sharing_no = $4`,
);

export async function loadOrderByNumber(
  sql: Sql,
  owner: { merchant_id: string; app_id: string; livemode: boolean },
  out_sharing_no: string,
): Promise<SharingOrder | undefined> {
  const values = [owner.merchant_id, owner.app_id, owner.livemode, out_sharing_no];
  return (await sql.query<SharingOrder>(selectByNumber, values))[0];
}

const selectOfPayment = tenantStatement(
  "sharing_order.select_of_payment",
  "select * from sharing_orders where merchant_id = $1 and payment_id = $2 order by id",
);

export async function loadOrdersOfPayment(sql: Sql, payment: TenantKey): Promise<SharingOrder[]> {
  return sql.query<SharingOrder>(selectOfPayment, [payment.merchant_id, payment.id]);
}

const updateStatement = tenantStatement(
  "sharing_order.update",
  `update sharing_orders set status = $4, lane = $5, plan = $6::jsonb, sharing_no = $7, sent_at = $8::timestamptz,
     channel_sharing_no = $9, failure_code = $10, failure_message = $11, unknown_reason = $12,
     finished_at = $13::timestamptz, query_count = $14, due_at = $15::timestamptz, ready_at = $16::timestamptz
   where merchant_id = $1 and id = $2 and status = $3 returning id`,
);

/** The guarded move of an order. */
export async function moveOrder(
  tx: Transaction,
  order: SharingOrder,
  expected: OrderStatus,
  due_at: number | null,
): Promise<boolean> {
  const o = order;
  const rows = await tx.query(updateStatement, [
    ...[o.merchant_id, o.id, expected, o.status, o.lane, o.plan === null ? null : JSON.stringify(o.plan), o.sharing_no],
    ...[at(o.sent_at), o.channel_sharing_no, o.failure_code, o.failure_message, o.unknown_reason, at(o.finished_at)],
    ...[o.query_count, at(due_at), toRfc3339(o.ready_at)],
  ]);
  return rows.length === 1;
}

const markSentStatement = tenantStatement(
  "sharing_order.mark_sent",
  `update sharing_orders set sent_at = $4::timestamptz, due_at = $5::timestamptz
   where merchant_id = $1 and id = $2 and sharing_no = $3 and sent_at is null and status in ('created', 'processing')
   returning id`,
);

/**
 * Writes that the channel is about to be told for the first time. False when somebody else has told it or ended the order
 * meanwhile: only the first request's refusal is an end.
 */
export async function markSent(sql: Sql, order: SharingOrder, now: number, due_at: number): Promise<boolean> {
  const values = [order.merchant_id, order.id, order.sharing_no, toRfc3339(now), toRfc3339(due_at)];
  return (await sql.query(markSentStatement, values)).length === 1;
}

const postponeStatement = tenantStatement(
  "sharing_order.postpone",
  `update sharing_orders set due_at = $3::timestamptz where merchant_id = $1 and id = $2
     and status in ('created', 'processing')`,
);

export async function postponeOrder(sql: Sql, key: TenantKey, due_at: number): Promise<void> {
  await sql.query(postponeStatement, [key.merchant_id, key.id, toRfc3339(due_at)]);
}

const claimStatement = platformStatement(
  "sharing_order.claim_due",
  `update sharing_orders o set due_at = $2::timestamptz
   from (select merchant_id, id from sharing_orders where lane = $4 and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where o.merchant_id = due.merchant_id and o.id = due.id
   returning o.merchant_id, o.id`,
);

/** Claims orders of a lane that must be worked on, leasing them until `lease_until`. */
export async function claimDueOrders(
  sql: Sql,
  lane: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<TenantKey[]> {
  return sql.query<TenantKey>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit, lane]);
}

const attemptsOfSources = tenantStatement(
  "sharing_part.attempts_of",
  `select p.id, o.attempt_id from sharing_parts p
   join sharing_orders o on o.merchant_id = p.merchant_id and o.id = p.order_id
   where p.merchant_id = $1 and p.id = any($2::uuid[])
   union all
   select r.id, o.attempt_id from sharing_returns r
   join sharing_orders o on o.merchant_id = r.merchant_id and o.id = r.order_id
   where r.merchant_id = $1 and r.id = any($2::uuid[])`,
);

/** The attempts whose money a merchant's parts and returns moved, by the ids of these; none for what it received. */
export async function loadSharedAttempts(
  sql: Sql,
  merchant_id: string,
  source_ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (source_ids.length === 0) return new Map();
  const values = [merchant_id, plainArray(source_ids)];
  const rows = await sql.query<{ id: string; attempt_id: string }>(attemptsOfSources, values);
  return new Map(rows.map(({ id, attempt_id }) => [id, attempt_id]));
}

export interface OrderFilter {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  page: Page;
  payment_id: string | null;
  status: string | null;
  out_sharing_no: string | null;
}

/** Orders in the page's order. */
export async function listOrders(sql: Sql, filter: OrderFilter): Promise<SharingOrder[]> {
  return listRows<SharingOrder>(sql, {
    name: "sharing_order.list",
    select: "select * from sharing_orders",
    owner: filter,
    page: filter.page,
    period: { from: null, to: null },
    conditions: [
      ...equals("payment_id", filter.payment_id),
      ...equals("status", filter.status),
      ...equals("out_sharing_no", filter.out_sharing_no),
    ],
  });
}

const insertPartsStatement = tenantStatement(
  "sharing_part.insert",
  `insert into sharing_parts (merchant_id, id, order_id, payment_id, livemode, receiver_id, mode, receiver_merchant_id,
     sharing_no, status, amount, currency, description, from_available, created_at)
   select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::boolean[], $6::uuid[], $7::text[], $8::uuid[],
     $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::bigint[], $15::timestamptz[])`,
);

export async function insertParts(tx: Transaction, parts: readonly SharingPart[]): Promise<void> {
  const column = <T>(pick: (part: SharingPart) => T) => parts.map(pick);
  await tx.query(insertPartsStatement, [
    ...keyArrays(parts),
    plainArray(column((p) => p.order_id)),
    plainArray(column((p) => p.payment_id)),
    plainArray(column((p) => p.livemode)),
    plainArray(column((p) => p.receiver_id)),
    textArray(column((p) => p.mode)),
    plainArray(column((p) => p.receiver_merchant_id)),
    textArray(column((p) => p.sharing_no)),
    textArray(column((p) => p.status)),
    plainArray(column((p) => p.amount)),
    textArray(column((p) => p.currency)),
    textArray(column((p) => p.description)),
    plainArray(column((p) => p.from_available)),
    timestampArray(column((p) => p.created_at)),
  ]);
}

const partsOfOrders = tenantStatement(
  "sharing_part.select_of_orders",
  "select * from sharing_parts where merchant_id = $1 and order_id = any($2::uuid[]) order by id",
);

/** The parts of orders of a merchant, oldest first. */
export async function loadPartsOfOrders(
  sql: Sql,
  merchant_id: string,
  order_ids: readonly string[],
): Promise<SharingPart[]> {
  return sql.query<SharingPart>(partsOfOrders, [merchant_id, plainArray(order_ids)]);
}

const partsOfPayment = tenantStatement(
  "sharing_part.select_of_payment",
  "select * from sharing_parts where merchant_id = $1 and payment_id = $2 order by id",
);

export async function loadPartsOfPayment(sql: Sql, payment: TenantKey): Promise<SharingPart[]> {
  return sql.query<SharingPart>(partsOfPayment, [payment.merchant_id, payment.id]);
}

const updatePartsStatement = tenantStatement(
  "sharing_part.update",
  `update sharing_parts p set status = n.status, failure_code = n.failure_code, failure_message = n.failure_message,
     finished_at = n.finished_at, retried = n.retried
   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::boolean[])
     as n (merchant_id, id, expected, status, failure_code, failure_message, finished_at, retried)
   where p.merchant_id = n.merchant_id and p.id = n.id and p.status = n.expected
   returning p.id`,
);

/** The guarded move of parts. Gives how many moved. */
export async function moveParts(
  tx: Transaction,
  moves: readonly { part: SharingPart; expected: MoveStatus }[],
): Promise<number> {
  if (moves.length === 0) return 0;
  const column = <T>(pick: (part: SharingPart) => T) => moves.map(({ part }) => pick(part));
  const rows = await tx.query(updatePartsStatement, [
    ...keyArrays(moves.map(({ part }) => part)),
    textArray(moves.map(({ expected }) => expected)),
    textArray(column((p) => p.status)),
    textArray(column((p) => p.failure_code)),
    textArray(column((p) => p.failure_message)),
    timestampArray(column((p) => p.finished_at)),
    plainArray(column((p) => p.retried)),
  ]);
  return rows.length;
}

const claimReturnsStatement = tenantStatement(
  "sharing_part.add_returns",
  `update sharing_parts set returned_amount = returned_amount + $3, returning_amount = returning_amount + $4,
     refunding_amount = refunding_amount + $5
   where merchant_id = $1 and id = $2`,
);

/** Moves what is claimed of a part and what came back. The check of the table is the last guard. */
export async function addToReturns(
  tx: Transaction,
  key: TenantKey,
  { returned, returning, refunding }: { returned: bigint; returning: bigint; refunding: bigint },
): Promise<void> {
  await tx.query(claimReturnsStatement, [key.merchant_id, key.id, returned, returning, refunding]);
}
