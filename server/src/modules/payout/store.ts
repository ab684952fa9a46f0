/** SQL on payouts themselves. A payout is changed under the lock of its row. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { bytesArray, jsonArray, plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, SqlValue, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";
import type { Payout, PayoutStatus } from "./payout.ts";
import type { SettingsKey } from "./settings.ts";

const insertStatement = tenantStatement(
  "payout.insert",
  `insert into payouts (merchant_id, id, livemode, app_id, out_payout_no, request_hash, status, currency, amount,
     transfer_amount, fee_amount, fee_returns, beneficiary_id, beneficiary_version, title, metadata, batch_id, batch_line,
     settlement_id, transfer_no, created_at, due_at)
   select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::uuid[], $5::text[], $6::bytea[], $7::text[],
     $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::boolean[], $13::uuid[], $14::int[], $15::text[],
     $16::jsonb[], $17::uuid[], $18::int[], $19::uuid[], $20::text[], $21::timestamptz[], $22::timestamptz[])`,
);

/** Writes new payouts. `due_at`: when a worker looks at them unless somebody has by then. */
export async function insertPayouts(tx: Transaction, payouts: readonly Payout[], due_at: number): Promise<void> {
  if (payouts.length === 0) return;
  const column = <T>(pick: (payout: Payout) => T) => payouts.map(pick);
  await tx.query(insertStatement, [
    ...keyArrays(payouts),
    plainArray(column((p) => p.livemode)),
    plainArray(column((p) => p.app_id)),
    textArray(column((p) => p.out_payout_no)),
    bytesArray(column((p) => p.request_hash)),
    textArray(column((p) => p.status)),
    textArray(column((p) => p.currency)),
    plainArray(column((p) => p.amount)),
    plainArray(column((p) => p.transfer_amount)),
    plainArray(column((p) => p.fee_amount)),
    plainArray(column((p) => p.fee_returns)),
    plainArray(column((p) => p.beneficiary_id)),
    plainArray(column((p) => p.beneficiary_version)),
    textArray(column((p) => p.title)),
    jsonArray(column((p) => p.metadata)),
    plainArray(column((p) => p.batch_id)),
    plainArray(column((p) => p.batch_line)),
    plainArray(column((p) => p.settlement_id)),
    textArray(column((p) => p.transfer_no)),
    timestampArray(column((p) => p.created_at)),
    timestampArray(column(() => due_at)),
  ]);
}

const selectByKeys = tenantStatement(
  "payout.select",
  "select * from payouts where (merchant_id, id) in (select * from unnest($1::uuid[], $2::uuid[]))",
);

/** Payouts by their keys. */
export async function loadPayouts(sql: Sql, keys: readonly TenantKey[]): Promise<Map<string, Payout>> {
  if (keys.length === 0) return new Map();
  const rows = await sql.query<Payout>(selectByKeys, keyArrays(keys));
  return new Map(rows.map((row) => [row.id, row]));
}

const lockStatement = tenantStatement(
  "payout.lock",
  "select * from payouts where merchant_id = $1 and id = $2 for update",
);

/** Locks a payout and gives it as it is then. */
export async function lockPayout(tx: Transaction, key: TenantKey): Promise<Payout | undefined> {
  return (await tx.query<Payout>(lockStatement, [key.merchant_id, key.id]))[0];
}

const selectByNumbers = tenantStatement(
  "payout.select_by_numbers",
  `select * from payouts where merchant_id = $1 and app_id = $2 and livemode = $3 and out_payout_no = any ($4::text[])`,
);

/** An app's payouts by its own numbers. */
export async function loadByNumbers(
  sql: Sql,
  owner: { merchant_id: string; app_id: string; livemode: boolean },
  numbers: readonly string[],
): Promise<Map<string, Payout>> {
  const values = [owner.merchant_id, owner.app_id, owner.livemode, textArray(numbers)];
  const rows = await sql.query<Payout>(selectByNumbers, values);
  return new Map(rows.map((row) => [row.out_payout_no!, row]));
}

const moveStatement = tenantStatement(
  "payout.move",
  `update payouts set status = $4, approval_id = $5, channel = $6, channel_account_id = $7, bank_file_id = $8,
     channel_transfer_no = $9, action = $10::jsonb, waits_for = $11, failure_code = $12, failure_message = $13,
     unknown_reason = $14, recorded_by = $15, sent_at = $16::timestamptz, succeeded_at = $17::timestamptz,
     finished_at = $18::timestamptz, call_count = $19, query_count = $20, cost_amount = $21, due_at = $22::timestamptz
   where merchant_id = $1 and id = $2 and status = $3 returning id`,
);

const at = (instant: number | null) => (instant === null ? null : toRfc3339(instant));

