/** All SQL on returns and releases. Callers that write hold the lock of the payment. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { at } from "./order-store.ts";
import type { MoveStatus, SharingRelease, SharingReturn } from "./sharing.ts";

const insertReturnStatement = tenantStatement(
  "sharing_return.insert",
  `insert into sharing_returns (merchant_id, id, app_id, livemode, order_id, part_id, payment_id, lane, out_return_no,
     request_hash, refund_id, carried, return_no, status, amount, currency, created_at, due_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17::timestamptz, $18::timestamptz)`,
);

/** Inserts a return as intent; nobody works on one that a refund carries. */
export async function insertReturn(tx: Transaction, made: SharingReturn, due_at: number | null): Promise<void> {
  const r = made;
  await tx.query(insertReturnStatement, [
    ...[r.merchant_id, r.id, r.app_id, r.livemode, r.order_id, r.part_id, r.payment_id, r.lane, r.out_return_no],
    ...[r.request_hash, r.refund_id, r.carried, r.return_no, r.status, r.amount, r.currency],
    ...[toRfc3339(r.created_at), at(due_at)],
  ]);
}

const selectReturn = tenantStatement(
  "sharing_return.select",
  "select * from sharing_returns where merchant_id = $1 and id = $2",
);

export async function loadReturn(sql: Sql, key: TenantKey): Promise<SharingReturn | undefined> {
  return (await sql.query<SharingReturn>(selectReturn, [key.merchant_id, key.id]))[0];
}

const selectReturnByNumber = tenantStatement(
  "sharing_return.select_by_number",
  "select * from sharing_returns where merchant_id = $1 and app_id = $2 and livemode = $3 and out_return_no = $4",
);

export async function loadReturnByNumber(
  sql: Sql,
  owner: { merchant_id: string; app_id: string; livemode: boolean },
  out_return_no: string,
): Promise<SharingReturn | undefined> {
  const values = [owner.merchant_id, owner.app_id, owner.livemode, out_return_no];
  return (await sql.query<SharingReturn>(selectReturnByNumber, values))[0];
}

const returnsOfOrder = tenantStatement(
  "sharing_return.select_of_order",
  "select * from sharing_returns where merchant_id = $1 and order_id = $2 order by id desc",
);

/** An order's returns, the newest first. */
export async function loadReturnsOfOrder(sql: Sql, order: TenantKey): Promise<SharingReturn[]> {
  return sql.query<SharingReturn>(returnsOfOrder, [order.merchant_id, order.id]);
}

const returnsOfRefund = tenantStatement(
  "sharing_return.select_of_refund",
  "select * from sharing_returns where merchant_id = $1 and refund_id = $2 order by id",
);

export async function loadReturnsOfRefund(sql: Sql, refund: TenantKey): Promise<SharingReturn[]> {
  return sql.query<SharingReturn>(returnsOfRefund, [refund.merchant_id, refund.id]);
}

const moveReturnStatement = tenantStatement(
  "sharing_return.update",
  `update sharing_returns set status = $4, from_available = $5, failure_code = $6, failure_message = $7,
     unknown_reason = $8, finished_at = $9::timestamptz, query_count = $10, due_at = $11::timestamptz
   where merchant_id = $1 and id = $2 and status = $3 returning id`,
);

/** The guarded move of a return. */
export async function moveReturn(
  tx: Transaction,
  made: SharingReturn,
  expected: MoveStatus,
  due_at: number | null,
): Promise<boolean> {
  const r = made;
  const rows = await tx.query(moveReturnStatement, [
    ...[r.merchant_id, r.id, expected, r.status, r.from_available, r.failure_code, r.failure_message, r.unknown_reason],
    ...[at(r.finished_at), r.query_count, at(due_at)],
  ]);
  return rows.length === 1;
}

const claimReturnsStatement = platformStatement(
  "sharing_return.claim_due",
  `update sharing_returns r set due_at = $2::timestamptz
   from (select merchant_id, id from sharing_returns where lane = $4 and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where r.merchant_id = due.merchant_id and r.id = due.id
   returning r.merchant_id, r.id`,
);

/** Claims returns of a lane that must be worked on. */
export async function claimDueReturns(
  sql: Sql,
  lane: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<TenantKey[]> {
  return sql.query<TenantKey>(claimReturnsStatement, [toRfc3339(now), toRfc3339(lease_until), limit, lane]);
}

const insertReleaseStatement = tenantStatement(
  "sharing_release.insert",
  `insert into sharing_releases (merchant_id, id, app_id, livemode, payment_id, attempt_id, channel, release_no, status,
     created_at, due_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::timestamptz, $11::timestamptz)`,
);

export async function insertRelease(tx: Transaction, release: SharingRelease, due_at: number): Promise<void> {
  const r = release;
  await tx.query(insertReleaseStatement, [
    ...[r.merchant_id, r.id, r.app_id, r.livemode, r.payment_id, r.attempt_id, r.channel, r.release_no, r.status],
    ...[toRfc3339(r.created_at), toRfc3339(due_at)],
  ]);
}

const selectRelease = tenantStatement(
  "sharing_release.select",
  "select * from sharing_releases where merchant_id = $1 and id = $2",
);

export async function loadRelease(sql: Sql, key: TenantKey): Promise<SharingRelease | undefined> {
  return (await sql.query<SharingRelease>(selectRelease, [key.merchant_id, key.id]))[0];
}

const releaseOfPayment = tenantStatement(
  "sharing_release.select_of_payment",
  `select * from sharing_releases where merchant_id = $1 and payment_id = $2
   order by (status = 'failed'), id desc limit 1`,
);

/** The release of a payment that stands; else the last that failed. */
export async function loadReleaseOf(sql: Sql, payment: TenantKey): Promise<SharingRelease | undefined> {
  return (await sql.query<SharingRelease>(releaseOfPayment, [payment.merchant_id, payment.id]))[0];
}

const moveReleaseStatement = tenantStatement(
  "sharing_release.update",
  `update sharing_releases set status = $4, failure_code = $5, failure_message = $6, unknown_reason = $7,
     finished_at = $8::timestamptz, query_count = $9, due_at = $10::timestamptz
   where merchant_id = $1 and id = $2 and status = $3 returning id`,
);

/** The guarded move of a release. */
export async function moveRelease(
  sql: Sql,
  release: SharingRelease,
  expected: MoveStatus,
  due_at: number | null,
): Promise<boolean> {
  const r = release;
  const rows = await sql.query(moveReleaseStatement, [
    ...[r.merchant_id, r.id, expected, r.status, r.failure_code, r.failure_message, r.unknown_reason],
    ...[at(r.finished_at), r.query_count, at(due_at)],
  ]);
  return rows.length === 1;
}

const claimReleasesStatement = platformStatement(
  "sharing_release.claim_due",
  `update sharing_releases r set due_at = $2::timestamptz
   from (select merchant_id, id from sharing_releases where channel = $4 and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where r.merchant_id = due.merchant_id and r.id = due.id
   returning r.merchant_id, r.id`,
);

/** Claims releases of a channel that must be worked on. */
export async function claimDueReleases(
  sql: Sql,
  channel: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<TenantKey[]> {
  return sql.query<TenantKey>(claimReleasesStatement, [toRfc3339(now), toRfc3339(lease_until), limit, channel]);
}
