/**
 * Reads a table of a source that no adapter knows, a bank's statement or another's bill, by a mapping (`table-mapping.ts`): CSV or
 * XLSX, as lines in batches. A row that cannot be read is kept with its reason; a file that is no table, or lacks a column of
 * the mapping, is refused as a whole.
 */
import { isCurrency } from "../kit/money.ts";
import { openTable, type ReadRow, type ReadTable, TableUnreadable } from "../kit/table/read-table.ts";
import { BillRefused, LineRejected } from "./bill-refused.ts";
import { clip, readNote, readNumber } from "./bill-table.ts";
import type { BankLine, BillLine, RejectedLine } from "./contract.ts";
import type { MappedField, TableMapping } from "./table-mapping.ts";
import { createTimeReader, readAmount } from "./table-values.ts";

export { checkTableMapping, type TableMapping, tableMappingSchema } from "./table-mapping.ts";

export interface ImportBatch<Line> {
  readonly lines: readonly Line[];
  readonly rejected: readonly RejectedLine[];
}

export interface ImportTotals {
  readonly lines: number;
  readonly rejected: number;
  /** Rows that the mapping skips, and empty ones. */
  readonly skipped: number;
  /** By currency. */
  readonly sums: readonly { currency: string; count: number; income: bigint; expense: bigint }[];
  /**
   * Lines whose balance does not follow from the line before (or behind, where the newest is first): a row is missing or was
   * changed. Null where balances are not stated.
   */
  readonly balance_breaks: number | null;
}

export interface ImportReading<Line> {
  /** To be read once. Throws BillRefused, and what `content` throws. */
  readonly batches: AsyncIterable<ImportBatch<Line>>;
  /** When the batches have ended. */
  totals(): ImportTotals;
}

/** Lines of a bill. The mapping is one that `checkTableMapping` finds good, with `rows: "bill"`. */
export function importBill(mapping: TableMapping, content: AsyncIterable<Uint8Array>): ImportReading<BillLine> {
  return importTable(mapping, content, toBillLine);
}

/** Lines of a bank's statement. The mapping has `rows: "bank"`. */
export function importBank(mapping: TableMapping, content: AsyncIterable<Uint8Array>): ImportReading<BankLine> {
  return importTable(mapping, content, toBankLine);
}

/** What every line has. */
interface Movement {
  readonly line_no: number;
  readonly at_ms: number;
  readonly amount: bigint;
  readonly currency: string;
  readonly balance: bigint | null;
}

/** The texts of a row, by fields. */
interface Fields {
  text(field: MappedField): string;
  number(field: MappedField): string | null;
  money(field: MappedField, currency: string): bigint;
}

type ToLine<Line> = (mapping: TableMapping, fields: Fields, movement: Movement) => Line;

function importTable<Line>(
  mapping: TableMapping,
  content: AsyncIterable<Uint8Array>,
  toLine: ToLine<Line>,
): ImportReading<Line> {
  const tally = createImportTally();
  let done = false;
  async function* run(): AsyncGenerator<ImportBatch<Line>> {
    try {
      const table = await openTable(content, mapping);
      const reader = createRowReader(mapping, table, toLine, tally);
      for await (const rows of table.rows) {
        const batch = reader.read(rows);
        if (batch.lines.length + batch.rejected.length > 0) yield batch;
      }
      reader.end();
      done = true;
    } catch (error) {
      throw error instanceof TableUnreadable ? new BillRefused("unknown_format", error.message) : error;
    }
  }
  return {
    batches: run(),
    totals() {
      if (!done) throw new Error("a table has totals when all of it was read");
      return tally.totals();
    },
  };
}

interface RowReader<Line> {
  read(rows: readonly ReadRow[]): { lines: Line[]; rejected: RejectedLine[] };
  end(): void;
}

