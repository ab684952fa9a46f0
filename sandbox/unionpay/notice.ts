/** UnionPay's back notices: an urlencoded form, signed like an answer, on success only. */
import type { Sandbox } from "../context.ts";
import { formatCompact } from "../kit/clock.ts";
import { spoilSignature } from "../kit/crypto.ts";
import { type Notice, type Parcel, rewriteForm } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import { type Message, signMessage } from "./answer.ts";
import type { UnionpayRefund, UnionpayTrade } from "./state.ts";

/** Seconds between the five tries: 0, 1, 2 and 4 minutes. */
export const unionpay_schedule_s = [0, 60, 120, 240];
const reply_limit_ms = 10_000;

/** The facts of a payment or a refund that has gone through, as notices and queries state them. */
export function describeFacts(trade: UnionpayTrade, refund?: UnionpayRefund): Message {
  const order = refund ?? trade;
  const amount = String(refund?.amount ?? trade.total);
  const at = formatCompact((refund ? refund.done_at_ms : trade.paid_at_ms) ?? trade.created_at_ms);
  const paid = trade.query_id ?? "";
  return {
    txnType: order.txn_type,
    txnSubType: order.txn_sub_type,
    bizType: order.biz_type,
    accessType: "0",
    merId: trade.mer_id,
    orderId: refund?.order_id ?? trade.out_trade_no,
    txnTime: order.txn_time,
    txnAmt: amount,
    currencyCode: "156",
    queryId: order.query_id ?? "",
    ...(refund === undefined ? {} : { origQryId: paid }),
    traceNo: (order.query_id ?? "").slice(-6),
    traceTime: at.slice(4),
    settleAmt: amount,
    settleCurrencyCode: "156",
    settleDate: at.slice(4, 8),
    accNo: trade.payer ?? "",
    payType: "0001",
  };
}

function distortFacts(facts: Message, mutation: FaultName | undefined): Message {
  if (mutation === "notice_wrong_merchant") return { ...facts, merId: "777290058110000" };
  if (mutation === "notice_wrong_amount") return { ...facts, txnAmt: String(BigInt(facts.txnAmt ?? "0") + 1n) };
  return facts;
}

async function compose(sandbox: Sandbox, mer_id: string, notice: Notice, mutation: FaultName | undefined) {
  const member = sandbox.unionpay.members.get(mer_id);
  if (member === undefined) throw new Error(`Merchant ${mer_id} is gone.`);
  const facts = distortFacts(notice.facts, mutation);
  const envelope = { version: "5.1.0", encoding: "UTF-8", respCode: "00", respMsg: "成功[0000000]" };
  const signed = await signMessage(member, { ...envelope, ...facts });
  if (mutation === "notice_bad_signature") signed.signature = spoilSignature(signed.signature ?? "");
  if (mutation === "notice_tampered") signed.txnAmt = `1${signed.txnAmt}`;
  return {
    headers: { "Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "User-Agent": "Java/1.8.0" },
    body: mutation === "notice_rewritten" ? rewriteForm(signed) : new URLSearchParams(signed).toString(),
  };
}

/** Wraps a trade's notice for the post office. */
export function makeParcel(sandbox: Sandbox, trade: UnionpayTrade, notice: Notice): Parcel {
  const refund = trade.refunds.find(({ order_id }) => order_id === notice.refund_no);
  const url = refund?.notify_url ?? trade.notify_url;
  return {
    channel: "unionpay",
    merchant: trade.mer_id,
    trade: trade.out_trade_no,
    notice,
    schedule_s: unionpay_schedule_s,
    reply_limit_ms,
    compose: async (mutation) => ({ url, ...(await compose(sandbox, trade.mer_id, notice, mutation)) }),
    accepts: (status) => status === 200,
  };
}

/** Writes a notice on the trade (of a payment, or of a refund) and sends it, unless `withheld`. */
export function announce(sandbox: Sandbox, trade: UnionpayTrade, refund?: UnionpayRefund, withheld = false): void {
  const notice: Notice = {
    id: sandbox.random.hex(32),
    event: refund === undefined ? "payment" : "refund",
    facts: describeFacts(trade, refund),
    created_at_ms: sandbox.clock.now(),
    attempts: 0,
    status: withheld ? "withheld" : "pending",
    ...(refund === undefined ? {} : { refund_no: refund.order_id }),
  };
  trade.notices.push(notice);
  if (!withheld) setImmediate(() => sandbox.deliveries.send(makeParcel(sandbox, trade, notice)));
}

/** What the payer's browser posts to `frontUrl` when the payer goes back to the merchant. */
export async function makeFrontReturn(sandbox: Sandbox, trade: UnionpayTrade): Promise<Message | undefined> {
  const member = sandbox.unionpay.members.get(trade.mer_id);
  if (member === undefined || trade.paid_at_ms === undefined) return undefined;
  const envelope = { version: "5.1.0", encoding: "UTF-8", respCode: "00", respMsg: "成功[0000000]" };
  return signMessage(member, { ...envelope, ...describeFacts(trade) });
}
