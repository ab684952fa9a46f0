/** Tables as CSV (RFC 4180) that spreadsheet programs open as it is meant. */
import { toDecimal } from "../money.ts";
import type { Cell, Table } from "./table.ts";

/** By this Excel knows UTF-8. */
const BYTE_ORDER_MARK = "\ufeff";

/** What makes spreadsheet programs take a text for a formula; the wide signs do where East Asian text is usual. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
/** What they take for a number, a time or a date, and show as another one. */
const NUMBER_LIKE = /^(?=.*\d)(?:[\d\s.,:/+%-]|e|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)+$/i;
const NEEDS_QUOTES = /[",\r\n]/;

/** The file, a chunk for each page of rows. Each line ends with CR LF, the last one too. */
export async function* writeCsv({ columns, pages }: Table): AsyncGenerator<Buffer> {
  yield Buffer.from(BYTE_ORDER_MARK + toLine(columns.map(({ heading }) => heading)));
  for await (const page of pages) yield Buffer.from(page.map(toLine).join(""));
}

function toLine(cells: readonly Cell[]): string {
  return `${cells.map(toField).join(",")}\r\n`;
}

function toField(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  if (typeof cell === "string") return quote(disarm(cell));
  return "amount" in cell ? toDecimal(cell) : cell.local;
}

/** An apostrophe before a formula, a tab after what looks like a number: both make the cell a text. */
function disarm(text: string): string {
  if (FORMULA.test(text)) return `'${text}`;
  return NUMBER_LIKE.test(text) ? `${text}\t` : text;
}

function quote(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
