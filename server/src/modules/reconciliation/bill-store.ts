/** SQL on bills and their lines. All of it crosses merchants: a channel account may collect for many. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { BulkTransaction, Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { DayKey, ReconciledKind, StoredBill } from "./reconciliation.ts";

const billColumns = `id, number, channel_account_id, day::text as day, kind, version, status, source, uploaded_by, files,
  sha256, lines, rejected, totals, created_at`;

const nextNumberStatement = platformStatement(
  "reconciliation.next_bill_number",
  "select nextval('reconciliation_bill_numbers') as number",
);

/** A number for the lines of a bill that is about to be loaded. */
export async function takeBillNumber(sql: Sql): Promise<bigint> {
  return (await sql.query<{ number: bigint }>(nextNumberStatement))[0]!.number;
}

const copyLinesStatement = platformStatement(
  "reconciliation.copy_lines",
  `copy reconciliation_lines (bill, file_no, line_no, entry, status, our_id, our_no, original_id, channel_trade_no,
     channel_refund_no, merchant_no, currency, amount, fee, occurred_at, balance_after, note) from stdin`,
);

/** Streams lines in, as `line-copy.ts` writes them. */
export function copyLines(tx: BulkTransaction, chunks: AsyncIterable<Buffer>): Promise<void> {
  return tx.copy(copyLinesStatement, chunks);
}

const summarizeStatement = platformStatement(
  "reconciliation.summarize_lines",
  "select brin_summarize_new_values('reconciliation_lines_bill')",
);
const analyzeStatement = platformStatement(
  "reconciliation.analyze_lines",
  "analyze reconciliation_lines (bill, our_id)",
);

/** Tells the database of very many new lines, so that it finds and joins them as what they are. */
export async function describeNewLines(sql: Sql): Promise<void> {
  await sql.query(summarizeStatement);
  await sql.query(analyzeStatement);
}

const insertRejectedStatement = platformStatement(
  "reconciliation.insert_rejected",
  `insert into reconciliation_rejected_lines (bill, file_no, line_no, reason, text)
   select $1, * from unnest($2::int[], $3::int[], $4::text[], $5::text[])`,
);

export interface Rejected {
  readonly file_no: number;
  readonly line_no: number;
  readonly reason: string;
  readonly text: string;
}

export async function insertRejected(tx: Transaction, bill: bigint, lines: readonly Rejected[]): Promise<void> {
  if (lines.length === 0) return;
  await tx.query(insertRejectedStatement, [
    bill,
    plainArray(lines.map(({ file_no }) => file_no)),
    plainArray(lines.map(({ line_no }) => line_no)),
    textArray(lines.map(({ reason }) => reason)),
    textArray(lines.map(({ text }) => text)),
  ]);
}

const listRejectedStatement = platformStatement(
  "reconciliation.list_rejected",
  `select file_no, line_no, reason, text from reconciliation_rejected_lines where bill = $1
   order by file_no, line_no limit $2`,
);

export function listRejected(sql: Sql, bill: bigint, limit: number): Promise<Rejected[]> {
  return sql.query<Rejected>(listRejectedStatement, [bill, limit]);
}

const insertBillStatement = platformStatement(
  "reconciliation.insert_bill",
  `insert into reconciliation_bills (id, number, channel_account_id, day, kind, version, status, source, uploaded_by,
     files, sha256, lines, rejected, totals, created_at)
   values ($1, $2, $3, $4::date, $5, $6, 'current', $7, $8, $9::jsonb, $10, $11, $12, $13::jsonb, $14::timestamptz)`,
);

export async function insertBill(tx: Transaction, bill: StoredBill): Promise<void> {
  await tx.query(insertBillStatement, [
    ...[
      bill.id,
      bill.number,
      bill.channel_account_id,
      bill.day,
      bill.kind,
      bill.version,
      bill.source,
      bill.uploaded_by,
    ],
    ...[JSON.stringify(bill.files), bill.sha256, bill.lines, bill.rejected, JSON.stringify(bill.totals)],
    toRfc3339(bill.created_at),
  ]);
}

const selectBillsStatement = platformStatement(
  "reconciliation.select_bills",
  `select ${billColumns} from reconciliation_bills where channel_account_id = $1 and day = $2::date
   order by kind, version desc`,
);

/** All bills of a day, of each kind the newest first. */
export function loadBills(sql: Sql, { channel_account_id, day }: DayKey): Promise<StoredBill[]> {
  return sql.query<StoredBill>(selectBillsStatement, [channel_account_id, day]);
}

/** The bills of a day that count. */
export async function loadCurrentBills(sql: Sql, key: DayKey): Promise<Partial<Record<ReconciledKind, StoredBill>>> {
  const current = (await loadBills(sql, key)).filter(({ status }) => status === "current");
  return Object.fromEntries(current.map((bill) => [bill.kind, bill]));
}

const replaceBillStatement = platformStatement(
  "reconciliation.replace_bill",
  "update reconciliation_bills set status = 'replaced' where id = $1 and status = 'current'",
);
const dropLinesStatement = platformStatement(
  "reconciliation.drop_lines",
  "delete from reconciliation_lines where bill = $1",
);

/** A newer bill takes the place of this one: its lines are dropped, what is known of it stays. */
export async function replaceBill(tx: Transaction, { id, number }: StoredBill): Promise<void> {
  await tx.query(replaceBillStatement, [id]);
  await tx.query(dropLinesStatement, [number]);
}
