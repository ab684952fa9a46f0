/**
 * Tables that somebody else made, CSV or XLSX, as rows of texts: by what the first bytes say, bounded in every direction. What
 * is in a cell is data, whatever it begins with; formulas of a workbook give the value that was stored with them.
 */
import { isUtf8 } from "node:buffer";
import { readCsv } from "./read-csv.ts";
import { type ReadRow, TableUnreadable } from "./read-row.ts";
import { readXlsx } from "./read-xlsx.ts";

export { type ReadRow, TableUnreadable } from "./read-row.ts";

export interface ReadTable {
  readonly kind: "csv" | "xlsx";
  /** Of a workbook: whether its days are counted from 1904, as old ones of the Macintosh are. */
  readonly from_1904: boolean;
  /** In batches, in the file's order. Throws TableUnreadable. */
  readonly rows: AsyncIterable<readonly ReadRow[]>;
}

export interface ReadTableOptions {
  readonly encoding?: "utf-8" | "gb18030" | undefined;
  /** Of CSV; a comma unless given. */
  readonly delimiter?: string | undefined;
  /** Of a workbook; its first sheet unless given. */
  readonly sheet?: string | undefined;
}

const HEAD_BYTES = 65_536;

/** Throws TableUnreadable for what is neither. */
export async function openTable(content: AsyncIterable<Uint8Array>, options: ReadTableOptions): Promise<ReadTable> {
  const iterator = content[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let ended = false;
  while (head.length < HEAD_BYTES && !ended) {
    const { done, value } = await iterator.next();
    if (done) ended = true;
    else head = Buffer.concat([head, value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    if (head.length > 0) yield head;
    while (!ended) {
      const { done, value } = await iterator.next();
      if (done) return;
      yield Buffer.from(value);
    }
  }
  if (head.length === 0) throw new TableUnreadable("The file is empty.");
  if (head.length >= 4 && head.readUInt32BE(0) === 0x504b0304) return readXlsx(all(), options.sheet);
  if (head.length >= 4 && head.readUInt32BE(0) === 0xd0cf11e0)
    throw new TableUnreadable("The file is a workbook of the old kind (.xls): save it as .xlsx or CSV.");
  const encoding = options.encoding ?? guessEncoding(head);
  return { kind: "csv", from_1904: false, rows: readCsv(all(), encoding, options.delimiter ?? ",") };
}

/** A character may be cut at the end of what is looked at. */
function guessEncoding(head: Buffer): "utf-8" | "gb18030" {
  const end = head.length < HEAD_BYTES ? head.length : head.lastIndexOf(0x0a) + 1;
  return isUtf8(head.subarray(0, end)) ? "utf-8" : "gb18030";
}
