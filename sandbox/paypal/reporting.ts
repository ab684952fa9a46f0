/**
 * GET /v1/reporting/transactions: what moved the balance of a merchant, three hours late, in pages, 31 days and 10,000
 * transactions at most. `last_refreshed_datetime` says how far it knows. Days of bills are days of UTC.
 */
import type { Sandbox } from "../context.ts";
import type { BillLine } from "../kit/bills.ts";
import type { Fields } from "../kit/input.ts";
import { type PaypalAnswer, type PaypalCall, PaypalError, refuseForm } from "./answer.ts";
import { feeOf, writeValue } from "./money.ts";
import type { PaypalMerchant, PaypalTrade } from "./state.ts";

type Line = BillLine & {
  code: "T0006" | "T1107";
  transaction_id: string;
  /** Of a refund: the capture that it is of. */
  reference_id?: string;
  custom_id?: string;
  subject: string;
};

const day_ms = 86_400_000;
const delay_ms = 3 * 3_600_000;
const span_ms_max = 31 * day_ms;
const results_max = 10_000;
const page_size_max = 500;

const text = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}+0000`;
const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** S: done, P: pending, D: denied. */
const codes = { COMPLETED: "S", PENDING: "P", DECLINED: "D", FAILED: "D" } as const;

function linesOf(trade: PaypalTrade): Line[] {
  const { capture, currency, total, subject } = trade;
  if (capture === undefined || capture.status === "DECLINED") return [];
  const custom = trade.custom_id === undefined ? {} : { custom_id: trade.custom_id };
  const payment: Line = {
    ...{
      type: "payment",
      code: "T0006",
      number: trade.invoice_id ?? "",
      transaction_id: capture.id,
      currency,
      subject,
    },
    ...{ amount: total, fee: feeOf(total, currency), at_ms: capture.created_at_ms, status: codes[capture.status] },
    ...custom,
  };
  const refunds = trade.refunds.map(
    (refund): Line => ({
      ...{
        type: "refund",
        code: "T1107",
        number: refund.invoice_id ?? "",
        transaction_id: refund.id,
        currency,
        subject,
      },
      ...{ amount: refund.amount, fee: 0n, at_ms: refund.created_at_ms, status: codes[refund.status] },
      ...{ reference_id: capture.id, ...custom },
    }),
  );
  return [payment, ...refunds];
}

/** A payment that never was, at noon of its day. */
function invent(date: string, number: string, amount: bigint): Line {
  const transaction_id = number.padStart(17, "0").slice(-17);
  return {
    ...{ type: "payment", code: "T0006", number, transaction_id, currency: "USD", subject: "Order", status: "S" },
    ...{ amount, fee: feeOf(amount, "USD"), at_ms: Date.parse(date) + day_ms / 2 },
  };
}

/** Fees are below zero where PayPal took them. */
function show(line: Line): Fields {
  const { currency = "USD", amount, fee, code } = line;
  const negative = (value: bigint) => {
    const written = writeValue(value, currency);
    return { ...written, value: `-${written.value}` };
  };
  return {
    transaction_info: {
      paypal_account_id: "K5F9SNSEJKAU8",
      transaction_id: line.transaction_id,
      ...(line.reference_id && { paypal_reference_id: line.reference_id, paypal_reference_id_type: "TXN" }),
      transaction_event_code: code,
      transaction_initiation_date: text(line.at_ms),
      transaction_updated_date: text(line.at_ms),
      transaction_amount: line.type === "payment" ? writeValue(amount, currency) : negative(amount),
      ...(fee !== 0n && { fee_amount: negative(fee) }),
      transaction_status: line.status,
      transaction_subject: line.subject,
      ...(line.number && { invoice_id: line.number }),
      ...(line.custom_id && { custom_field: line.custom_id }),
      protection_eligibility: "01",
    },
  };
}

/** How far the search knows: three hours ago, or the end of a day whose bill was asked for. */
function refreshedAt(sandbox: Sandbox, client_id: string, from_ms: number): number {
  const late_ms = sandbox.clock.now() - delay_ms;
  const date = dayOf(from_ms);
  const end_ms = Date.parse(date) + day_ms;
  const published = sandbox.bills.isPublished({ channel: "paypal", merchant: client_id, date }, late_ms, end_ms);
  return published ? Math.max(late_ms, end_ms) : Math.min(late_ms, end_ms - 1000);
}

function collect(sandbox: Sandbox, { client_id }: PaypalMerchant, from_ms: number, until_ms: number): Line[] {
  const own = [...sandbox.paypal.trades.values()].filter((trade) => trade.client_id === client_id).flatMap(linesOf);
  const lines: Line[] = [];
  for (let at_ms = Date.parse(dayOf(from_ms)); at_ms <= until_ms; at_ms += day_ms) {
    const name = { channel: "paypal", merchant: client_id, date: dayOf(at_ms) } as const;
    const bent = sandbox.bills.bend<Line>(name, {
      collect: (date) => own.filter((line) => dayOf(line.at_ms) === date),
      invent: (number, amount) => invent(name.date, number, amount),
      endOf: (date) => Date.parse(date) + day_ms,
    });
    // A late line is listed among those of the day on which it came, at the day's beginning.
    lines.push(
      ...bent.filter((line) => Math.max(line.at_ms, at_ms) >= from_ms && Math.max(line.at_ms, at_ms) <= until_ms),
    );
  }
  return lines;
}

function readTime(query: Record<string, string>, name: string): number {
  const given = query[name] ?? "";
  const ms = Date.parse(given);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:?\d{2})$/i.test(given) || Number.isNaN(ms))
    refuseForm("INVALID_REQUEST", `/${name}`);
  return ms;
}

function readCount(query: Record<string, string>, name: string, fallback: number, max: number): number {
  const given = query[name] === undefined ? fallback : Number(query[name]);
  if (!Number.isInteger(given) || given < 1 || given > max) refuseForm("INVALID_REQUEST", `/${name}`);
  return given;
}

export function searchTransactions(sandbox: Sandbox, { merchant, request }: PaypalCall): PaypalAnswer {
  const query = request.query as Record<string, string>;
  const [from_ms, until_ms] = [readTime(query, "start_date"), readTime(query, "end_date")];
  const page_size = readCount(query, "page_size", 100, page_size_max);
  const page = readCount(query, "page", 1, 2_147_483_647);
  if (until_ms < from_ms || until_ms - from_ms > span_ms_max) refuseForm("INVALID_REQUEST", "/end_date");
  const refreshed_ms = refreshedAt(sandbox, merchant.client_id, from_ms);
  const lines = collect(sandbox, merchant, from_ms, Math.min(until_ms, refreshed_ms));
  if (lines.length > results_max) throw new PaypalError({ status: 400, name: "RESULTSET_TOO_LARGE" });
  const body = {
    transaction_details: lines.slice((page - 1) * page_size, page * page_size).map(show),
    account_number: merchant.merchant_id,
    start_date: text(from_ms),
    end_date: text(Math.min(until_ms, refreshed_ms)),
    last_refreshed_datetime: text(refreshed_ms),
    page,
    total_items: lines.length,
    total_pages: Math.ceil(lines.length / page_size),
    links: [],
  };
  return { status: 200, body };
}
