/** A payment order's life at UnionPay: placed, tried, paid. An order is named by merId, orderId and txnTime together. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact, parseBeijing } from "../kit/clock.ts";
import { ControlError } from "../kit/input.ts";
import { type Message, refuse, requireField, type UnionpayCall } from "./answer.ts";
import { announce } from "./notice.ts";
import { fileTrade, type UnionpayKind, type UnionpayTrade } from "./state.ts";

const order_life_ms = 24 * 3_600_000;
/** What the bank says in the sandbox when a payer's try fails: the card's balance is short. */
const failure_code = "64";

const sub_types: Record<UnionpayKind, { txnSubType: string; bizType: string }> = {
  web: { txnSubType: "01", bizType: "000201" },
  app: { txnSubType: "01", bizType: "000201" },
  jsapi: { txnSubType: "01", bizType: "000000" },
  qr: { txnSubType: "07", bizType: "000000" },
  barcode: { txnSubType: "06", bizType: "000000" },
};

export const order_id_form = /^[0-9A-Za-z]{8,40}$/;
export const amount_form = /^[1-9]\d{0,11}$/;
const app_user_form = /^[0-9A-Za-z+/]{40,64}={0,2}$/;
const address_form = /^https?:\/\/\S{1,248}$/;

/** Epoch milliseconds of `yyyyMMddHHmmss` in Beijing time; refused with code 10 when it is no such time. */
export function readTime(request: Message, key: string): number {
  const text = requireField(request, key, /^\d{14}$/);
  const spaced = text.replace(/^(....)(..)(..)(..)(..)(..)$/, "$1-$2-$3 $4:$5:$6");
  return parseBeijing(spaced) ?? refuse("10");
}

function readOrder(sandbox: Sandbox, kind: UnionpayKind, { member, request }: UnionpayCall): UnionpayTrade {
  const { txnSubType, bizType } = sub_types[kind];
  if (request.txnType !== "01" || request.txnSubType !== txnSubType || request.bizType !== bizType) refuse("10");
  requireField(request, "channelType", kind === "web" ? /^0[78]$/ : /^08$/);
  requireField(request, "currencyCode", /^156$/);
  readTime(request, "txnTime");
  const amount = requireField(request, "txnAmt", amount_form);
  const now_ms = sandbox.clock.now();
  const code = kind === "barcode" ? requireField(request, "qrNo", /^\d{19}$/) : "";
  if (kind === "web") requireField(request, "frontUrl", address_form);
  const user = kind === "jsapi" ? readAppUser(request) : "";
  const subject = request.orderDesc ?? "";
  const txn_time = requireField(request, "txnTime", /^\d{14}$/);
  return {
    mer_id: member.merchant.mer_id,
    out_trade_no: requireField(request, "orderId", order_id_form),
    kind,
    txn_type: "01",
    txn_sub_type: txnSubType,
    biz_type: bizType,
    txn_time,
    subject,
    total: BigInt(amount),
    notify_url: requireField(request, "backUrl", address_form),
    fingerprint: hash("sha256", JSON.stringify([kind, txn_time, amount, subject, code, user]), "base64"),
    token: kind === "app" ? sandbox.random.digits(21) : `62${sandbox.random.digits(28)}`,
    state: "NOTPAY",
    created_at_ms: now_ms,
    expires_at_ms: request.payTimeout ? readTime(request, "payTimeout") : now_ms + order_life_ms,
    refunds: [],
    notices: [],
    ...(request.frontUrl ? { front_url: request.frontUrl } : {}),
  };
}

/** UnionPay's app's user of an order for its own browser, as the authorization named it. */
function readAppUser(request: Message): string {
  requireField(request, "tradeType", /^mobileWeb$/);
  requireField(request, "qrCodeType", /^0$/);
  return requireField(request, "appUserId", app_user_form);
}

/**
 * Places an order. The same content again finds the same order while it is open; other content under its number, or a
 * number that is paid or a refund's, is a duplicate (12).
 */
