/** Placing an order: POST /v3/pay/[partner/]transactions/{native,jsapi,h5,app}, and what a payer's wallet does with it. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact } from "../kit/clock.ts";
import type { Fields } from "../kit/input.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { type Owner, readOwner } from "./owner.ts";
import { fileTrade, type OrderKind, type WechatTrade } from "./state.ts";
import {
  allowText,
  canonicalize,
  readTime,
  refuseField,
  requireFen,
  requireNotifyUrl,
  requireObject,
  requireOrderNumber,
  requireText,
} from "./validate.ts";

const hour_ms = 3_600_000;
const link_life_ms: Record<OrderKind, number> = {
  native: 2 * hour_ms,
  jsapi: 2 * hour_ms,
  app: 2 * hour_ms,
  h5: 5 * 60_000,
};
const expiry_ms_max = 7 * 24 * hour_ms;

/** What the channel holds an order to be, at this moment: an unpaid one is over when its time is. */
export function refreshTrade(sandbox: Sandbox, trade: WechatTrade): WechatTrade {
  if (isUnpaid(trade) && sandbox.clock.now() >= trade.expires_at_ms) trade.state = "CLOSED";
  return trade;
}

/** True while the payer may still pay. */
export function isUnpaid({ state }: WechatTrade): boolean {
  return state === "NOTPAY" || state === "USERPAYING";
}

/** What only some kinds of payment require; answers who must pay, and under which app. */
function checkKind(kind: OrderKind, owner: Owner, body: Fields): { openid?: string; payer_appid?: string } {
  if (kind === "jsapi") return readPayer(owner, requireObject(body, "payer"));
  if (kind === "h5") {
    const scene = requireObject(body, "scene_info");
    requireText(scene, "payer_client_ip", 45, "/scene_info");
    const type = requireText(requireObject(scene, "h5_info", "/scene_info"), "type", 32, "/scene_info/h5_info");
    if (!["iOS", "Android", "Wap"].includes(type)) refuseField("/scene_info/h5_info/type", type, "取值不合法");
  }
  return {};
}

/** A partner's payer is named under the provider's app or under the sub-merchant's, which must be there then. */
function readPayer({ sub_mchid, sub_appid, appid }: Owner, payer: Fields): { openid: string; payer_appid?: string } {
  if (sub_mchid === undefined) return { openid: requireText(payer, "openid", 128, "/payer") };
  const sub_openid = allowText(payer, "sub_openid", 128, "/payer");
  if (sub_openid === undefined) {
    return { openid: requireText(payer, "sp_openid", 128, "/payer"), payer_appid: appid };
  }
  if (sub_appid === undefined) refuseField("/sub_appid", undefined, "传sub_openid时必填");
  return { openid: sub_openid, payer_appid: sub_appid };
}

function readOrder(sandbox: Sandbox, kind: OrderKind, call: WechatCall, partner: boolean): WechatTrade {
  const { body } = call;
  const now_ms = sandbox.clock.now();
  const owner = readOwner(call, partner);
  const amount = requireObject(body, "amount");
  const total = requireFen(amount, "total");
  const currency = amount.currency ?? "CNY";
  if (currency !== "CNY") refuseField("/amount/currency", currency, "仅支持CNY");
  const payer = checkKind(kind, owner, body);
  const attach = allowText(body, "attach", 128);
  const expires_at_ms = readTime(body, "time_expire") ?? now_ms + expiry_ms_max;
  if (expires_at_ms <= now_ms || expires_at_ms > now_ms + expiry_ms_max + 60_000) {
    refuseField("/time_expire", body.time_expire, "应晚于当前时间且不超过7天");
  }
  return {
    ...owner,
    ...payer,
    out_trade_no: requireOrderNumber(body),
    kind,
    description: requireText(body, "description", 127),
    notify_url: requireNotifyUrl(body),
    total,
    fingerprint: hash("sha256", `${kind}${canonicalize(body)}`, "base64"),
    state: "NOTPAY",
    created_at_ms: now_ms,
    expires_at_ms,
    prepay_id: `wx${formatCompact(now_ms)}${sandbox.random.hex(20)}`,
    token: `${sandbox.random.token(8)}z${sandbox.random.digits(1)}`,
    link_expires_at_ms: now_ms + link_life_ms[kind],
    refunds: [],
    notices: [],
    ...(attach === undefined ? {} : { attach }),
    ...(readSettleInfo(body) && { profit_sharing: true }),
  };
}

/** Whether the money is to be held back for sharing. */
export function readSettleInfo(body: Fields): boolean {
  if (body.settle_info === undefined) return false;
  const { profit_sharing = false } = requireObject(body, "settle_info");
  if (typeof profit_sharing !== "boolean") {
    refuseField("/settle_info/profit_sharing", profit_sharing, "应为布尔类型");
  }
  return profit_sharing;
}

function answerOrder(sandbox: Sandbox, trade: WechatTrade): WechatAnswer {
  if (trade.kind === "native") return { status: 200, body: { code_url: codeUrl(trade) } };
  if (trade.kind === "h5") return { status: 200, body: { h5_url: h5Url(sandbox, trade) } };
  return { status: 200, body: { prepay_id: trade.prepay_id } };
}

/** What the QR code of a native trade says. */
export function codeUrl(trade: WechatTrade): string {
  return `weixin://wxpay/bizpayurl?pr=${trade.token}`;
}

/** Where an h5 trade sends the payer's browser. */
export function h5Url(sandbox: Sandbox, trade: WechatTrade): string {
  return `${sandbox.public_url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=${trade.prepay_id}&package=${trade.token.slice(0, 8)}`;
}

/** Places an order. The same number with the same content answers the same prepay id, with other content a refusal. */
export function placeOrder(sandbox: Sandbox, kind: OrderKind, call: WechatCall, partner: boolean): WechatAnswer {
  const order = readOrder(sandbox, kind, call, partner);
  const known = sandbox.wechat.trades.get(`${order.mchid}/${order.out_trade_no}`);
  if (known === undefined) {
    if (call.serial !== undefined) order.serial = call.serial;
    fileTrade(sandbox.wechat, order);
    sandbox.changed();
    return answerOrder(sandbox, order);
  }
  refreshTrade(sandbox, known);
  if (known.state === "SUCCESS" || known.state === "REFUND") throw new WechatError(400, "ORDER_PAID", "该订单已支付");
  if (known.state !== "NOTPAY" && known.kind !== "code")
    throw new WechatError(400, "ORDER_CLOSED", "该订单已关闭，请重新下单");
  if (known.fingerprint !== order.fingerprint) {
    throw new WechatError(403, "OUT_TRADE_NO_USED", "商户订单号重复，请使用新的商户订单号或使用原参数重试");
  }
  if (sandbox.clock.now() >= known.link_expires_at_ms) renewLink(sandbox, known, order);
  return answerOrder(sandbox, known);
}

/** An expired prepay id or h5 link is replaced when the same order is placed again. */
function renewLink(sandbox: Sandbox, known: WechatTrade, order: WechatTrade): void {
  sandbox.wechat.by_link.delete(known.prepay_id);
  sandbox.wechat.by_link.delete(known.token);
  known.prepay_id = order.prepay_id;
  known.token = order.token;
  known.link_expires_at_ms = order.link_expires_at_ms;
  fileTrade(sandbox.wechat, known);
  sandbox.changed();
}
