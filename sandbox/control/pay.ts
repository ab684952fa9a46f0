/** A payer's decision about a trade, made by a test or a click, and the outcome of a refund that is under way. */
import { makeParcel as alipayParcel } from "../alipay/notice.ts";
import { finishRefund as finishAlipayRefund } from "../alipay/refund.ts";
import { failTrade as failAlipay, payTrade as payAlipay } from "../alipay/trade.ts";
import type { Sandbox } from "../context.ts";
import type { Delivery, Notice, Parcel } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import { ControlError, type Fields } from "../kit/input.ts";
import { moveDispute as movePaypalDispute, openDispute as openPaypalDispute } from "../paypal/dispute.ts";
import { makeParcel as paypalParcel } from "../paypal/notice.ts";
import { approveTrade } from "../paypal/order.ts";
import { finishRefund as finishPaypalRefund } from "../paypal/refund.ts";
import type { PaypalTrade } from "../paypal/state.ts";
import { moveDispute, openDispute } from "../stripe/dispute.ts";
import { makeParcel as stripeParcel } from "../stripe/notice.ts";
import { declined_card, good_card, tryCard } from "../stripe/pay.ts";
import { finishRefund as finishStripeRefund } from "../stripe/refund.ts";
import { makeParcel as unionpayParcel } from "../unionpay/notice.ts";
import { failTrade as failUnionpay, payTrade as payUnionpay } from "../unionpay/order.ts";
import { finishRefund as finishUnionpayRefund } from "../unionpay/refund.ts";
import { makeParcel as wechatParcel } from "../wechat/notice.ts";
import { finishRefund as finishWechatRefund } from "../wechat/refund.ts";
import { failTrade as failWechat, payTrade as payWechat } from "../wechat/wallet.ts";
import { type Found, findTrade } from "./resolve.ts";

/** How a payer decides. */
export type Decision = { outcome: "success" | "fail"; payer: string | undefined; notify: boolean };

/** Carries out the decision; the notice leaves on its own. A failed payment leaves an order open, as channels do. */
export function decide(sandbox: Sandbox, found: Found, decision: Decision): Fields {
  const { outcome, payer, notify } = decision;
  if (found.channel === "paypal") {
    // The payer only approves. The capture finds out what the instrument is worth.
    approveTrade(sandbox, found.trade, { payer, notify, declining: outcome === "fail" });
    return { ...numbers(found), paid: found.trade.paid_at_ms !== undefined };
  }
  if (outcome === "fail") {
    if (found.channel === "wechat") failWechat(sandbox, found.trade);
    else if (found.channel === "unionpay") failUnionpay(sandbox, found.trade);
    else if (found.channel === "stripe") tryCard(sandbox, found.trade, { number: declined_card, payer, notify });
    else failAlipay(sandbox, found.trade);
    return { paid: false, channel: found.channel, out_trade_no: found.trade.out_trade_no };
  }
  if (found.channel === "wechat") payWechat(sandbox, found.trade, payer, notify);
  else if (found.channel === "unionpay") payUnionpay(sandbox, found.trade, payer, notify);
  else if (found.channel === "stripe") tryCard(sandbox, found.trade, { number: good_card, payer, notify });
  else payAlipay(sandbox, found.trade, payer, notify);
  return { paid: true, ...numbers(found) };
}

function numbers(found: Found): Fields {
  const { channel, trade } = found;
  const amount = Number(trade.total);
  const currency = "currency" in trade ? trade.currency.toUpperCase() : "CNY";
  return { channel, out_trade_no: trade.out_trade_no, ...ownNumbers(found), amount, currency };
}

function ownNumbers({ channel, trade }: Found): Fields {
  switch (channel) {
    case "wechat":
      return { merchant: trade.mchid, transaction_id: trade.transaction_id, payer: trade.payer };
    case "alipay":
      return { merchant: trade.app_id, transaction_id: trade.trade_no, payer: trade.buyer_id };
    case "unionpay":
      return { merchant: trade.mer_id, transaction_id: trade.query_id, payer: trade.payer };
    case "stripe":
      return { merchant: trade.account_id, transaction_id: trade.payment_intent, payer: trade.payer };
    case "paypal":
      return { merchant: trade.client_id, transaction_id: trade.capture_id, payer: trade.payer };
  }
}

/** Ends a refund: success, abnormal (WeChat only) or closed (for Alipay and UnionPay: failed). */
export function endRefund(sandbox: Sandbox, number: string, outcome: "success" | "abnormal" | "closed"): Fields {
  for (const { trade, refund } of sandbox.wechat.refunds.values()) {
    if (refund.out_refund_no !== number && refund.refund_id !== number) continue;
    const status = { success: "SUCCESS", abnormal: "ABNORMAL", closed: "CLOSED" } as const;
    if (!finishWechatRefund(sandbox, trade, refund, status[outcome])) {
      throw new ControlError(409, `Refund ${number} is ${refund.status} already.`);
    }
    return { channel: "wechat", refund: refund.out_refund_no, status: refund.status };
  }
  for (const trade of sandbox.alipay.trades.values()) {
    const refund = trade.refunds.find((item) => item.out_request_no === number);
    if (refund === undefined) continue;
    if (outcome === "abnormal")
      throw new ControlError(400, 'Alipay knows no abnormal refund: use "success" or "closed".');
    if (!finishAlipayRefund(sandbox, trade, refund, outcome === "success")) {
      throw new ControlError(409, `Refund ${number} is ${refund.status} already.`);
    }
    return { channel: "alipay", refund: refund.out_request_no, status: refund.status };
  }
  return (
    endStripeRefund(sandbox, number, outcome) ??
    endPaypalRefund(sandbox, number, outcome) ??
    endUnionpayRefund(sandbox, number, outcome)
  );
}

