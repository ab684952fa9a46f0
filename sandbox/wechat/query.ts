/** Asking about an order and closing it. */
import type { Sandbox } from "../context.ts";
import { formatRfc3339 } from "../kit/clock.ts";
import type { Fields } from "../kit/input.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { openidOf } from "./openid.ts";
import { type Asker, describeOwner, readAsker } from "./owner.ts";
import { refreshTrade } from "./pay.ts";
import type { TradeKind, WechatTrade } from "./state.ts";

export const trade_types: Record<TradeKind, string> = {
  native: "NATIVE",
  jsapi: "JSAPI",
  h5: "MWEB",
  app: "APP",
  code: "MICROPAY",
};
export const state_descriptions: Record<WechatTrade["state"], string> = {
  NOTPAY: "订单未支付",
  SUCCESS: "支付成功",
  REFUND: "订单发生过退款，退款详情请查询退款单",
  CLOSED: "订单已关闭",
  USERPAYING: "需要用户输入支付密码",
  PAYERROR: "支付失败，请撤销订单",
  REVOKED: "订单已撤销",
};

/** An order as WeChat shows it; `state` overrides the present one for a notice about an earlier event. */
export function describeTrade(trade: WechatTrade, state: WechatTrade["state"] = trade.state): Fields {
  const total = Number(trade.total);
  const paid = trade.paid_at_ms !== undefined;
  return {
    ...describeOwner(trade),
    out_trade_no: trade.out_trade_no,
    ...(paid && { transaction_id: trade.transaction_id, trade_type: trade_types[trade.kind] }),
    trade_state: state,
    trade_state_desc: state_descriptions[state],
    ...(paid && { bank_type: "OTHERS" }),
    attach: trade.attach ?? "",
    ...(trade.paid_at_ms !== undefined && { success_time: formatRfc3339(trade.paid_at_ms) }),
    ...(paid && { payer: describePayer(trade) }),
    amount: { total, currency: "CNY", ...(paid && { payer_total: total, payer_currency: "CNY" }) },
    ...(paid && { promotion_detail: [] }),
  };
}

/** The payer under the app that was paid in; a provider is also told who it is under its own. */
function describePayer(trade: WechatTrade): Fields {
  if (trade.sub_mchid === undefined) return { openid: trade.payer };
  if (trade.payer_appid === trade.appid) return { sp_openid: trade.payer };
  return { sp_openid: openidOf(trade.appid, `sub/${trade.payer}`), sub_openid: trade.payer };
}

function findOwnTrade(sandbox: Sandbox, call: WechatCall, asker: Asker, trade: WechatTrade | undefined): WechatTrade {
  if (trade === undefined || trade.mchid !== asker.mchid || trade.sub_mchid !== asker.sub_mchid) {
    throw new WechatError(404, "ORDER_NOT_EXIST", "订单不存在");
  }
  if (call.serial !== undefined) trade.serial = call.serial;
  return refreshTrade(sandbox, trade);
}

/** GET …/out-trade-no/{out_trade_no}?mchid= */
export function queryByNumber(sandbox: Sandbox, call: WechatCall, partner: boolean): WechatAnswer {
  const asker = readAsker(call, call.query, partner);
  const trade = sandbox.wechat.trades.get(`${asker.mchid}/${call.params.out_trade_no}`);
  return { status: 200, body: describeTrade(findOwnTrade(sandbox, call, asker, trade)) };
}

/** GET …/id/{transaction_id}?mchid= */
export function queryByTransaction(sandbox: Sandbox, call: WechatCall, partner: boolean): WechatAnswer {
  const asker = readAsker(call, call.query, partner);
  const trade = sandbox.wechat.by_transaction.get(call.params.transaction_id ?? "");
  return { status: 200, body: describeTrade(findOwnTrade(sandbox, call, asker, trade)) };
}

/** POST …/out-trade-no/{out_trade_no}/close: 204, and again 204 for an order closed already. */
export function closeOrder(sandbox: Sandbox, call: WechatCall, partner: boolean): WechatAnswer {
  const asker = readAsker(call, call.body, partner);
  const found = sandbox.wechat.trades.get(`${asker.mchid}/${call.params.out_trade_no}`);
  const trade = findOwnTrade(sandbox, call, asker, found);
  if (trade.kind === "code") throw new WechatError(400, "INVALID_REQUEST", "付款码支付的订单请使用撤销接口");
  if (trade.state === "SUCCESS" || trade.state === "REFUND") {
    throw new WechatError(400, "ORDER_PAID", "该订单已支付，无法关闭");
  }
  trade.state = "CLOSED";
  sandbox.changed();
  return { status: 204 };
}
