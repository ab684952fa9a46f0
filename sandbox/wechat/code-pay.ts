/** Payments by the code that a payer shows (付款码): what micropay of API v2 and codepay of API v3 both do. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact } from "../kit/clock.ts";
import { openidOf } from "./openid.ts";
import type { Asker, Owner } from "./owner.ts";
import { refreshTrade } from "./pay.ts";
import { fileTrade, type WechatTrade } from "./state.ts";
import { settleTrade } from "./wallet.ts";

/** An order as either version states it. */
export type CodeOrder = Owner & {
  out_trade_no: string;
  description: string;
  attach: string | undefined;
  total: bigint;
  auth_code: string;
  expires_at_ms: number | undefined;
  profit_sharing: boolean;
};

/** A refusal, with the code of API v2. `status` is what API v3 answers with. */
export type CodeRefusal = { code: string; message: string; status: number };
export type CodeResult = { trade: WechatTrade } | { refusal: CodeRefusal };

const refusals = {
  USERPAYING: [400, "需要用户输入支付密码"],
  ORDERPAID: [400, "该订单已支付"],
  ORDERCLOSED: [400, "该订单已关闭"],
  ORDERREVERSED: [400, "该订单已被撤销"],
  OUT_TRADE_NO_USED: [403, "商户订单号重复"],
  AUTH_CODE_INVALID: [400, "请扫描微信支付被扫条码/二维码"],
  AUTHCODEEXPIRE: [400, "二维码已过期，请用户在微信上刷新后再试"],
  NOTENOUGH: [403, "用户帐号余额不足"],
  SYSTEMERROR: [500, "系统超时"],
  BANKERROR: [500, "银行系统异常"],
  ORDERNOTEXIST: [404, "订单不存在"],
  TRADE_ERROR: [400, "订单的支付场景不支持该请求"],
} as const;

/** A refusal of a name, in the words of the channel's documents. */
export function refusalOf(code: keyof typeof refusals): { refusal: CodeRefusal } {
  const [status, message] = refusals[code];
  return { refusal: { code, message, status } };
}

const day_ms = 86_400_000;
/** WeChat asks not to reverse an order within 15 s of paying; here it is refused. */
const reverse_after_ms = 15_000;

/** Scans a code. The same order again answers what became of it; SYSTEMERROR has taken the money. */
export function chargeCode(sandbox: Sandbox, order: CodeOrder): CodeResult {
  const { mchid, out_trade_no } = order;
  const fingerprint = hash("sha256", `code/${order.total}/${order.auth_code}/${order.description}`, "base64");
  const known = sandbox.wechat.trades.get(`${mchid}/${out_trade_no}`);
  if (known !== undefined) return answerAgain(refreshTrade(sandbox, known), fingerprint);
  const used = sandbox.auth_codes.use("wechat", order.auth_code, `${mchid}/${out_trade_no}`);
  if (used === "unknown" || used === "used") return refusalOf("AUTH_CODE_INVALID");
  if (used === "expired") return refusalOf("AUTHCODEEXPIRE");
  if (used.behaviour === "not_enough") return refusalOf("NOTENOUGH");
  const trade = openCodeTrade(sandbox, order, fingerprint, used.payer);
  if (used.behaviour === "confirm") return refusalOf("USERPAYING");
  if (used.behaviour === "bank_error") return refusalOf("BANKERROR");
  settleTrade(sandbox, trade, used.payer);
  return used.behaviour === "system_error" ? refusalOf("SYSTEMERROR") : { trade };
}

function answerAgain(trade: WechatTrade, fingerprint: string): CodeResult {
  if (trade.kind !== "code" || trade.fingerprint !== fingerprint) return refusalOf("OUT_TRADE_NO_USED");
  if (trade.state === "USERPAYING") return refusalOf("USERPAYING");
  if (trade.state === "REVOKED") return refusalOf("ORDERREVERSED");
  return refusalOf(trade.paid_at_ms === undefined ? "ORDERCLOSED" : "ORDERPAID");
}

function openCodeTrade(sandbox: Sandbox, order: CodeOrder, fingerprint: string, payer: string): WechatTrade {
  const now_ms = sandbox.clock.now();
  const expires_at_ms = order.expires_at_ms ?? now_ms + day_ms;
  const trade: WechatTrade = {
    mchid: order.mchid,
    appid: order.appid,
    payer_appid: order.payer_appid,
    ...(order.sub_mchid === undefined ? {} : { sub_mchid: order.sub_mchid }),
    ...(order.sub_appid === undefined ? {} : { sub_appid: order.sub_appid }),
    out_trade_no: order.out_trade_no,
    kind: "code",
    description: order.description,
    total: order.total,
    fingerprint,
    state: "USERPAYING",
    created_at_ms: now_ms,
    expires_at_ms,
    // Only the wallet knows it: there is nothing that the merchant could show.
    prepay_id: `wx${formatCompact(now_ms)}${sandbox.random.hex(20)}`,
    token: `${sandbox.random.token(8)}z${sandbox.random.digits(1)}`,
    link_expires_at_ms: expires_at_ms,
    openid: openidOf(order.payer_appid, payer),
    refunds: [],
    notices: [],
    ...(order.attach === undefined ? {} : { attach: order.attach }),
    ...(order.profit_sharing && { profit_sharing: true }),
  };
  fileTrade(sandbox.wechat, trade);
  sandbox.changed();
  return trade;
}

/** Ends a code's order: an unpaid one can no longer be paid, the money of a paid one goes back. */
export function reverseCode(sandbox: Sandbox, asker: Asker, out_trade_no: string): CodeResult {
  const trade = sandbox.wechat.trades.get(`${asker.mchid}/${out_trade_no}`);
  if (trade === undefined || trade.sub_mchid !== asker.sub_mchid) return refusalOf("ORDERNOTEXIST");
  if (trade.kind !== "code") return refusalOf("TRADE_ERROR");
  refreshTrade(sandbox, trade);
  if (sandbox.clock.now() - trade.created_at_ms < reverse_after_ms) return refusalOf("USERPAYING");
  if (trade.refunds.length > 0) return refusalOf("TRADE_ERROR");
  if (trade.state !== "REVOKED") trade.revoked_at_ms = sandbox.clock.now();
  trade.state = "REVOKED";
  sandbox.changed();
  return { trade };
}
