/** Reads a file of payouts: CSV with a heading, in Chinese or English, as spreadsheet programs save it. */
import { parse } from "csv-parse/sync";
import type { TributaryError } from "../../kit/error.ts";
import { LINES_MAX } from "./batch.ts";
import { payoutErrors } from "./errors.ts";

/** The columns of a file, and what their headings may be. Case, spaces and what stands in brackets do not count. */
export const batchColumns = {
  number: ["商户出款单号", "商户单号", "单号", "out_payout_no", "number"],
  amount: ["金额", "amount"],
  beneficiary: ["收款人编号", "收款人", "beneficiary"],
  type: ["收款方式", "类型", "type"],
  account: ["收款账号", "账号", "account"],
  name: ["收款户名", "户名", "姓名", "name"],
  account_type: ["账户类型", "account_type"],
  bank_name: ["开户银行", "银行", "bank_name", "bank"],
  branch_name: ["开户网点", "支行", "branch_name", "branch"],
  cnaps_code: ["联行号", "cnaps_code"],
  appid: ["应用编号", "appid"],
  title: ["附言", "备注", "title", "remark"],
} as const satisfies Record<string, readonly string[]>;
export type BatchColumn = keyof typeof batchColumns;

/** A line of the file, by column; what is empty is left out. */
export interface FileLine {
  readonly line: number;
  readonly fields: Readonly<Partial<Record<BatchColumn, string>>>;
}

function unreadable(problem: string, cause?: unknown): TributaryError {
  return payoutErrors["payout_batch.unreadable"]({ values: { problem }, cause });
}

/** UTF-8, or GB 18030, in which Chinese programs save. */
function decodeText(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("gb18030").decode(bytes);
  }
}

const plainHeading = (text: string) =>
  text
    .normalize("NFKC")
    .replace(/\(.*?\)/g, "")
    .replace(/[\s"']/g, "")
    .toLowerCase();

const columnOfHeading = new Map<string, BatchColumn>(
  Object.entries(batchColumns).flatMap(([column, headings]) =>
    headings.map((heading) => [plainHeading(heading), column as BatchColumn] as const),
  ),
);

/** The file's lines that are not empty. @throws payout_batch.unreadable */
export function readBatchFile(bytes: Buffer): FileLine[] {
  const [heading, ...rows] = readRows(bytes);
  if (!heading) throw unreadable("it is empty.");
  const columns = heading.cells.map((text) => columnOfHeading.get(plainHeading(text)));
  checkHeading(heading.cells, columns);
  if (rows.length === 0) throw unreadable("it has a heading and no lines.");
  if (rows.length > LINES_MAX) throw unreadable(`it has ${rows.length} lines: split it, ${LINES_MAX} are the most.`);
  return rows.map(({ line, cells }) => {
    const pairs = cells.flatMap((text, index) => {
      const column = columns[index];
      const value = disarm(text);
      return column === undefined || value === "" ? [] : [[column, value] as const];
    });
    return { line, fields: Object.fromEntries(pairs) };
  });
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function readRows(bytes: Buffer): Row[] {
  try {
    const text = decodeText(bytes);
    const records = parse(text, {
      ...{ bom: true, info: true, relax_column_count: true, skip_empty_lines: true, max_record_size: 10_000 },
      delimiter: delimiterOf(text),
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return records
      .map(({ record, info }) => ({ line: info.lines, cells: record }))
      .filter(({ cells }) => cells.some((cell) => cell.trim() !== ""));
  } catch (error) {
    throw unreadable(`it is no CSV (${error instanceof Error ? error.message : String(error)}).`, error);
  }
}

/** Programs write what their country's settings say. */
function delimiterOf(text: string): string {
  const heading = text.slice(0, Math.max(0, text.search(/[\r\n]/)));
  const count = (sign: string) => heading.split(sign).length;
  return ["\t", ";"].find((sign) => count(sign) > count(",")) ?? ",";
}

/** Apostrophes and tabs that mark a text as a text for spreadsheet programs. */
function disarm(text: string): string {
  return text.trim().replace(/^'(?=.)/, "");
}

function checkHeading(headings: readonly string[], columns: readonly (BatchColumn | undefined)[]): void {
  const unknown = headings.filter((text, index) => text.trim() !== "" && columns[index] === undefined);
  if (unknown.length > 0) throw unreadable(`the heading "${unknown[0]!.slice(0, 40)}" is not known.`);
  const named = columns.filter((column) => column !== undefined);
  const twice = named.find((column, index) => named.indexOf(column) !== index);
  if (twice) throw unreadable(`the column ${batchColumns[twice][0]} (${twice}) is there twice.`);
  const needed: BatchColumn[] = ["number", "amount"];
  const missing = needed.find((column) => !named.includes(column));
  if (missing) throw unreadable(`the column ${batchColumns[missing][0]} (${missing}) is missing.`);
  if (!named.includes("beneficiary") && !(named.includes("type") && named.includes("account"))) {
    throw unreadable("it needs a column 收款人编号 (beneficiary), or 收款方式 (type) and 收款账号 (account).");
  }
}
