/**
 * The lines of UnionPay's files: ZM, what went through on a clearing day, and ZME, what was disputed or corrected. Fixed widths
 * in bytes of GB 18030, one blank between two columns; money is whole fen, behind C to the merchant or behind D from it.
 * 中国银联商户文件接口规范. A time lacks its year, which the file's name has (INN, yyMMdd, 88ZM_).
 */
import { pair } from "../bill-cells.ts";
import { BillRefused, LineRejected } from "../bill-refused.ts";
import { clip, readNote, readNumber } from "../bill-table.ts";
import type { BillEntry, BillFileHead, BillFormat, BillLine, BillReadInput, LineReader } from "../contract.ts";

type Cut = readonly [start: number, end: number];

function cutsOf(widths: readonly number[]): Cut[] {
  let at = 0;
  return widths.map((width) => {
    const cut: Cut = [at, at + width];
    at += width + 1;
    return cut;
  });
}

const zm = cutsOf([
  ...[3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15],
  ...[32, 13, 13, 8, 32, 13, 13, 12, 2, 1, 32, 98],
]);
const zme = cutsOf([3, 11, 11, 6, 10, 19, 12, 4, 2, 2, 6, 10, 4, 12, 13, 13, 15, 15, 1, 12, 2, 135]);

/** Columns by their number in the documents, from 1. */
const zmColumns = { time: 5, amount: 7, query_id: 10, our_no: 12, fee: 16, settled: 17, type: 20 } as const;
const zmOriginals = { query_id: 27, merchant: 28, our_no: 41 } as const;
const zmeColumns = { trace: 4, time: 5, amount: 7, origin_trace: 11, origin_time: 12, reason: 13 } as const;
const zmeMoney = { fee: 15, settled: 16, merchant: 18 } as const;

/** txnType: consumption, its undoing on the same day, refund. */
const entries: Readonly<Record<string, BillEntry>> = { "01": "payment", "31": "refund", "04": "refund" };

const DAY_MS = 86_400_000;

export const tradeFormat: BillFormat = {
  charsets: ["gb18030"],
  open(file, input) {
    const named = /^INN(\d{2})(\d{2})(\d{2})88(ZME?)_(\d{15})/.exec(file.name ?? "");
    const other = /88(ZM[A-Z]*)_/.exec(file.name ?? "")?.[1];
    // A merchant gets further files, such as sums, under names of the same form.
    if (!named && other !== undefined) return undefined;
    const date = named ? `20${named[1]}-${named[2]}-${named[3]}` : input.date;
    if (named && input.date !== undefined && input.date !== date)
      throw new BillRefused("other_day", `The file is of ${date}, not of ${input.date}.`);
    if (date === undefined)
      throw new BillRefused("unknown_format", "UnionPay's times lack their year: give the bill's date.");
    if (named) checkMerchant(named[5]!, input.merchant);
    return named?.[4] === "ZME"
      ? createReader(zme, "ZME", (text, line_no) => readError(file, input, date, text, line_no))
      : createReader(zm, "ZM", (text, line_no) => readTrade(file, input, date, text, line_no));
  },
};

/** The last column is a reserve, which may be cut or grow. */
function createReader(
  cuts: readonly Cut[],
  name: string,
  readRow: (text: string, line_no: number) => BillLine,
): LineReader {
  const length_min = cuts.at(-1)![0] - 1;
  let rows = 0;
  return {
    read(text, line_no, sink) {
      if (text.trim() === "") return;
      if (text.length < length_min) {
        const problem = `Line ${line_no} has ${text.length} bytes; a line of ${name} has ${length_min} at least`;
        if (rows === 0) throw new BillRefused("unknown_format", `${problem}: this is no bill of UnionPay.`);
        throw new BillRefused("truncated", `${problem}: the file was cut.`);
      }
      rows += 1;
      sink.line(readRow(text, line_no));
    },
    end: () => [],
  };
}

