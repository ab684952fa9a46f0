/** What a payer does with a WeChat trade: pays it, or tries and fails. */
import type { Sandbox } from "../context.ts";
import { formatCompact } from "../kit/clock.ts";
import { ControlError } from "../kit/input.ts";
import { announce } from "./notice.ts";
import { openidOf } from "./openid.ts";
import { isUnpaid, refreshTrade } from "./pay.ts";
import type { WechatTrade } from "./state.ts";

/** Refuses what cannot be paid now, with a sentence. */
export function checkPayable(sandbox: Sandbox, trade: WechatTrade): void {
  refreshTrade(sandbox, trade);
  const over = trade.state === "CLOSED" || trade.state === "PAYERROR" || trade.state === "REVOKED";
  if (over) throw new ControlError(409, "The order is closed. 订单已关闭");
  if (!isUnpaid(trade)) throw new ControlError(409, "The order has been paid already. 订单已支付");
  if (sandbox.clock.now() >= trade.link_expires_at_ms) {
    throw new ControlError(409, "The code has expired; ask the merchant for a new one. 二维码已过期");
  }
}

/** Pays a trade and announces it; code payments have no notice. Throws ControlError 409 when it cannot be paid. */
export function payTrade(sandbox: Sandbox, trade: WechatTrade, payer: string | undefined, notify: boolean): void {
  checkPayable(sandbox, trade);
  const openid = payer === undefined ? undefined : openidOf(trade.payer_appid ?? trade.appid, payer);
  if (trade.openid !== undefined && openid !== undefined && openid !== trade.openid) {
    throw new ControlError(409, "This jsapi order can be paid by its own openid only. 支付者与下单的openid不一致");
  }
  settleTrade(sandbox, trade, openid ?? "payer-1");
  if (trade.kind !== "code") announce(sandbox, trade, "TRANSACTION.SUCCESS", undefined, !notify);
}

/** The payer tried and failed: an order stays open as it does at the channel; a code's order has failed. */
export function failTrade(sandbox: Sandbox, trade: WechatTrade): void {
  checkPayable(sandbox, trade);
  if (trade.kind === "code") trade.state = "PAYERROR";
  sandbox.changed();
}

/** The money moves; nobody is told. */
export function settleTrade(sandbox: Sandbox, trade: WechatTrade, payer: string): void {
  const now_ms = sandbox.clock.now();
  trade.state = "SUCCESS";
  trade.paid_at_ms = now_ms;
  trade.payer = trade.openid ?? openidOf(trade.payer_appid ?? trade.appid, payer);
  trade.transaction_id = `42000${formatCompact(now_ms)}${sandbox.random.serial()}`;
  sandbox.wechat.by_transaction.set(trade.transaction_id, trade);
  sandbox.changed();
}