/** The guarded move; false when the payout is not in the expected status any more. */
export async function movePayout(
  tx: Transaction,
  expected: PayoutStatus,
  p: Payout,
  due_at: number | null,
): Promise<boolean> {
  const rows = await tx.query(moveStatement, [
    ...[p.merchant_id, p.id, expected, p.status, p.approval_id, p.channel, p.channel_account_id, p.bank_file_id],
    ...[p.channel_transfer_no, p.action === null ? null : JSON.stringify(p.action), p.waits_for],
    ...[p.failure_code, p.failure_message, p.unknown_reason, p.recorded_by],
    ...[at(p.sent_at), at(p.succeeded_at), at(p.finished_at), p.call_count, p.query_count, p.cost_amount, at(due_at)],
  ]);
  return rows.length === 1;
}

const hurryStatement = tenantStatement(
  "payout.hurry",
  `update payouts set due_at = $3::timestamptz
   where merchant_id = $1 and id = $2 and status in ('sent', 'unknown', 'succeeded') and channel <> 'bank'`,
);

/** Has the worker ask the channel now. */
export async function hurryPayout(sql: Sql, key: TenantKey, due_at: number): Promise<void> {
  await sql.query(hurryStatement, [key.merchant_id, key.id, toRfc3339(due_at)]);
}

const claimUnroutedStatement = platformStatement(
  "payout.claim_unrouted",
  `update payouts p set due_at = $2::timestamptz
   from (select merchant_id, id from payouts where channel is null and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where p.merchant_id = due.merchant_id and p.id = due.id
   returning p.merchant_id, p.id`,
);

/** Claims payouts that nobody was chosen to pay yet, leasing them until `lease_until`. */
export async function claimUnrouted(sql: Sql, now: number, lease_until: number, limit: number): Promise<TenantKey[]> {
  return sql.query<TenantKey>(claimUnroutedStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

// The claim counts the call before it is made: whoever finds the count at one knows that nobody called before.
const claimDueStatement = platformStatement(
  "payout.claim_due",
  `update payouts p set due_at = $2::timestamptz, call_count = p.call_count + 1
   from (select merchant_id, id from payouts where channel = $4 and due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where p.merchant_id = due.merchant_id and p.id = due.id
   returning p.*`,
);

/** Claims payouts that a channel must be told of or asked about, leasing them until `lease_until`. */
export async function claimDuePayouts(
  sql: Sql,
  channel: string,
  now: number,
  lease_until: number,
  limit: number,
): Promise<Payout[]> {
  return sql.query<Payout>(claimDueStatement, [toRfc3339(now), toRfc3339(lease_until), limit, channel]);
}

const usageStatement = tenantStatement(
  "payout.usage",
  `select count(*) filter (where created_at >= $5::timestamptz) as day_count,
     coalesce(sum(amount) filter (where created_at >= $5::timestamptz), 0)::bigint as day_amount,
     coalesce(sum(amount), 0)::bigint as month_amount
   from payouts
   where merchant_id = $1 and livemode = $2 and currency = $3 and id > $4::uuid and created_at >= $6::timestamptz
     and status not in ('failed', 'cancelled', 'returned')`,
);

export interface Usage {
  readonly day_count: bigint;
  readonly day_amount: bigint;
  readonly month_amount: bigint;
}

/** What a book has paid out, or is about to, since the beginning of a day and of its month. `id_floor`: no id of the month is below it. */
export async function sumUsage(
  tx: Transaction,
  { merchant_id, livemode, currency }: SettingsKey,
  since: { day: number; month: number; id_floor: string },
): Promise<Usage> {
  const values: SqlValue[] = [merchant_id, livemode, currency, since.id_floor];
  const [usage] = await tx.query<Usage>(usageStatement, [...values, toRfc3339(since.day), toRfc3339(since.month)]);
  return usage!;
}

export interface PayoutFilter {
  merchant_id: string;
  livemode: boolean;
  status: string | null;
  out_payout_no: string | null;
  beneficiary_id: string | null;
  batch_id: string | null;
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `payout.list_${order}`,
    `select * from payouts where merchant_id = $1 and livemode = $2 and id > $3 and id < $4
       and ($5::text is null or status = $5) and ($6::text is null or out_payout_no = $6)
       and ($7::uuid is null or beneficiary_id = $7) and ($8::uuid is null or batch_id = $8)
     order by id ${order} limit $9`,
  ),
);

/** Payouts in the page's order. */
export async function listPayouts(sql: Sql, filter: PayoutFilter): Promise<Payout[]> {
  const { merchant_id, livemode, status, out_payout_no, beneficiary_id, batch_id, page } = filter;
  const [newestFirst, oldestFirst] = listStatements;
  return sql.query<Payout>(page.order === "desc" ? newestFirst! : oldestFirst!, [
    ...[merchant_id, livemode, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX],
    ...[status, out_payout_no, beneficiary_id, batch_id, page.fetch],
  ]);
}
