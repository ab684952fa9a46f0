/**
 * File transfer (76): the bill of a clearing day, base64 of a deflated zip of fixed-width GBK files. Of the ZM file the
 * columns that a merchant reads are true; others, such as the codes of institutions, are likenesses. The file of errors
 * (ZME) is there and empty.
 */
import { hash } from "node:crypto";
import { deflateSync } from "node:zlib";
import type { Sandbox } from "../context.ts";
import { type BillLine, feeOf } from "../kit/bills.ts";
import { formatCompact } from "../kit/clock.ts";
import { padGbk } from "../kit/gbk.ts";
import { writeZip } from "../kit/zip.ts";
import { type Message, refuse, requireField, type UnionpayCall } from "./answer.ts";
import { readTime } from "./order.ts";
import { settlementDay } from "./refund.ts";
import type { UnionpayMember, UnionpayRefund, UnionpayTrade } from "./state.ts";

/** Widths of the ZM file's columns in bytes; one blank between two. */
const zm_widths = [
  3, 11, 11, 6, 10, 19, 12, 4, 2, 21, 2, 32, 2, 6, 10, 13, 13, 4, 15, 2, 2, 6, 2, 4, 32, 1, 21, 15, 1, 15, 32, 13, 13,
  8, 32, 13, 13, 12, 2, 1, 32, 98,
];

const day_ms = 86_400_000;
/** A day's file is there from nine o'clock of the next day in Beijing, which is one o'clock UTC. */
const ready_ms = day_ms + 3_600_000;

type Line = BillLine & {
  txn_type: string;
  txn_sub_type: string;
  biz_type: string;
  query_id: string;
  card: string;
  original?: { number: string; query_id: string; at_ms: number };
};

/** The clearing day of a moment, `yyyy-MM-dd`. */
function clearingDate(ms: number): string {
  return new Date(settlementDay(ms) * day_ms).toISOString().slice(0, 10);
}

function lineOfPayment(trade: UnionpayTrade, paid_at_ms: number): Line {
  return {
    type: "payment",
    number: trade.out_trade_no,
    amount: trade.total,
    fee: feeOf(trade.total),
    txn_type: trade.txn_type,
    txn_sub_type: trade.txn_sub_type,
    biz_type: trade.biz_type,
    query_id: trade.query_id ?? "",
    at_ms: paid_at_ms,
    card: trade.payer ?? "",
  };
}

/** An undo gives the fee back; a refund does not. */
function lineOfRefund(trade: UnionpayTrade, refund: UnionpayRefund, done_at_ms: number): Line {
  return {
    type: "refund",
    number: refund.order_id,
    amount: refund.amount,
    fee: refund.txn_type === "31" ? feeOf(refund.amount) : 0n,
    txn_type: refund.txn_type,
    txn_sub_type: refund.txn_sub_type,
    biz_type: refund.biz_type,
    query_id: refund.query_id ?? "",
    at_ms: done_at_ms,
    card: trade.payer ?? "",
    original: { number: trade.out_trade_no, query_id: trade.query_id ?? "", at_ms: trade.paid_at_ms ?? done_at_ms },
  };
}

/** What went through on a clearing day, in its order. A reversed order was never charged. */
function collect(sandbox: Sandbox, mer_id: string, date: string): Line[] {
  const lines: Line[] = [];
  for (const trade of sandbox.unionpay.trades.values()) {
    if (trade.mer_id !== mer_id || trade.paid_at_ms === undefined || trade.state !== "SUCCESS") continue;
    if (clearingDate(trade.paid_at_ms) === date) lines.push(lineOfPayment(trade, trade.paid_at_ms));
    for (const refund of trade.refunds) {
      if (refund.done_at_ms !== undefined && clearingDate(refund.done_at_ms) === date)
        lines.push(lineOfRefund(trade, refund, refund.done_at_ms));
    }
  }
  return lines.sort((left, right) => left.at_ms - right.at_ms);
}

/** A payment that never was, at noon of its day. */
function invent(date: string, number: string, amount: bigint): Line {
  const at_ms = Date.parse(`${date}T12:00:00+08:00`);
  const digits = BigInt(`0x${hash("sha256", number).slice(0, 12)}`).toString();
  return {
    type: "payment",
    number,
    amount,
    fee: feeOf(amount),
    txn_type: "01",
    txn_sub_type: "07",
    biz_type: "000000",
    query_id: `${formatCompact(at_ms)}${digits.slice(-7).padStart(7, "0")}`,
    at_ms,
    card: "621700******0000",
  };
}