function createRowReader<Line>(
  mapping: TableMapping,
  table: ReadTable,
  toLine: ToLine<Line>,
  tally: ImportTally,
): RowReader<Line> {
  const readTime = createTimeReader(
    mapping.date_format,
    mapping.time_zone,
    table.kind === "xlsx" ? { from_1904: table.from_1904 } : undefined,
  );
  const skip = mapping.skip_rows_beginning ?? [];
  let columns: ReadonlyMap<MappedField, readonly number[]> | undefined;
  function readRow({ row_no, cells }: ReadRow): Line {
    const fields = createFields(mapping, table, columns!, cells);
    const at_ms = readTime(fields.text("time"));
    if (at_ms === undefined)
      throw new LineRejected(`The time is "${clip(fields.text("time"))}", which is not ${mapping.date_format}.`);
    const currency = mapping.currency ?? fields.text("currency").toUpperCase();
    if (!isCurrency(currency)) throw new LineRejected(`The currency is "${clip(currency)}", which is not known.`);
    const balance = fields.text("balance") === "" ? null : fields.money("balance", currency);
    const movement = { line_no: row_no, at_ms, amount: amountOf(mapping, fields, currency), currency, balance };
    const line = toLine(mapping, fields, movement);
    tally.add(movement);
    return line;
  }
  return {
    read(rows) {
      const batch: { lines: Line[]; rejected: RejectedLine[] } = { lines: [], rejected: [] };
      for (const row of rows) {
        if (columns === undefined) {
          columns = findHeader(mapping, row);
        } else if (isEmpty(row) || skip.some((text) => row.cells[0]?.trim().startsWith(text))) {
          tally.skip();
        } else {
          try {
            batch.lines.push(readRow(row));
          } catch (error) {
            if (!(error instanceof LineRejected)) throw error;
            batch.rejected.push({ line_no: row.row_no, reason: error.message, text: excerptOf(row) });
            tally.reject();
          }
        }
      }
      return batch;
    },
    end() {
      if (columns === undefined) throw new BillRefused("columns_missing", "The file ends before its row of headings.");
    },
  };
}

const isEmpty = ({ cells }: ReadRow): boolean => cells.every((cell) => cell.trim() === "");
const excerptOf = ({ cells }: ReadRow): string => cells.join(" | ").replace(/\p{C}/gu, " ").slice(0, 300);

/** The columns of each field once the row of headings has come; undefined before. Throws BillRefused for what is missing. */
function findHeader(
  { header_row = 1, fields }: TableMapping,
  { row_no, cells }: ReadRow,
): ReadonlyMap<MappedField, readonly number[]> | undefined {
  if (row_no < header_row) return undefined;
  const headings = cells.map((cell) => cell.trim());
  const missing: string[] = [];
  const columns = new Map<MappedField, number[]>();
  for (const [field, column] of Object.entries(fields) as [MappedField, string | string[]][]) {
    const names = typeof column === "string" ? [column] : column;
    missing.push(...names.filter((heading) => !headings.includes(heading)));
    columns.set(
      field,
      names.map((heading) => headings.indexOf(heading)),
    );
  }
  if (missing.length > 0)
    throw new BillRefused("columns_missing", `Row ${row_no} has no column ${[...new Set(missing)].join(", ")}.`);
  return columns;
}