function readTrade(file: BillFileHead, input: BillReadInput, date: string, text: string, line_no: number): BillLine {
  const cell = (column: number) => cellOf(zm, text, column);
  const merchant_no = cell(zmOriginals.merchant);
  checkMerchant(merchant_no, input.merchant);
  const type = cell(zmColumns.type);
  const entry: BillEntry = Object.hasOwn(entries, type) ? entries[type]! : "other";
  const settled = readSigned(cell(zmColumns.settled), "settlement amount");
  const size = readFen(cell(zmColumns.amount), "amount");
  const out = entry === "refund" || (entry === "other" && settled < 0);
  return {
    line_no,
    entry,
    our_no: readNumber(cell(zmColumns.our_no), "orderId"),
    original_our_no: entry === "refund" ? readNumber(cell(zmOriginals.our_no), "the original orderId") : null,
    channel_trade_no: readNumber(cell(entry === "refund" ? zmOriginals.query_id : zmColumns.query_id), "queryId"),
    channel_refund_no: entry === "refund" ? readNumber(cell(zmColumns.query_id), "queryId") : null,
    merchant_no,
    amount: BigInt(out ? -size : size),
    fee: BigInt(-readSigned(cell(zmColumns.fee), "fee")),
    currency: "CNY",
    status: "succeeded",
    occurred_at: readTime(cell(zmColumns.time), date),
    balance_after: null,
    note: entry === "other" ? readNote(file.decode(`txnType ${type} ${cell(1)}`)) : null,
  };
}

/** A chargeback or a correction names what it is about by trace number and time only: a person looks it up. */
function readError(file: BillFileHead, input: BillReadInput, date: string, text: string, line_no: number): BillLine {
  const cell = (column: number) => cellOf(zme, text, column);
  const merchant_no = cell(zmeMoney.merchant);
  checkMerchant(merchant_no, input.merchant);
  const size = readFen(cell(zmeColumns.amount), "amount");
  const out = readSigned(cell(zmeMoney.settled), "settlement amount") < 0;
  const origin = `${cell(zmeColumns.origin_trace)} of ${cell(zmeColumns.origin_time)}`;
  return {
    line_no,
    entry: "dispute",
    our_no: null,
    original_our_no: null,
    channel_trade_no: null,
    channel_refund_no: null,
    merchant_no,
    amount: BigInt(out ? -size : size),
    fee: BigInt(-readSigned(cell(zmeMoney.fee), "fee")),
    currency: "CNY",
    status: "succeeded",
    occurred_at: readTime(cell(zmeColumns.time), date),
    balance_after: null,
    note: readNote(file.decode(`${cell(1)} ${cell(zmeColumns.reason)}: trace ${origin}`)),
  };
}

function cellOf(cuts: readonly Cut[], text: string, column: number): string {
  const [start, end] = cuts[column - 1]!;
  return text.slice(start, end).trim();
}

function checkMerchant(found: string, expected: string | undefined): void {
  if (expected === undefined || found === expected) return;
  throw new BillRefused("other_account", `The bill is of the merchant ${clip(found)}, not of ${expected}.`);
}

function readFen(text: string, what: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new LineRejected(`The ${what} is "${clip(text)}", not whole fen.`);
  return Number(text);
}

/** C is money to the merchant, D from it. */
function readSigned(text: string, what: string): number {
  const sign = text.charCodeAt(0);
  const size = text === "" ? 0 : sign === 0x43 || sign === 0x44 ? readFen(text.slice(1), what) : readFen(text, what);
  return sign === 0x44 && size !== 0 ? -size : size;
}

/** MMddHHmmss of Beijing, in the year in which it lies within half a year of the bill's day. */
function readTime(text: string, date: string): number {
  const [month, day] = [pair(text, 0, 13), pair(text, 2, 32)];
  const within = 3_600_000 * pair(text, 4, 24) + 60_000 * pair(text, 6, 60) + 1_000 * pair(text, 8, 60);
  const noon = Date.parse(`${date}T04:00:00Z`);
  const year = Number(date.slice(0, 4));
  if (text.length !== 10 || Number.isNaN(within) || !(month > 0) || !(day > 0))
    throw new LineRejected(`The time is "${clip(text)}", not MMddHHmmss.`);
  const inYear = (candidate: number) => Date.UTC(candidate, month - 1, day) - 8 * 3_600_000 + within;
  const candidates = [inYear(year - 1), inYear(year), inYear(year + 1)];
  const at_ms = candidates.find((candidate) => Math.abs(candidate - noon) < 183 * DAY_MS) ?? candidates[1]!;
  if (new Date(at_ms + 8 * 3_600_000).getUTCDate() !== day)
    throw new LineRejected(`The time is "${clip(text)}", which is no day.`);
  return at_ms;
}