/** Whole fen behind C, for money to the merchant, or D, for money from it. */
function signed(amount: bigint): string {
  return `${amount < 0n ? "D" : "C"}${String(amount < 0n ? -amount : amount).padStart(12, "0")}`;
}

const transaction_codes: Readonly<Record<string, string>> = { "01": "S22", "04": "S24", "31": "S30" };

/** The columns that are not blank, by their number from 1. */
function columnsOf({ merchant }: UnionpayMember, line: Line): Record<number, string> {
  const credit = line.type === "payment";
  const fee = credit ? -line.fee : line.fee;
  const { original } = line;
  return {
    1: transaction_codes[line.txn_type] ?? "",
    2: "00049992",
    3: "00049992",
    4: line.query_id.slice(-6),
    5: formatCompact(line.at_ms).slice(4),
    6: line.card,
    7: String(line.amount).padStart(12, "0"),
    8: "5411",
    9: "08",
    10: line.query_id,
    12: line.number,
    13: "01",
    14: original?.query_id.slice(-6) ?? "",
    15: original ? formatCompact(original.at_ms).slice(4) : "",
    16: signed(fee),
    17: signed((credit ? line.amount : -line.amount) + fee),
    18: "0001",
    20: line.txn_type,
    21: line.txn_sub_type,
    22: line.biz_type,
    23: "01",
    27: original?.query_id ?? "",
    28: merchant.mer_id,
    31: merchant.name,
    33: signed((credit ? line.amount : -line.amount) + fee),
    41: original?.number ?? "",
  };
}

function writeRow(columns: Record<number, string>): Buffer {
  const cells = zm_widths.map((width, index) => padGbk(columns[index + 1] ?? "", width));
  return Buffer.concat(cells.flatMap((cell, index) => [cell, Buffer.from(index < cells.length - 1 ? " " : "\r\n")]));
}

/** The clearing day of a `settleDate` (MMDD), which lacks its year: the last one that has begun. */
function readDate(now_ms: number, month_day: string): string {
  const today = clearingDate(now_ms);
  const year = Number(today.slice(0, 4)) - (month_day > today.slice(5).replace("-", "") ? 1 : 0);
  const date = `${year}-${month_day.slice(0, 2)}-${month_day.slice(2)}`;
  return Number.isNaN(Date.parse(date)) ? refuse("10") : date;
}

/** Answers a day's file; code 98 when there is none: too early, or nothing went through. */
export function transferFile(sandbox: Sandbox, { member, request }: UnionpayCall): Message {
  const { mer_id } = member.merchant;
  requireField(request, "fileType", /^00$/);
  requireField(request, "bizType", /^000000$/);
  readTime(request, "txnTime");
  const settleDate = requireField(request, "settleDate", /^\d{4}$/);
  const now_ms = sandbox.clock.now();
  const date = readDate(now_ms, settleDate);
  const name = { channel: "unionpay", merchant: mer_id, date } as const;
  if (!sandbox.bills.isPublished(name, now_ms, Date.parse(date) + ready_ms)) refuse("98");
  const lines = sandbox.bills.bend<Line>(name, {
    collect: (day) => collect(sandbox, mer_id, day),
    endOf: (day) => Date.parse(`${day}T23:00:00+08:00`),
    invent: (number, amount) => invent(date, number, amount),
  });
  if (lines.length === 0) refuse("98");
  const prefix = `INN${date.slice(2).replaceAll("-", "")}88`;
  const rows = Buffer.concat(lines.map((line) => writeRow(columnsOf(member, line))));
  const files = [
    { name: `${prefix}ZM_${mer_id}`, content: sandbox.bills.faultsOf(name).spoil(rows) },
    { name: `${prefix}ZME_${mer_id}`, content: Buffer.alloc(0) },
  ];
  const zip = writeZip(files, formatCompact(Date.parse(date) + ready_ms));
  return {
    settleDate,
    fileType: "00",
    fileName: `${mer_id}_${date.replaceAll("-", "")}.zip`,
    fileContent: deflateSync(zip).toString("base64"),
  };
}
