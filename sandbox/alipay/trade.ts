/** A trade's life in Alipay: ordered, opened by a payer, paid, closed. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact, parseBeijing } from "../kit/clock.ts";
import { ControlError, type Fields, isFields } from "../kit/input.ts";
import { type AlipayCall, type Parameters, refuse } from "./answer.ts";
import { parseYuan } from "./money.ts";
import { announce } from "./notice.ts";
import { buyerIdOf } from "./payer.ts";
import { type AlipayKind, type AlipayTrade, fileTrade } from "./state.ts";

const minute_ms = 60_000;
const expiry_ms_max = 15 * 24 * 60 * minute_ms;
const qr_life_ms = 2 * 60 * minute_ms;
const amount_max = 10_000_000_000n;
/** So long a paid trade can be refunded; then it is finished. */
const refund_window_ms = 365 * 86_400_000;

/** What Alipay holds a trade to be, at this moment. */
export function refreshTrade(sandbox: Sandbox, trade: AlipayTrade): AlipayTrade {
  if (trade.state === "WAIT_BUYER_PAY" && sandbox.clock.now() >= trade.expires_at_ms) {
    trade.state = "TRADE_CLOSED";
    trade.closed_at_ms = trade.expires_at_ms;
  }
  if (trade.state === "TRADE_SUCCESS" && sandbox.clock.now() > (trade.paid_at_ms ?? 0) + refund_window_ms) {
    trade.state = "TRADE_FINISHED";
  }
  return trade;
}

/** A string field of biz_content that must be there, or else is refused with `sub_code`. */
export function requireText(content: Fields, key: string, max: number, sub_code: string): string {
  const value = content[key];
  if (typeof value !== "string" || value === "") refuse(sub_code, `参数无效：缺少${key}`);
  if ([...value].length > max) refuse(sub_code, `参数无效：${key}超长`);
  return value;
}

/** The same for what concerns trades. */
export function requireField(content: Fields, key: string, max: number): string {
  return requireText(content, key, max, "ACQ.INVALID_PARAMETER");
}

function allowField(content: Fields, key: string, max: number): string | undefined {
  return content[key] === undefined || content[key] === null ? undefined : requireField(content, key, max);
}

/** `time_expire` (absolute) or `timeout_express` (1m–15d, or 1c: the end of the day); 15 days without either. */
function readExpiry(content: Fields, now_ms: number): number {
  const absolute = allowField(content, "time_expire", 32);
  if (absolute !== undefined) {
    const ms = parseBeijing(absolute);
    if (ms === undefined) refuse("ACQ.INVALID_PARAMETER", "参数无效：time_expire格式错误");
    if (ms <= now_ms) refuse("ACQ.INVALID_PARAMETER", "参数无效：time_expire已过期");
    return Math.min(ms, now_ms + expiry_ms_max);
  }
  const relative = allowField(content, "timeout_express", 8);
  if (relative === undefined) return now_ms + expiry_ms_max;
  const match = /^(\d+)([mhdc])$/.exec(relative);
  if (match === null) refuse("ACQ.INVALID_PARAMETER", "参数无效：timeout_express格式错误");
  if (match[2] === "c") return parseBeijing(`${beijingDay(now_ms)} 23:59:59`) ?? now_ms;
  const units: Record<string, number> = { m: minute_ms, h: 60 * minute_ms, d: 24 * 60 * minute_ms };
  return now_ms + Math.min(Number(match[1]) * units[match[2]!]!, expiry_ms_max);
}

