/** alipay.trade.pay: the merchant scanned the code that a payer shows. */
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import type { Fields } from "../kit/input.ts";
import { type AlipayCall, AlipayError, refuse } from "./answer.ts";
import { formatYuan } from "./money.ts";
import { buyerIdOf, namePayer } from "./payer.ts";
import type { AlipayTrade } from "./state.ts";
import { openTrade, placeTrade, refreshTrade, requireField, settleTrade } from "./trade.ts";

function describe(sandbox: Sandbox, { member }: AlipayCall, trade: AlipayTrade): Fields {
  const total = formatYuan(trade.total);
  return {
    trade_no: trade.trade_no,
    out_trade_no: trade.out_trade_no,
    buyer_logon_id: "pay***@example.com",
    ...namePayer(sandbox, member.merchant, trade.buyer_id, ["buyer_user_id", "buyer_open_id"]),
    total_amount: total,
    ...(trade.paid_at_ms !== undefined && {
      receipt_amount: total,
      buyer_pay_amount: total,
      gmt_payment: formatBeijing(trade.paid_at_ms),
      fund_bill_list: [{ amount: total, fund_channel: "ALIPAYACCOUNT" }],
    }),
  };
}

function inProgress(sandbox: Sandbox, call: AlipayCall, trade: AlipayTrade): Fields {
  return { code: "10003", msg: "order success pay inprocess", ...describe(sandbox, call, trade) };
}

/** 10000: paid. 10003: the payer must confirm. 20000: Alipay does not know, and may have taken the money. */
export function payByCode(sandbox: Sandbox, call: AlipayCall): Fields {
  const { content } = call;
  const { app_id } = call.owner.merchant;
  const auth_code = requireField(content, "auth_code", 64);
  if (content.scene !== "bar_code") refuse("ACQ.INVALID_PARAMETER", "参数无效：scene应为bar_code");
  const order = `${app_id}/${requireField(content, "out_trade_no", 64)}`;
  const known = sandbox.alipay.trades.get(order);
  if (known !== undefined && refreshTrade(sandbox, known).state === "WAIT_BUYER_PAY") {
    return inProgress(sandbox, call, placeTrade(sandbox, "code", call));
  }
  const used = known === undefined ? sandbox.auth_codes.use("alipay", auth_code, order) : undefined;
  if (typeof used === "string")
    refuse("ACQ.PAYMENT_AUTH_CODE_INVALID", "支付失败，获取顾客账户信息失败，请顾客刷新付款码后重新收款");
  if (used?.behaviour === "not_enough") refuse("ACQ.BUYER_BALANCE_NOT_ENOUGH", "顾客余额不足");
  const trade = placeTrade(sandbox, "code", call);
  openTrade(sandbox, trade);
  trade.buyer_id = buyerIdOf(used?.payer ?? "payer-1");
  if (used?.behaviour === "confirm") return inProgress(sandbox, call, trade);
  if (used?.behaviour !== "bank_error") settleTrade(sandbox, trade, true);
  if (used?.behaviour !== "success") throw new AlipayError("20000", "ACQ.SYSTEM_ERROR", "系统异常");
  return { code: "10000", msg: "Success", ...describe(sandbox, call, trade) };
}
