/** SQL on batches and their lines. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { jsonArray, plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import type { BatchLine, BatchStatus, PayoutBatch } from "./batch.ts";
import type { CheckedLine } from "./check-batch.ts";

const insertStatement = tenantStatement(
  "payout_batch.insert",
  `insert into payout_batches (merchant_id, id, app_id, livemode, currency, file_name, file_hash, status, line_count,
     error_count, transfer_amount, fee_amount, created_by, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::timestamptz)`,
);

/** Breaks payout_batches_file where the same file is a batch already. */
export async function insertBatch(tx: Transaction, b: PayoutBatch): Promise<void> {
  await tx.query(insertStatement, [
    ...[b.merchant_id, b.id, b.app_id, b.livemode, b.currency, b.file_name, b.file_hash, b.status, b.line_count],
    ...[b.error_count, b.transfer_amount, b.fee_amount, b.created_by, toRfc3339(b.created_at)],
  ]);
}

const insertLinesStatement = tenantStatement(
  "payout_batch.insert_lines",
  `insert into payout_batch_lines (merchant_id, batch_id, line, out_payout_no, amount, beneficiary_id, title, problems)
   select $1, $2, * from unnest($3::int[], $4::text[], $5::bigint[], $6::uuid[], $7::text[], $8::jsonb[])`,
);

export async function insertLines(tx: Transaction, batch: TenantKey, lines: readonly CheckedLine[]): Promise<void> {
  await tx.query(insertLinesStatement, [
    ...[batch.merchant_id, batch.id],
    plainArray(lines.map(({ line }) => line)),
    textArray(lines.map(({ out_payout_no }) => out_payout_no)),
    plainArray(lines.map(({ amount }) => amount)),
    plainArray(lines.map(({ beneficiary_id }) => beneficiary_id)),
    textArray(lines.map(({ title }) => title)),
    jsonArray(lines.map(({ problems }) => problems)),
  ]);
}

const selectByFile = tenantStatement(
  "payout_batch.select_by_file",
  `select * from payout_batches where merchant_id = $1 and app_id = $2 and livemode = $3 and file_hash = $4
     and status in ('ready', 'confirmed', 'finished')`,
);

/** The batch that the same file is already. */
export async function loadByFile(
  sql: Sql,
  { merchant_id, app_id, livemode }: Pick<PayoutBatch, "merchant_id" | "app_id" | "livemode">,
  file_hash: Buffer,
): Promise<PayoutBatch | undefined> {
  return (await sql.query<PayoutBatch>(selectByFile, [merchant_id, app_id, livemode, file_hash]))[0];
}

const selectStatement = tenantStatement(
  "payout_batch.select",
  "select * from payout_batches where merchant_id = $1 and id = $2",
);

export async function loadBatch(sql: Sql, key: TenantKey): Promise<PayoutBatch | undefined> {
  return (await sql.query<PayoutBatch>(selectStatement, [key.merchant_id, key.id]))[0];
}

const moveStatement = tenantStatement(
  "payout_batch.move",
  `update payout_batches set status = $4, confirmed_by = coalesce($5, confirmed_by),
     confirmed_at = case when $4 = 'confirmed' then $6::timestamptz else confirmed_at end,
     finished_at = case when $4 in ('finished', 'cancelled') then $6::timestamptz else finished_at end,
     due_at = case when $4 = 'confirmed' then $6::timestamptz end
   where merchant_id = $1 and id = $2 and status = $3 returning *`,
);

/** The guarded move; undefined when the batch is not in the expected status any more. */
export async function moveBatch(
  sql: Sql,
  key: TenantKey,
  move: { expected: BatchStatus; status: BatchStatus; by: string | null; now: number },
): Promise<PayoutBatch | undefined> {
  const values = [key.merchant_id, key.id, move.expected, move.status, move.by, toRfc3339(move.now)];
  return (await sql.query<PayoutBatch>(moveStatement, values))[0];
}

const claimStatement = platformStatement(
  "payout_batch.claim",
  `update payout_batches b set due_at = $2::timestamptz
   from (select merchant_id, id from payout_batches where due_at <= $1::timestamptz
         order by due_at limit $3::int for update skip locked) due
   where b.merchant_id = due.merchant_id and b.id = due.id returning b.*`,
);

