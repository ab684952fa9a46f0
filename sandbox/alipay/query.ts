/** alipay.trade.query and alipay.trade.close. */
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import type { Fields } from "../kit/input.ts";
import { type AlipayCall, refuse } from "./answer.ts";
import { formatYuan } from "./money.ts";
import { namePayer } from "./payer.ts";
import type { AlipayTrade } from "./state.ts";
import { refreshTrade } from "./trade.ts";

/** The caller's trade by `trade_no` or `out_trade_no`, absent ones included. */
export function findTrade(sandbox: Sandbox, call: AlipayCall): AlipayTrade | undefined {
  const { out_trade_no, trade_no } = call.content;
  if (typeof out_trade_no !== "string" && typeof trade_no !== "string") {
    refuse("ACQ.INVALID_PARAMETER", "参数无效：out_trade_no和trade_no不能同时为空");
  }
  const { app_id } = call.owner.merchant;
  const trade =
    typeof trade_no === "string" && trade_no !== ""
      ? sandbox.alipay.by_trade_no.get(trade_no)
      : sandbox.alipay.trades.get(`${app_id}/${String(out_trade_no)}`);
  return trade === undefined || trade.app_id !== app_id ? undefined : refreshTrade(sandbox, trade);
}

/** The caller's trade, if a payer has opened it: until then Alipay says that it does not exist. */
export function findKnownTrade(sandbox: Sandbox, call: AlipayCall): AlipayTrade {
  const trade = findTrade(sandbox, call);
  if (trade === undefined || trade.state === "ABSENT" || trade.state === "VOID") {
    refuse("ACQ.TRADE_NOT_EXIST", "交易不存在");
  }
  return trade;
}

export function queryTrade(sandbox: Sandbox, call: AlipayCall): Fields {
  const trade = findKnownTrade(sandbox, call);
  const total = formatYuan(trade.total);
  const paid = trade.paid_at_ms !== undefined;
  return {
    code: "10000",
    msg: "Success",
    buyer_logon_id: "pay***@example.com",
    ...namePayer(sandbox, call.member.merchant, trade.buyer_id, ["buyer_user_id", "buyer_open_id"]),
    buyer_pay_amount: paid ? total : "0.00",
    ...(paid && { fund_bill_list: [{ amount: total, fund_channel: "ALIPAYACCOUNT" }] }),
    invoice_amount: paid ? total : "0.00",
    out_trade_no: trade.out_trade_no,
    point_amount: "0.00",
    receipt_amount: paid ? total : "0.00",
    ...(trade.paid_at_ms !== undefined && { send_pay_date: formatBeijing(trade.paid_at_ms) }),
    total_amount: total,
    trade_no: trade.trade_no,
    trade_status: trade.state,
  };
}

/** Closes a trade that waits for its payer; nothing else can be closed. */
export function closeTrade(sandbox: Sandbox, call: AlipayCall): Fields {
  const trade = findKnownTrade(sandbox, call);
  if (trade.state !== "WAIT_BUYER_PAY") refuse("ACQ.TRADE_STATUS_ERROR", "交易状态不合法");
  trade.state = "TRADE_CLOSED";
  trade.closed_at_ms = sandbox.clock.now();
  sandbox.changed();
  return { code: "10000", msg: "Success", out_trade_no: trade.out_trade_no, trade_no: trade.trade_no };
}
