/** alipay.trade.refund, alipay.trade.fastpay.refund.query and alipay.trade.cancel. */
import type { Sandbox } from "../context.ts";
import { formatBeijing } from "../kit/clock.ts";
import type { Fault } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import { type AlipayCall, refuse } from "./answer.ts";
import { formatYuan, parseYuan } from "./money.ts";
import { announce, refundedAmount } from "./notice.ts";
import { namePayer } from "./payer.ts";
import { findKnownTrade, findTrade } from "./query.ts";
import { carryOutReturns, planReturns } from "./settle.ts";
import type { AlipayRefund, AlipayTrade } from "./state.ts";
import { requireField } from "./trade.ts";

function describeRefund(sandbox: Sandbox, { member }: AlipayCall, trade: AlipayTrade, changed: boolean): Fields {
  return {
    code: "10000",
    msg: "Success",
    trade_no: trade.trade_no,
    out_trade_no: trade.out_trade_no,
    buyer_logon_id: "pay***@example.com",
    ...namePayer(sandbox, member.merchant, trade.buyer_id, ["buyer_user_id", "buyer_open_id"]),
    fund_change: changed ? "Y" : "N",
    refund_fee: formatYuan(refundedAmount(trade)),
    gmt_refund_pay: formatBeijing(
      trade.refunds.findLast((refund) => refund.done_at_ms)?.done_at_ms ?? trade.created_at_ms,
    ),
    send_back_fee: changed ? formatYuan(trade.refunds.at(-1)?.amount ?? 0n) : "0.00",
  };
}

/** A refund claims its amount unless it has failed. */
function claimedAmount(trade: AlipayTrade): bigint {
  return trade.refunds.reduce((sum, refund) => (refund.status === "failed" ? sum : sum + refund.amount), 0n);
}

function checkRefundable(trade: AlipayTrade, amount: bigint): void {
  if (trade.state === "TRADE_FINISHED") refuse("ACQ.TRADE_HAS_FINISHED", "交易已完结");
  if (trade.paid_at_ms === undefined || trade.state !== "TRADE_SUCCESS") {
    refuse("ACQ.TRADE_STATUS_ERROR", "交易状态不合法");
  }
  if (claimedAmount(trade) + amount > trade.total) {
    refuse("ACQ.REASON_TRADE_REFUND_FEE_ERR", "退款金额无效，超过可退金额");
  }
}

/**
 * Refunds. The same out_request_no and amount again answers `fund_change: N` with the cumulative refund_fee; another
 * amount is refused. Without out_request_no the out_trade_no stands for it, and only the whole amount may go back.
 */
export function refundTrade(sandbox: Sandbox, call: AlipayCall): Fields {
  const { content, fault } = call;
  const amount = parseYuan(content.refund_amount);
  if (amount === undefined || amount < 1n) refuse("ACQ.INVALID_PARAMETER", "参数无效：refund_amount不正确");
  const trade = findKnownTrade(sandbox, call);
  const partial = content.out_request_no !== undefined;
  if (!partial && amount !== trade.total) refuse("ACQ.INVALID_PARAMETER", "参数无效：部分退款须传out_request_no");
  const out_request_no = partial ? requireField(content, "out_request_no", 64) : trade.out_trade_no;
  const known = trade.refunds.find((refund) => refund.out_request_no === out_request_no);
  if (known !== undefined && known.status !== "failed") {
    if (known.amount !== amount) refuse("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求");
    return describeRefund(sandbox, call, trade, false);
  }
  checkRefundable(trade, amount);
  const returns = planReturns(sandbox, trade, call, amount);
  if (fault?.fault === "not_enough") refuse("ACQ.SELLER_BALANCE_NOT_ENOUGH", "卖家余额不足");
  const refund: AlipayRefund = known ?? {
    out_request_no,
    amount,
    status: "pending",
    created_at_ms: sandbox.clock.now(),
  };
  refund.status = "pending";
  if (typeof content.refund_reason === "string") refund.reason = content.refund_reason;
  if (known === undefined) trade.refunds.push(refund);
  const changed = decideOutcome(sandbox, trade, refund, fault);
  const returned = fault?.fault === "refund_closed" ? {} : carryOutReturns(returns);
  return { ...describeRefund(sandbox, call, trade, changed), ...returned };
}