function createFields(
  mapping: TableMapping,
  { kind }: ReadTable,
  columns: ReadonlyMap<MappedField, readonly number[]>,
  cells: readonly string[],
): Fields {
  // A backtick or a tab is how some keep spreadsheets from reading numbers.
  const text = (field: MappedField) =>
    (columns.get(field) ?? [])
      .map((at) => (cells[at] ?? "").trim().replace(/^`/, ""))
      .join(" ")
      .trim();
  const form = {
    point: mapping.decimal_point ?? ".",
    minor_units: mapping.minor_units ?? false,
    workbook: kind === "xlsx",
  };
  return {
    text,
    number: (field) => {
      const value = text(field);
      if (/\p{C}/u.test(value)) throw new LineRejected(`${field} has control characters.`);
      return readNumber(value, field);
    },
    money(field, currency) {
      const value = text(field);
      const amount = value === "" || value === "-" ? 0n : readAmount(value, currency, form);
      if (amount === undefined)
        throw new LineRejected(`${field} is "${clip(value)}", which is no amount of ${currency}.`);
      return amount;
    },
  };
}

/** Signed: in is above zero. */
function amountOf(mapping: TableMapping, fields: Fields, currency: string): bigint {
  const { direction, negate } = mapping;
  if (mapping.fields.amount === undefined) {
    const [income, expense] = [fields.money("income", currency), fields.money("expense", currency)];
    if (income !== 0n && expense !== 0n) throw new LineRejected("The row has both income and expense.");
    return income - (expense < 0n ? -expense : expense);
  }
  if (fields.text("amount") === "") throw new LineRejected("The row has no amount.");
  const amount = fields.money("amount", currency);
  if (direction === undefined) return negate ? -amount : amount;
  const word = fields.text("direction");
  const size = amount < 0n ? -amount : amount;
  if (direction.in.includes(word)) return size;
  if (direction.out.includes(word)) return -size;
  throw new LineRejected(`direction is "${clip(word)}", which the mapping takes for neither in nor out.`);
}

const lookUp = <Value>(table: Readonly<Record<string, Value>> | undefined, word: string): Value | undefined =>
  table !== undefined && Object.hasOwn(table, word) ? table[word] : undefined;

function toBillLine(mapping: TableMapping, fields: Fields, { line_no, at_ms, ...moved }: Movement): BillLine {
  const { amount, currency, balance } = moved;
  const entry = lookUp(mapping.entries, fields.text("entry")) ?? mapping.default_entry ?? "other";
  return {
    line_no,
    entry,
    our_no: fields.number("our_no"),
    original_our_no: fields.number("original_our_no"),
    channel_trade_no: fields.number("channel_trade_no"),
    channel_refund_no: fields.number("channel_refund_no"),
    merchant_no: fields.number("merchant_no"),
    amount,
    fee: fields.money("fee", currency),
    currency,
    status: lookUp(mapping.statuses, fields.text("status")) ?? mapping.default_status ?? "succeeded",
    occurred_at: at_ms,
    balance_after: balance,
    note: readNote(fields.text("note") || (entry === "other" ? fields.text("entry") : "")),
  };
}

function toBankLine(
  _: TableMapping,
  fields: Fields,
  { line_no, at_ms, amount, currency, balance }: Movement,
): BankLine {
  return {
    line_no,
    booked_at: at_ms,
    amount,
    currency,
    bank_no: fields.number("bank_no"),
    counterparty_name: readNote(fields.text("counterparty_name")),
    counterparty_account: readNote(fields.text("counterparty_account")),
    reference: readNote([fields.text("reference"), fields.text("note")].join(" ")),
    balance_after: balance,
  };
}

interface ImportTally {
  add(movement: Movement): void;
  reject(): void;
  skip(): void;
  totals(): ImportTotals;
}

function createImportTally(): ImportTally {
  const sums = new Map<string, { currency: string; count: number; income: bigint; expense: bigint }>();
  let [lines, rejected, skipped, balances] = [0, 0, 0, 0];
  /** Breaks when the oldest is first, and when the newest is. */
  let [rising, falling] = [0, 0];
  let before: Movement | undefined;
  return {
    add(movement) {
      const { currency, amount, balance } = movement;
      lines += 1;
      const sum = sums.get(currency) ?? { currency, count: 0, income: 0n, expense: 0n };
      sums.set(currency, sum);
      sum.count += 1;
      if (amount > 0n) sum.income += amount;
      else sum.expense -= amount;
      if (balance === null) return;
      balances += 1;
      if (before?.balance !== undefined && before.balance !== null) {
        if (before.balance + amount !== balance) rising += 1;
        if (balance + before.amount !== before.balance) falling += 1;
      }
      before = movement;
    },
    reject() {
      rejected += 1;
    },
    skip() {
      skipped += 1;
    },
    totals: () => ({
      ...{ lines, rejected, skipped, sums: [...sums.values()] },
      balance_breaks: balances === 0 ? null : Math.min(rising, falling),
    }),
  };
}
