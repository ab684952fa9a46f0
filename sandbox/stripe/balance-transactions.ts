/**
 * GET /v1/balance_transactions: the ledger of an account, newest first. Charges with Stripe's fee, refunds and their failures,
 * disputes with their fee. Stripe has no bills; days of bills are days of UTC, and bend what falls on them.
 */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import type { BillLine } from "../kit/bills.ts";
import type { Fields } from "../kit/input.ts";
import { integerOf, objectOf, refuseUnknown, type StripeCall, textOf, textsOf } from "./answer.ts";
import { showCharge, showDispute, showList, showRefund } from "./objects.ts";
import { readPage } from "./session.ts";
import type { StripeTrade } from "./state.ts";

type Line = BillLine & {
  id: string;
  kind: "charge" | "refund" | "refund_failure" | "adjustment";
  /** Of what the transaction is about, and that itself. */
  source_id: string;
  source: Fields;
  description: string | null;
};

const day_ms = 86_400_000;
/** 2.9 % and 30 of the smallest unit, halves rounded up. */
const feeOf = (amount: bigint) => (amount * 29n + 500n) / 1000n + 30n;
const dispute_fee = 1500n;

const idOf = (source_id: string, kind: string) => `txn_${hash("sha256", `${source_id}/${kind}`).slice(0, 24)}`;

/** All transactions of a trade. */
function linesOf(trade: StripeTrade): Line[] {
  const charge = showCharge(trade);
  if (charge === null || trade.paid_at_ms === undefined || trade.charge === undefined) return [];
  const currency = trade.currency.toUpperCase();
  const payment: Line = {
    ...{ type: "payment", kind: "charge", number: trade.payment_metadata.serial_no ?? trade.out_trade_no, currency },
    ...{
      amount: trade.total,
      fee: feeOf(trade.total),
      at_ms: trade.paid_at_ms,
      description: trade.description ?? null,
    },
    ...{ id: idOf(trade.charge, "charge"), source_id: trade.charge, source: charge },
  };
  const refunds = trade.refunds.flatMap((refund): Line[] => {
    const line: Line = {
      ...{ type: "refund", kind: "refund", number: refund.metadata.refund_no ?? refund.id, currency },
      ...{ amount: refund.amount, fee: 0n, at_ms: refund.created_at_ms, description: "REFUND FOR CHARGE" },
      ...{ id: idOf(refund.id, "refund"), source_id: refund.id, source: showRefund(trade, refund) },
    };
    if (refund.status !== "failed") return [line];
    return [line, { ...line, kind: "refund_failure", id: idOf(refund.id, "refund_failure") }];
  });
  const disputes = trade.disputes.map(
    (dispute): Line => ({
      ...{ type: "refund", kind: "adjustment", number: dispute.id, currency, amount: BigInt(dispute.amount) },
      ...{ fee: dispute_fee, at_ms: dispute.created_at_ms, description: "Chargeback withdrawal" },
      ...{ id: idOf(dispute.id, "adjustment"), source_id: dispute.id, source: showDispute(trade, dispute) },
    }),
  );
  return [payment, ...refunds, ...disputes];
}

/** A payment that never was, at noon of its day. */
function invent(date: string, number: string, amount: bigint): Line {
  const source_id = `ch_${hash("sha256", number).slice(0, 24)}`;
  const payment_intent = `pi_${hash("sha256", number).slice(0, 24)}`;
  const metadata = { serial_no: number };
  return {
    ...{ type: "payment", kind: "charge", number, amount, fee: feeOf(amount), currency: "USD" },
    ...{ at_ms: Date.parse(date) + day_ms / 2, id: idOf(source_id, "charge"), source_id, description: null },
    source: { id: source_id, object: "charge", amount, currency: "usd", payment_intent, metadata },
  };
}

/** The number of a line is in the metadata of its source, and so is its amount, in the payer's currency. */
function show(line: Line, expanded: boolean): Fields {
  const sign = line.kind === "charge" || line.kind === "refund_failure" ? 1n : -1n;
  const amount = sign * line.amount;
  const currency = (line.currency ?? "USD").toLowerCase();
  const field = line.type === "payment" ? "serial_no" : "refund_no";
  const metadata = line.kind === "adjustment" ? {} : { ...(line.source.metadata as object), [field]: line.number };
  const source = { ...line.source, amount: line.amount, currency, metadata };
  const reporting = { charge: "charge", refund: "refund", refund_failure: "refund_failure", adjustment: "dispute" };
  return {
    id: line.id,
    object: "balance_transaction",
    amount,
    available_on: Math.floor(line.at_ms / 1000) + 2 * 86_400,
    balance_type: "payments",
    created: Math.floor(line.at_ms / 1000),
    currency,
    description: line.description,
    exchange_rate: null,
    fee: line.fee,
    fee_details: line.fee === 0n ? [] : [{ amount: line.fee, currency, type: "stripe_fee", application: null }],
    net: amount - line.fee,
    reporting_category: reporting[line.kind],
    source: expanded ? source : line.source_id,
    status: "pending",
    type: line.kind,
  };
}

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/** The lines of an account in a span of time, day by day as their bills show them. */
function collect(sandbox: Sandbox, account_id: string, from_ms: number, until_ms: number): Line[] {
  const own = [...sandbox.stripe.trades.values()].filter((trade) => trade.account_id === account_id).flatMap(linesOf);
  const now_ms = sandbox.clock.now();
  const first = Math.max(from_ms, Math.min(now_ms, ...own.map(({ at_ms }) => at_ms)) - day_ms);
  const lines: Line[] = [];
  for (let at_ms = first; dayOf(at_ms) <= dayOf(Math.min(until_ms, now_ms + 3 * day_ms)); at_ms += day_ms) {
    const name = { channel: "stripe", merchant: account_id, date: dayOf(at_ms) } as const;
    lines.push(
      ...sandbox.bills.bend<Line>(name, {
        collect: (date) => own.filter((line) => dayOf(line.at_ms) === date),
        invent: (number, amount) => invent(name.date, number, amount),
        endOf: (date) => Date.parse(date) + day_ms,
      }),
    );
  }
  return lines;
}

export function listBalanceTransactions(sandbox: Sandbox, { account, parameters }: StripeCall): Fields {
  refuseUnknown(parameters, ["limit", "starting_after", "created", "type", "expand"]);
  const created = objectOf(parameters, "created") ?? {};
  refuseUnknown(created, ["gte", "gt", "lte", "lt"], "created");
  const bound = (name: string) => Number(integerOf(created, name, "created") ?? Number.NaN);
  const [gte, lt] = [bound("gte"), bound("lt")];
  const type = textOf(parameters, "type");
  const { limit, starting_after } = readPage(parameters);
  const expanded = textsOf(parameters, "expand").includes("data.source");
  const from_ms = Number.isNaN(gte) ? 0 : gte * 1000;
  const until_ms = Number.isNaN(lt) ? Number.MAX_SAFE_INTEGER : lt * 1000 - 1;
  // A late line is listed on the day on which it came, whenever it was made.
  const rows = collect(sandbox, account.account_id, from_ms, until_ms)
    .filter((line) => type === undefined || line.kind === type)
    .sort((a, b) => b.at_ms - a.at_ms)
    .map((line, index, all) => {
      // Of a line that is there twice the second has a number of its own, by which pages go on.
      const again = all.slice(0, index).filter(({ id }) => id === line.id).length;
      return { ...show(line, expanded), ...(again > 0 && { id: `${line.id}${again}` }) };
    });
  return showList("/v1/balance_transactions", rows, limit, starting_after);
}
