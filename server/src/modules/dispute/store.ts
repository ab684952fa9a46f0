/** All SQL on disputes. They are rare: one at a time, under the lock of their payment. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { equals, listRows } from "../../kit/sql/list.ts";
import { tenantStatement } from "../../kit/sql/statement.ts";
import type { Dispute } from "./dispute.ts";

const insertStatement = tenantStatement(
  "dispute.insert",
  `insert into disputes (merchant_id, id, app_id, livemode, payment_id, attempt_id, channel, channel_account_id,
     channel_dispute_no, status, amount, currency, reason, respond_by, stated_at, created_at, updated_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::timestamptz, $15::timestamptz,
     $16::timestamptz, $17::timestamptz)`,
);

export async function insertDispute(tx: Transaction, dispute: Dispute): Promise<void> {
  await tx.query(insertStatement, [
    ...[dispute.merchant_id, dispute.id, dispute.app_id, dispute.livemode, dispute.payment_id, dispute.attempt_id],
    ...[dispute.channel, dispute.channel_account_id, dispute.channel_dispute_no, dispute.status, dispute.amount],
    ...[dispute.currency, dispute.reason, timestampOrNull(dispute.respond_by), toRfc3339(dispute.stated_at)],
    ...[toRfc3339(dispute.created_at), toRfc3339(dispute.updated_at)],
  ]);
}

const updateStatement = tenantStatement(
  "dispute.update",
  `update disputes set status = $3, amount = $4, currency = $5, reason = $6, respond_by = $7::timestamptz,
     stated_at = $8::timestamptz, updated_at = $9::timestamptz
   where merchant_id = $1 and id = $2`,
);

export async function updateDispute(tx: Transaction, dispute: Dispute): Promise<void> {
  await tx.query(updateStatement, [
    ...[dispute.merchant_id, dispute.id, dispute.status, dispute.amount, dispute.currency, dispute.reason],
    ...[timestampOrNull(dispute.respond_by), toRfc3339(dispute.stated_at), toRfc3339(dispute.updated_at)],
  ]);
}

function timestampOrNull(at: number | null): string | null {
  return at === null ? null : toRfc3339(at);
}

const selectByNumber = tenantStatement(
  "dispute.select_by_number",
  "select * from disputes where merchant_id = $1 and channel_account_id = $2 and channel_dispute_no = $3",
);

/** The dispute that an account's channel knows by that number. */
export async function loadDisputeByNumber(
  sql: Sql,
  owner: Pick<Dispute, "merchant_id" | "channel_account_id">,
  channel_dispute_no: string,
): Promise<Dispute | undefined> {
  const values = [owner.merchant_id, owner.channel_account_id, channel_dispute_no];
  return (await sql.query<Dispute>(selectByNumber, values))[0];
}

const selectById = tenantStatement("dispute.select", "select * from disputes where merchant_id = $1 and id = $2");

export async function loadDispute(sql: Sql, merchant_id: string, id: string): Promise<Dispute | undefined> {
  return (await sql.query<Dispute>(selectById, [merchant_id, id]))[0];
}

export interface DisputeFilter {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  page: Page;
  payment_id: string | null;
  status: string | null;
}

/** Disputes in the page's order. */
export async function listDisputes(sql: Sql, filter: DisputeFilter): Promise<Dispute[]> {
  return listRows<Dispute>(sql, {
    name: "dispute.list",
    select: "select * from disputes",
    owner: filter,
    page: filter.page,
    period: { from: null, to: null },
    conditions: [...equals("payment_id", filter.payment_id), ...equals("status", filter.status)],
  });
}