/** By Stripe's id, or by any value of the refund's metadata, where the merchant's number is. */
function endStripeRefund(
  sandbox: Sandbox,
  number: string,
  outcome: "success" | "abnormal" | "closed",
): Fields | undefined {
  for (const trade of sandbox.stripe.trades.values()) {
    const refund = trade.refunds.find(({ id, metadata }) => id === number || Object.values(metadata).includes(number));
    if (refund === undefined) continue;
    if (outcome === "abnormal")
      throw new ControlError(400, 'Stripe knows no abnormal refund: use "success" or "closed".');
    if (!finishStripeRefund(sandbox, trade, refund, outcome === "success")) {
      throw new ControlError(409, `Refund ${number} is ${refund.status} already.`);
    }
    return { channel: "stripe", refund: refund.id, status: refund.status };
  }
  return undefined;
}

/** By PayPal's number, or by the `invoice_id` that the merchant gave. */
function endPaypalRefund(
  sandbox: Sandbox,
  number: string,
  outcome: "success" | "abnormal" | "closed",
): Fields | undefined {
  for (const trade of new Set(sandbox.paypal.by_refund.values())) {
    const refund = trade.refunds.find(({ id, invoice_id }) => id === number || invoice_id === number);
    if (refund === undefined) continue;
    if (outcome === "abnormal")
      throw new ControlError(400, 'PayPal knows no abnormal refund: use "success" or "closed".');
    if (!finishPaypalRefund(sandbox, trade, refund, outcome === "success")) {
      throw new ControlError(409, `Refund ${number} is ${refund.status} already.`);
    }
    return { channel: "paypal", refund: refund.invoice_id ?? refund.id, status: refund.status };
  }
  return undefined;
}

function endUnionpayRefund(sandbox: Sandbox, number: string, outcome: "success" | "abnormal" | "closed"): Fields {
  const found = [...sandbox.unionpay.orders.values()].find(({ refund }) => refund?.order_id === number);
  if (found?.refund === undefined) throw new ControlError(404, `No refund ${number}.`);
  if (outcome === "abnormal") {
    throw new ControlError(400, 'UnionPay knows no abnormal refund: use "success" or "closed".');
  }
  if (!finishUnionpayRefund(sandbox, found.trade, found.refund, outcome === "success")) {
    throw new ControlError(409, `Refund ${number} is ${found.refund.status} already.`);
  }
  return { channel: "unionpay", refund: found.refund.order_id, status: found.refund.status };
}

export type DisputeMove = "open" | "answer" | "win" | "lose" | "withdraw";

const statuses = { answer: "under_review", win: "won", lose: "lost" } as const;

/** Opens a dispute of a paid trade, or moves the open one on. */
export function disputeTrade(
  sandbox: Sandbox,
  found: Found,
  asked: { move: DisputeMove; reason: string; amount: bigint },
): Fields {
  if (found.channel === "paypal") return disputePaypal(sandbox, found.trade, asked);
  if (found.channel !== "stripe") throw new ControlError(400, `${found.channel} has no disputes here.`);
  if (asked.move === "withdraw") throw new ControlError(400, "A cardholder's dispute is not withdrawn here.");
  const { trade } = found;
  const moved =
    asked.move === "open" ? openDispute(sandbox, trade, asked) : moveDispute(sandbox, trade, statuses[asked.move]);
  return {
    channel: "stripe",
    dispute: moved.id,
    status: moved.status,
    reason: moved.reason,
    amount: Number(moved.amount),
  };
}

/** PayPal's disputes are of the whole payment here. */
function disputePaypal(
  sandbox: Sandbox,
  trade: PaypalTrade,
  { move, reason, amount }: { move: DisputeMove; reason: string; amount: bigint },
): Fields {
  if (amount !== trade.total) throw new ControlError(400, "PayPal's disputes are of the whole amount here.");
  const moved = move === "open" ? openPaypalDispute(sandbox, trade, reason) : movePaypalDispute(sandbox, trade, move);
  return {
    channel: "paypal",
    dispute: moved.id,
    status: moved.status,
    reason: moved.reason,
    amount: Number(trade.total),
  };
}

function parcelOf(sandbox: Sandbox, found: Found, notice: Notice): Parcel | undefined {
  if (found.channel === "wechat") return wechatParcel(sandbox, found.trade, notice);
  if (found.channel === "alipay") return alipayParcel(sandbox, found.trade, notice);
  if (found.channel === "stripe") return stripeParcel(sandbox, found.trade, notice);
  if (found.channel === "paypal") return paypalParcel(sandbox, found.trade, notice);
  return unionpayParcel(sandbox, found.trade, notice);
}

/** Sends the notices of a trade again, at once and in a row, outside the schedule. */
export async function replayNotices(
  sandbox: Sandbox,
  code: string,
  times: number,
  mutation: FaultName | undefined,
): Promise<Delivery[]> {
  const found = findTrade(sandbox, code);
  const { notices } = found.trade;
  if (notices.length === 0)
    throw new ControlError(409, "This trade has no notice yet: it is not paid, or has no notify_url.");
  const sent: Promise<Delivery>[] = [];
  for (const notice of notices) {
    const parcel = parcelOf(sandbox, found, notice);
    if (parcel === undefined) continue;
    for (let count = 0; count < times; count += 1) sent.push(sandbox.deliveries.replay(parcel, mutation));
  }
  return Promise.all(sent);
}
