/**
 * What a balance transaction is. As a trade bill: charges and refunds in the currency that the payer paid in, with our numbers,
 * which are in the metadata of what the transaction is about. As a fund flow: all of them in the currency of the balance, the
 * fee within the line. https://docs.stripe.com/reports/balance-transaction-types
 */
import { createJsonFormat, noteIn, numberIn, objectIn, type ReadTransaction } from "../bill-json.ts";
import { LineRejected } from "../bill-refused.ts";
import type { BillEntry, BillFormat, BillLine } from "../contract.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { fromStripeAmount } from "./currencies.ts";

export const STRIPE_FORMAT = "stripe.balance_transactions";
const TITLE = "a bill of Stripe";

const entries: Readonly<Record<string, BillEntry>> = {
  charge: "payment",
  payment: "payment",
  refund: "refund",
  payment_refund: "refund",
  refund_failure: "refund",
  payment_failure_refund: "refund",
  adjustment: "adjustment",
  payout: "settlement",
  payout_cancel: "settlement",
  payout_failure: "settlement",
  topup: "settlement",
  topup_reversal: "settlement",
  transfer: "payout",
  transfer_cancel: "payout",
  transfer_failure: "payout",
  transfer_refund: "payout",
  stripe_fee: "fee",
  stripe_fx_fee: "fee",
  tax_fee: "fee",
  application_fee: "fee",
  application_fee_refund: "fee",
  network_cost: "fee",
  reserve_transaction: "adjustment",
  reserved_funds: "adjustment",
};
/** The money of a refund that failed later comes back. */
const failed: ReadonlySet<string> = new Set(["refund_failure", "payment_failure_refund"]);
const ofTrade: ReadonlySet<BillEntry> = new Set<BillEntry>(["payment", "refund", "dispute", "other"]);

/** A transaction in the currency of the balance. */
const readFund: ReadTransaction = (transaction, context) => {
  const { id, type, source: about, description } = transaction;
  const source = objectIn(transaction, "source");
  return {
    ...readLine(transaction, context),
    note: noteIn(type, source ? textOf(source, "id") : about, id, description),
  };
};

function readLine(
  transaction: JsonObject,
  { line_no, merchant_no }: { readonly line_no: number; readonly merchant_no: string | null },
): BillLine {
  const { object, id, type, created, amount, fee, currency } = transaction;
  if (object !== "balance_transaction" || typeof id !== "string" || typeof type !== "string")
    throw new LineRejected("The line is no balance transaction.");
  const moved = fromStripeAmount(amount, currency);
  const taken = fromStripeAmount(fee, currency);
  if (!moved || !taken) throw new LineRejected("The transaction has no amount and fee.");
  if (typeof created !== "number") throw new LineRejected("The transaction has no time.");
  const source = objectIn(transaction, "source");
  const entry = entryOf(type, source);
  return {
    line_no,
    entry,
    ...numbersOf(entry, source),
    merchant_no,
    amount: moved.amount,
    fee: taken.amount,
    currency: moved.currency,
    status: failed.has(type) ? "failed" : "succeeded",
    occurred_at: created * 1000,
    balance_after: null,
    note: null,
  };
}

function entryOf(type: string, source: JsonObject | undefined): BillEntry {
  if (type === "adjustment" && source?.object === "dispute") return "dispute";
  return Object.hasOwn(entries, type) ? entries[type]! : "other";
}

function numbersOf(entry: BillEntry, source: JsonObject | undefined) {
  const metadata = objectIn(source, "metadata");
  const serial_no = numberIn(metadata, "serial_no");
  const refund = entry === "refund";
  return {
    our_no: refund ? numberIn(metadata, "refund_no") : serial_no,
    original_our_no: refund ? serial_no : null,
    channel_trade_no: numberIn(source, "payment_intent"),
    channel_refund_no: refund ? numberIn(source, "id") : null,
  };
}

/** The same in the payer's currency. What was converted has its fee in the balance's currency, which cannot be stated beside it. */
const readTrade: ReadTransaction = (transaction, context): BillLine | undefined => {
  const line = readLine(transaction, context);
  if (!ofTrade.has(line.entry)) return undefined;
  const source = objectIn(transaction, "source");
  const asked = fromStripeAmount(source?.amount, source?.currency);
  if (!asked || asked.currency === line.currency)
    return line.entry === "payment" ? line : readFund(transaction, context);
  const signed = line.amount < 0n ? -asked.amount : asked.amount;
  const note = noteIn(`converted: ${line.amount} ${line.currency}, fee ${line.fee}`, transaction.id);
  return { ...line, amount: signed, fee: 0n, currency: asked.currency, note };
};

export const tradeFormat: BillFormat = createJsonFormat(STRIPE_FORMAT, TITLE, readTrade);
export const fundFormat: BillFormat = createJsonFormat(STRIPE_FORMAT, TITLE, readFund);
