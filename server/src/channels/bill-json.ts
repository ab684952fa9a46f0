/**
 * Bills of channels that give pages of JSON and no file: the file that we make of them has a line of its own at its beginning,
 * which says whose and of when it is, then what the channel stated, a transaction a line, and at its end how many there are.
 */
import { BillRefused, LineRejected } from "./bill-refused.ts";
import { readNote, readNumber, statedCount } from "./bill-table.ts";
import type { BillFileHead, BillFormat, BillLine, BillReadInput, LineReader } from "./contract.ts";
import { asObject, type JsonObject, parseJsonObject } from "./wire-json.ts";

/** What the first line says. */
export interface JsonBillHead {
  /** Such as `stripe.balance_transactions`. */
  readonly format: string;
  readonly date: string;
  /** The account's own number at the channel, where it is configured. */
  readonly merchant: string | undefined;
}

export const JSON_BILL_VERSION = 1;

/** The first line. */
export function writeJsonHead({ format, date, merchant }: JsonBillHead): string {
  return `${JSON.stringify({ format, version: JSON_BILL_VERSION, date, merchant: merchant ?? null })}\n`;
}

/** A transaction. */
export function writeJsonLine(transaction: unknown): string {
  return `${JSON.stringify(transaction)}\n`;
}

/** The last line. */
export function writeJsonEnd(transactions: number): string {
  return `${JSON.stringify({ end: true, transactions })}\n`;
}

/** The line that a transaction is; undefined for one that is no part of this kind of bill. Throws LineRejected. */
export type ReadTransaction = (
  transaction: JsonObject,
  context: { readonly line_no: number; readonly merchant_no: string | null },
) => BillLine | undefined;

/** @param title for sentences, such as "a bill of Stripe". */
export function createJsonFormat(format: string, title: string, readTransaction: ReadTransaction): BillFormat {
  return {
    charsets: ["utf-8"],
    open: (file, input) => createReader(file, input, { format, title, readTransaction }),
  };
}

interface Given {
  readonly format: string;
  readonly title: string;
  readonly readTransaction: ReadTransaction;
}

function createReader(file: BillFileHead, input: BillReadInput, { format, title, readTransaction }: Given): LineReader {
  let merchant_no: string | null | undefined;
  let transactions = 0;
  let stated: number | undefined;
  return {
    read(text, line_no, sink) {
      if (text === "" || text.trim() === "") return;
      const object = parseJsonObject(file.decode(text));
      if (merchant_no === undefined) {
        merchant_no = readHead(object, input, format, title);
        return;
      }
      if (object?.format !== undefined && object.version !== undefined)
        throw new BillRefused("doubled", `Line ${line_no} begins a second bill: the file is doubled.`);
      if (stated !== undefined)
        throw new BillRefused("doubled", `Line ${line_no} comes after the end: the file is more than one bill.`);
      if (object?.end === true) {
        stated = typeof object.transactions === "number" ? object.transactions : Number.NaN;
        return;
      }
      transactions += 1;
      if (!object) throw new LineRejected("The line is no JSON object.");
      const line = readTransaction(object, { line_no, merchant_no });
      if (line) sink.line(line);
    },
    end() {
      if (merchant_no === undefined)
        throw new BillRefused("columns_missing", `The file has no first line of ${title}.`);
      if (stated === undefined) throw new BillRefused("truncated", "The file ends before its last line: it was cut.");
      return [statedCount("transactions", String(stated), transactions)];
    },
  };
}

function readHead(head: JsonObject | undefined, input: BillReadInput, format: string, title: string): string | null {
  if (head?.format !== format)
    throw new BillRefused("columns_missing", `The first line does not say ${format}: this is not ${title}.`);
  if (head.version !== JSON_BILL_VERSION)
    throw new BillRefused("unknown_format", `The file is of version ${String(head.version)}, which is not known.`);
  if (input.date !== undefined && head.date !== input.date)
    throw new BillRefused("other_day", `The bill is of ${String(head.date)}, not of ${input.date}.`);
  const merchant = typeof head.merchant === "string" ? head.merchant : null;
  if (input.merchant !== undefined && merchant !== null && merchant !== input.merchant)
    throw new BillRefused("other_account", `The bill is of ${merchant}, not of ${input.merchant}.`);
  return merchant;
}

/** A number of an order in a field, as `readNumber`: without control characters, which JSON can hide. */
export function numberIn(object: JsonObject | undefined, field: string): string | null {
  const value = object?.[field];
  if (typeof value !== "string") return null;
  if (!/^[ -~]*$/.test(value) && /\p{C}/u.test(value)) throw new LineRejected(`${field} has control characters.`);
  return readNumber(value, field);
}

/** A text in a field, bounded. */
export function noteIn(...texts: readonly unknown[]): string | null {
  return readNote(texts.filter((text) => typeof text === "string" && text !== "").join(" "));
}

/** The object in a field. */
export function objectIn(object: JsonObject | undefined, field: string): JsonObject | undefined {
  return asObject(object?.[field]);
}
