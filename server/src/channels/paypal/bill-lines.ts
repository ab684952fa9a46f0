/**
 * What a transaction of PayPal's is, by its event code: the first three characters are the group.
 * https://developer.paypal.com/docs/transaction-search/transaction-event-codes/ . Fees are within the line, below zero where
 * PayPal took them.
 */
import { createJsonFormat, noteIn, numberIn, objectIn, type ReadTransaction } from "../bill-json.ts";
import { LineRejected } from "../bill-refused.ts";
import type { BillEntry, BillFormat, BillStatus } from "../contract.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { fromPaypalMoney } from "./amounts.ts";

export const PAYPAL_FORMAT = "paypal.transactions";
const TITLE = "a bill of PayPal";

/** By group; where a code of the group is another thing, by the code. */
const entries: Readonly<Record<string, BillEntry>> = {
  T00: "payment",
  T0001: "payout",
  T01: "fee",
  T02: "adjustment",
  T03: "settlement",
  T04: "settlement",
  T11: "adjustment",
  T1106: "dispute",
  T1107: "refund",
  T12: "adjustment",
  T1201: "dispute",
  T1202: "dispute",
  T1207: "dispute",
  T15: "adjustment",
  T20: "settlement",
  T21: "adjustment",
};

/** S: done, and V: done, and reversed by another transaction later. */
const statuses: Readonly<Record<string, BillStatus>> = { S: "succeeded", V: "succeeded", P: "pending", D: "failed" };
const ofTrade: ReadonlySet<BillEntry> = new Set<BillEntry>(["payment", "refund", "dispute", "other"]);

const readFund: ReadTransaction = (info, { line_no, merchant_no }) => {
  const code = textOf(info, "transaction_event_code") ?? "";
  const money = moneyIn(info, "transaction_amount");
  if (!money) throw new LineRejected("The transaction has no amount.");
  const fee = moneyIn(info, "fee_amount");
  if (fee && fee.currency !== money.currency) throw new LineRejected("The fee is in another currency than the amount.");
  const occurred_at = timeIn(info, "transaction_initiation_date");
  const state = textOf(info, "transaction_status") ?? "";
  if (!Object.hasOwn(statuses, state))
    throw new LineRejected(`The transaction is in the state "${state.slice(0, 20)}".`);
  const entry = entryOf(code, money.amount);
  const balance = moneyIn(info, "ending_balance");
  const refund = entry === "refund";
  const transaction_id = numberIn(info, "transaction_id");
  // Of a refund the transaction that it is about: PayPal's number of the capture.
  const reference = info.paypal_reference_id_type === "TXN" ? numberIn(info, "paypal_reference_id") : null;
  return {
    line_no,
    entry,
    our_no: numberIn(info, "invoice_id"),
    original_our_no: null,
    channel_trade_no: refund || entry === "dispute" ? reference : transaction_id,
    channel_refund_no: refund ? transaction_id : null,
    merchant_no,
    amount: money.amount,
    fee: fee ? -fee.amount : 0n,
    currency: money.currency,
    status: statuses[state]!,
    occurred_at,
    balance_after: balance?.currency === money.currency ? balance.amount : null,
    note: noteIn(code, state === "S" ? "" : state, info.transaction_subject),
  };
};

function entryOf(code: string, amount: bigint): BillEntry {
  const known = [code, code.slice(0, 3)].find((key) => Object.hasOwn(entries, key));
  const entry = known === undefined ? "other" : entries[known]!;
  // What is paid to others is no payment to us, and a refund that was taken back is none.
  if (entry === "payment" && amount < 0n) return "payout";
  return entry === "refund" && amount > 0n ? "adjustment" : entry;
}

function moneyIn(info: JsonObject, field: string) {
  const money = objectIn(info, field);
  if (!money) return undefined;
  const { currency_code: currencyCode, value } = money;
  return typeof currencyCode === "string" && typeof value === "string"
    ? fromPaypalMoney({ currencyCode, value })
    : undefined;
}

/** `2026-11-20T04:00:00+0000`, which is RFC 3339 but for a colon. */
function timeIn(info: JsonObject, field: string): number {
  const at_ms = Date.parse(textOf(info, field)?.replace(/([+-]\d{2})(\d{2})$/, "$1:$2") ?? "");
  if (Number.isNaN(at_ms)) throw new LineRejected(`${field} is no time.`);
  return at_ms;
}

const readTrade: ReadTransaction = (info, context) => {
  const line = readFund(info, context);
  if (!line || !ofTrade.has(line.entry)) return undefined;
  return line.entry === "payment" && line.status === "succeeded" ? { ...line, balance_after: null, note: null } : line;
};

export const tradeFormat: BillFormat = createJsonFormat(PAYPAL_FORMAT, TITLE, readTrade);
export const fundFormat: BillFormat = createJsonFormat(PAYPAL_FORMAT, TITLE, readFund);
