/** What a payer does with a WeChat trade: pays it, or tries and fails. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact } from "../kit/clock.ts";
import { ControlError } from "../kit/input.ts";
import { announce } from "./notice.ts";
import { refreshTrade } from "./pay.ts";
import type { WechatTrade } from "./state.ts";

/** The openid of a payer in an app: the same payer has another one in each app. */
export function openidOf(appid: string, payer: string): string {
  if (/^o[0-9A-Za-z_-]{27}$/.test(payer)) return payer;
  return `o${hash("sha256", `${appid}/${payer}`, "base64url").slice(0, 27)}`;
}

/** Refuses what cannot be paid now, with a sentence. */
export function checkPayable(sandbox: Sandbox, trade: WechatTrade): void {
  refreshTrade(sandbox, trade);
  if (trade.state === "CLOSED") throw new ControlError(409, "The order is closed. 订单已关闭");
  if (trade.state !== "NOTPAY") throw new ControlError(409, "The order has been paid already. 订单已支付");
  if (sandbox.clock.now() >= trade.link_expires_at_ms) {
    throw new ControlError(409, "The code has expired; ask the merchant for a new one. 二维码已过期");
  }
}

/** Pays a trade and announces it. Throws ControlError 409 when it cannot be paid. */
export function payTrade(sandbox: Sandbox, trade: WechatTrade, payer: string | undefined, notify: boolean): void {
  checkPayable(sandbox, trade);
  const openid = payer === undefined ? undefined : openidOf(trade.appid, payer);
  if (trade.openid !== undefined && openid !== undefined && openid !== trade.openid) {
    throw new ControlError(409, "This jsapi order can be paid by its own openid only. 支付者与下单的openid不一致");
  }
  const now_ms = sandbox.clock.now();
  trade.state = "SUCCESS";
  trade.paid_at_ms = now_ms;
  trade.payer = trade.openid ?? openid ?? openidOf(trade.appid, "payer-1");
  trade.transaction_id = `42000${formatCompact(now_ms)}${sandbox.random.serial()}`;
  sandbox.wechat.by_transaction.set(trade.transaction_id, trade);
  announce(sandbox, trade, "TRANSACTION.SUCCESS", undefined, !notify);
  sandbox.changed();
}