/** Moves the money at once, unless a fault delays or fails it; true when it has moved. */
function decideOutcome(sandbox: Sandbox, trade: AlipayTrade, refund: AlipayRefund, fault: Fault | undefined): boolean {
  sandbox.changed();
  if (fault?.fault === "refund_closed") {
    refund.status = "failed";
    return false;
  }
  if (fault?.fault === "refund_processing") {
    if (fault.delay_ms !== undefined) {
      sandbox.clock.schedule(
        sandbox.clock.now() + fault.delay_ms,
        () => void finishRefund(sandbox, trade, refund, true),
      );
    }
    return false;
  }
  return finishRefund(sandbox, trade, refund, true);
}

/** Ends a pending refund and, when it succeeded, announces it. False when it has ended already. */
export function finishRefund(sandbox: Sandbox, trade: AlipayTrade, refund: AlipayRefund, success: boolean): boolean {
  if (refund.status !== "pending") return false;
  sandbox.changed();
  refund.status = success ? "done" : "failed";
  if (!success) return true;
  refund.done_at_ms = sandbox.clock.now();
  if (refundedAmount(trade) === trade.total) {
    trade.state = "TRADE_CLOSED";
    trade.closed_at_ms = sandbox.clock.now();
  }
  announce(sandbox, trade, refund);
  return true;
}

/** Asks about a refund: code 10000 without `refund_status` means that it is unknown, under way or failed. */
export function queryRefund(sandbox: Sandbox, call: AlipayCall): Fields {
  const trade = findKnownTrade(sandbox, call);
  const out_request_no = requireField(call.content, "out_request_no", 64);
  const refund = trade.refunds.find((item) => item.out_request_no === out_request_no);
  const answer = { code: "10000", msg: "Success" };
  if (refund === undefined || refund.status !== "done") return answer;
  return {
    ...answer,
    trade_no: trade.trade_no,
    out_trade_no: trade.out_trade_no,
    out_request_no,
    ...(refund.reason === undefined ? {} : { refund_reason: refund.reason }),
    total_amount: formatYuan(trade.total),
    refund_amount: formatYuan(refund.amount),
    refund_status: "REFUND_SUCCESS",
    gmt_refund_pay: formatBeijing(refund.done_at_ms ?? 0),
  };
}

/** Cancels: an unpaid trade is closed, a paid one goes back whole, an unknown one has no `action`. */
export function cancelTrade(sandbox: Sandbox, call: AlipayCall): Fields {
  const trade = findTrade(sandbox, call);
  const { out_trade_no, trade_no } = trade ?? {
    out_trade_no: call.content.out_trade_no,
    trade_no: call.content.trade_no,
  };
  const answer = { code: "10000", msg: "Success", out_trade_no, trade_no, retry_flag: "N" };
  if (trade === undefined || trade.state === "VOID") return answer;
  sandbox.changed();
  if (trade.state === "ABSENT") {
    trade.state = "VOID";
    return answer;
  }
  if (trade.state === "TRADE_FINISHED") refuse("ACQ.TRADE_HAS_FINISHED", "交易已完结");
  if (trade.state === "WAIT_BUYER_PAY") {
    trade.state = "TRADE_CLOSED";
    trade.closed_at_ms = sandbox.clock.now();
    return { ...answer, action: "close" };
  }
  if (trade.state === "TRADE_SUCCESS") refundRest(sandbox, trade);
  return { ...answer, action: trade.paid_at_ms === undefined ? "close" : "refund" };
}

function refundRest(sandbox: Sandbox, trade: AlipayTrade): void {
  const rest = trade.total - claimedAmount(trade);
  if (rest <= 0n) return;
  const refund: AlipayRefund = {
    out_request_no: `CANCEL${trade.out_trade_no}`,
    amount: rest,
    status: "pending",
    created_at_ms: sandbox.clock.now(),
  };
  trade.refunds.push(refund);
  finishRefund(sandbox, trade, refund, true);
}