/** Claims confirmed batches that are not finished, until the lease runs out. */
export async function claimBatches(sql: Sql, now: number, lease_until: number, limit: number): Promise<PayoutBatch[]> {
  return sql.query<PayoutBatch>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const scheduleStatement = tenantStatement(
  "payout_batch.schedule",
  "update payout_batches set due_at = $3::timestamptz where merchant_id = $1 and id = $2 and status = 'confirmed'",
);

/** Says when a worker looks again. */
export async function scheduleBatch(sql: Sql, key: TenantKey, at: number): Promise<void> {
  await sql.query(scheduleStatement, [key.merchant_id, key.id, toRfc3339(at)]);
}

const claimLinesStatement = tenantStatement(
  "payout_batch.claim_lines",
  `select * from payout_batch_lines
   where merchant_id = $1 and batch_id = $2 and payout_id is null and failure_code is null
   order by line limit $3::int for update skip locked`,
);

/** Locks lines of which nothing has become; those that another worker is at are left out. */
export async function claimLines(tx: Transaction, batch: TenantKey, limit: number): Promise<BatchLine[]> {
  return tx.query<BatchLine>(claimLinesStatement, [batch.merchant_id, batch.id, limit]);
}

const endLinesStatement = tenantStatement(
  "payout_batch.end_lines",
  `update payout_batch_lines l set payout_id = n.payout_id, failure_code = n.failure_code,
     failure_message = n.failure_message
   from unnest($3::int[], $4::uuid[], $5::text[], $6::text[]) as n (line, payout_id, failure_code, failure_message)
   where l.merchant_id = $1 and l.batch_id = $2 and l.line = n.line`,
);

/** Says what became of lines. */
export async function endLines(
  tx: Transaction,
  batch: TenantKey,
  lines: readonly Pick<BatchLine, "line" | "payout_id" | "failure_code" | "failure_message">[],
): Promise<void> {
  await tx.query(endLinesStatement, [
    ...[batch.merchant_id, batch.id],
    plainArray(lines.map(({ line }) => line)),
    plainArray(lines.map(({ payout_id }) => payout_id)),
    textArray(lines.map(({ failure_code }) => failure_code)),
    textArray(lines.map(({ failure_message }) => failure_message)),
  ]);
}

const openStatement = tenantStatement(
  "payout_batch.open_lines",
  `select 1 as one from payout_batch_lines
   where merchant_id = $1 and batch_id = $2 and payout_id is null and failure_code is null limit 1`,
);

/** Whether a line is left of which nothing has become, as far as it is committed. */
export async function hasOpenLines(sql: Sql, batch: TenantKey): Promise<boolean> {
  return (await sql.query(openStatement, [batch.merchant_id, batch.id])).length > 0;
}

export interface LineFilter {
  /** Only lines with problems, or that failed after the confirmation. */
  readonly bad: boolean;
  readonly after: number;
  readonly limit: number;
}

const linesStatement = tenantStatement(
  "payout_batch.lines",
  `select * from payout_batch_lines where merchant_id = $1 and batch_id = $2 and line > $3::int
     and (not $4::boolean or problems <> '[]' or failure_code is not null)
   order by line limit $5::int`,
);

/** Lines in the order of the file. */
export async function listLines(sql: Sql, batch: TenantKey, { bad, after, limit }: LineFilter): Promise<BatchLine[]> {
  return sql.query<BatchLine>(linesStatement, [batch.merchant_id, batch.id, after, bad, limit]);
}

const progressStatement = tenantStatement(
  "payout_batch.progress",
  `select coalesce(p.status, case when l.failure_code is null then 'waiting' else 'refused' end) as status,
     count(*) as count, coalesce(sum(p.transfer_amount), 0)::bigint as amount
   from payout_batch_lines l
   left join payouts p on p.merchant_id = l.merchant_id and p.id = l.payout_id
   where l.merchant_id = $1 and l.batch_id = $2 group by 1 order by 1`,
);

/** How many of a batch's lines came to what: a payout's status, `waiting` for one, or `refused`. */
export async function readProgress(
  sql: Sql,
  batch: TenantKey,
): Promise<{ status: string; count: bigint; amount: bigint }[]> {
  return sql.query(progressStatement, [batch.merchant_id, batch.id]);
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `payout_batch.list_${order}`,
    `select * from payout_batches where merchant_id = $1 and app_id = $2 and livemode = $3 and id > $4 and id < $5
     order by id ${order} limit $6`,
  ),
);

/** An app's batches in the page's order. */
export async function listBatches(
  sql: Sql,
  owner: Pick<PayoutBatch, "merchant_id" | "app_id" | "livemode">,
  page: Page,
): Promise<PayoutBatch[]> {
  const { merchant_id, app_id, livemode } = owner;
  const [newestFirst, oldestFirst] = listStatements;
  const values = [merchant_id, app_id, livemode, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX];
  return sql.query<PayoutBatch>(page.order === "desc" ? newestFirst! : oldestFirst!, [...values, page.fetch]);
}