function beijingDay(ms: number): string {
  const digits = formatCompact(ms);
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6, 8)}`;
}

const product_codes: Record<AlipayKind, readonly string[]> = {
  qr: ["FACE_TO_FACE_PAYMENT", "OFFLINE_PAYMENT"],
  wap: ["QUICK_WAP_WAY", "QUICK_WAP_PAY"],
  page: ["FAST_INSTANT_TRADE_PAY"],
  app: ["QUICK_MSECURITY_PAY"],
  create: ["FACE_TO_FACE_PAYMENT", "JSAPI_PAY"],
  code: ["FACE_TO_FACE_PAYMENT"],
};

/** Reads an order. Page payments need their product code; the others may leave it out. */
function readOrder(sandbox: Sandbox, kind: AlipayKind, call: AlipayCall): AlipayTrade {
  const { content, parameters } = call;
  const now_ms = sandbox.clock.now();
  const total = parseYuan(content.total_amount);
  if (total === undefined || total < 1n || total > amount_max) {
    refuse("ACQ.INVALID_PARAMETER", "参数无效：total_amount应为0.01至100000000.00");
  }
  const product_code = allowField(content, "product_code", 64);
  const missing = product_code === undefined && (kind === "page" || kind === "wap");
  if (missing || (product_code !== undefined && !product_codes[kind].includes(product_code))) {
    refuse("ACQ.INVALID_PARAMETER", "参数无效：product_code不正确");
  }
  const out_trade_no = requireField(content, "out_trade_no", 64);
  if (!/^\w+$/.test(out_trade_no)) refuse("ACQ.INVALID_PARAMETER", "参数无效：out_trade_no仅支持字母、数字、下划线");
  const body = allowField(content, "body", 128);
  const passback_params = allowField(content, "passback_params", 512);
  return {
    app_id: call.owner.merchant.app_id,
    ...(call.member === call.owner ? {} : { provider_id: call.member.merchant.app_id }),
    out_trade_no,
    kind,
    subject: requireField(content, "subject", 256),
    total,
    fingerprint: orderFingerprint(kind, content, total),
    state: "ABSENT",
    token: `${kind === "qr" ? "bax" : "lnk"}${sandbox.random.digits(5)}${sandbox.random.token(17)}`,
    created_at_ms: now_ms,
    expires_at_ms: readExpiry(content, now_ms),
    link_expires_at_ms: readExpiry(content, now_ms),
    refunds: [],
    settles: [],
    ...(wantsFreeze(content) ? { frozen: true } : {}),
    notices: [],
    ...(body === undefined ? {} : { body }),
    ...(passback_params === undefined ? {} : { passback_params }),
    ...addresses(parameters),
  };
}

function wantsFreeze({ extend_params }: Fields): boolean {
  return isFields(extend_params) && extend_params.royalty_freeze === "true";
}

function addresses(parameters: Parameters): Pick<AlipayTrade, "notify_url" | "return_url"> {
  const { notify_url, return_url } = parameters;
  return { ...(notify_url ? { notify_url } : {}), ...(return_url ? { return_url } : {}) };
}

/** What must not differ when the same number is ordered again: kind, amount, subject and buyer. */
function orderFingerprint(kind: AlipayKind, content: Fields, total: bigint): string {
  const buyer = content.buyer_id ?? content.buyer_open_id ?? content.op_buyer_open_id ?? "";
  return hash("sha256", JSON.stringify([kind, String(total), content.subject, buyer]), "base64");
}

/** Orders a trade, or finds the same order again; another order under the same number is refused. */
export function placeTrade(sandbox: Sandbox, kind: AlipayKind, call: AlipayCall): AlipayTrade {
  const order = readOrder(sandbox, kind, call);
  const known = sandbox.alipay.trades.get(`${order.app_id}/${order.out_trade_no}`);
  if (known === undefined) {
    if (kind === "qr") order.link_expires_at_ms = Math.min(order.expires_at_ms, order.created_at_ms + qr_life_ms);
    fileTrade(sandbox.alipay, order);
    sandbox.changed();
    return order;
  }
  refreshTrade(sandbox, known);
  if (known.state === "TRADE_SUCCESS" || known.state === "TRADE_FINISHED") {
    refuse("ACQ.TRADE_HAS_SUCCESS", "交易已被支付");
  }
  if (known.state === "TRADE_CLOSED" || known.state === "VOID") refuse("ACQ.TRADE_HAS_CLOSE", "交易已经关闭");
  if (known.fingerprint !== order.fingerprint) refuse("ACQ.CONTEXT_INCONSISTENT", "交易信息被篡改");
  return known;
}

/** A payer opens the trade: from now on Alipay's API knows it. Throws ControlError 409 when it is over. */
export function openTrade(sandbox: Sandbox, trade: AlipayTrade): void {
  refreshTrade(sandbox, trade);
  const now_ms = sandbox.clock.now();
  if (trade.state === "VOID") throw new ControlError(409, "The order has been cancelled. 交易已撤销");
  if (trade.state !== "ABSENT") return;
  if (now_ms >= trade.link_expires_at_ms) throw new ControlError(409, "The code has expired. 二维码已失效");
  trade.state = "WAIT_BUYER_PAY";
  trade.opened_at_ms = now_ms;
  trade.trade_no = `${formatCompact(now_ms)}22001${sandbox.random.serial()}`;
  sandbox.alipay.by_trade_no.set(trade.trade_no, trade);
  sandbox.changed();
}

/** Refuses what cannot be paid now, with a sentence. */
export function checkPayable(sandbox: Sandbox, trade: AlipayTrade): void {
  openTrade(sandbox, trade);
  if (trade.state === "TRADE_CLOSED") throw new ControlError(409, "The trade is closed. 交易已关闭");
  if (trade.state !== "WAIT_BUYER_PAY") throw new ControlError(409, "The trade has been paid already. 交易已支付");
}

/** Pays a trade and announces it. Throws ControlError 409 when it cannot be paid. */
export function payTrade(sandbox: Sandbox, trade: AlipayTrade, payer: string | undefined, notify: boolean): void {
  checkPayable(sandbox, trade);
  trade.buyer_id = payer === undefined ? (trade.buyer_id ?? buyerIdOf("payer-1")) : buyerIdOf(payer);
  settleTrade(sandbox, trade, notify);
}

/** The payer tried and failed: an order stays open as it does at the channel; a code's order is closed. */
export function failTrade(sandbox: Sandbox, trade: AlipayTrade): void {
  checkPayable(sandbox, trade);
  if (trade.kind === "code") {
    trade.state = "TRADE_CLOSED";
    trade.closed_at_ms = sandbox.clock.now();
  }
  sandbox.changed();
}

/** The money moves, and the merchant is told where it asked for it. */
export function settleTrade(sandbox: Sandbox, trade: AlipayTrade, notify: boolean): void {
  trade.state = "TRADE_SUCCESS";
  trade.paid_at_ms = sandbox.clock.now();
  announce(sandbox, trade, undefined, !notify);
  sandbox.changed();
}