export function placeOrder(sandbox: Sandbox, kind: UnionpayKind, call: UnionpayCall): UnionpayTrade {
  const order = readOrder(sandbox, kind, call);
  const known = sandbox.unionpay.orders.get(`${order.mer_id}/${order.out_trade_no}`);
  if (known !== undefined) {
    const same = known.refund === undefined && known.trade.fingerprint === order.fingerprint;
    if (!same || known.trade.state !== "NOTPAY") refuse("12");
    return known.trade;
  }
  if (order.expires_at_ms <= order.created_at_ms) refuse("39");
  fileTrade(sandbox.unionpay, order);
  sandbox.changed();
  return order;
}

const codes_of_uses = { unknown: "88", expired: "86", used: "86" } as const;

/**
 * Charges the code that a payer shows. Code 00 only accepts it: the query tells. A payer who must confirm pays later; a
 * lost answer (03) comes after the money has moved.
 */
export function payByCode(sandbox: Sandbox, call: UnionpayCall): void {
  const { mer_id } = call.member.merchant;
  const order = `${mer_id}/${call.request.orderId}`;
  if (sandbox.unionpay.orders.has(order)) return void placeOrder(sandbox, "barcode", call);
  const used = sandbox.auth_codes.use("unionpay", requireField(call.request, "qrNo", /^62\d{17}$/), order);
  if (typeof used === "string") refuse(codes_of_uses[used]);
  if (used.behaviour === "not_enough") refuse(failure_code);
  const trade = placeOrder(sandbox, "barcode", call);
  if (used.behaviour === "confirm") return;
  if (used.behaviour === "bank_error") refuse("05");
  payTrade(sandbox, trade, used.payer, true);
  if (used.behaviour === "system_error") refuse("03");
}

/** What the QR code of an order says. */
export function qrCode(trade: UnionpayTrade): string {
  return `https://qr.95516.com/00010000/${trade.token}`;
}

/** The page at which UnionPay's app takes an order of its own browser. */
export function payUrl(sandbox: Sandbox, trade: UnionpayTrade): string {
  return `${sandbox.public_url}/wallet/pay?code=${trade.token}`;
}

/** A new number of UnionPay's: the time, and what no other number has. */
export function makeQueryId(sandbox: Sandbox): string {
  return `${formatCompact(sandbox.clock.now())}${sandbox.random.serial().slice(-7)}`;
}

/** Whether a payer can still pay. A shown code has one try. */
export function isPayable(sandbox: Sandbox, trade: UnionpayTrade): boolean {
  const over = trade.kind === "barcode" && trade.failure_code !== undefined;
  return trade.state === "NOTPAY" && !over && sandbox.clock.now() < trade.expires_at_ms;
}

/** Refuses what cannot be paid now, with a sentence. */
function checkPayable(sandbox: Sandbox, trade: UnionpayTrade): void {
  if (trade.state === "SUCCESS") throw new ControlError(409, "The order has been paid already. 订单已支付");
  if (!isPayable(sandbox, trade)) throw new ControlError(409, "The order can no longer be paid. 订单已超时或已冲正");
}

/** The payer's try fails: the order stays open, and a query tells why. Throws ControlError 409. */
export function failTrade(sandbox: Sandbox, trade: UnionpayTrade): void {
  checkPayable(sandbox, trade);
  trade.failure_code = failure_code;
  sandbox.changed();
}

/** Pays an order and announces it. Throws ControlError 409 when it cannot be paid. */
export function payTrade(sandbox: Sandbox, trade: UnionpayTrade, payer: string | undefined, notify: boolean): void {
  checkPayable(sandbox, trade);
  trade.state = "SUCCESS";
  trade.paid_at_ms = sandbox.clock.now();
  delete trade.failure_code;
  trade.query_id = makeQueryId(sandbox);
  trade.payer = cardOf(payer ?? "payer-1");
  sandbox.unionpay.by_query_id.set(trade.query_id, trade);
  announce(sandbox, trade, undefined, !notify);
  sandbox.changed();
}

/** The payer's card as UnionPay shows it: masked in the middle. */
function cardOf(payer: string): string {
  const digits = BigInt(`0x${hash("sha256", `unionpay/${payer}`).slice(0, 10)}`).toString();
  return `621700******${digits.slice(-4).padStart(4, "0")}`;
}
