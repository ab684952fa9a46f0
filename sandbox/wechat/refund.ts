/** Refunds: POST /v3/refund/domestic/refunds and GET …/{out_refund_no}. They are asynchronous, as WeChat's are. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact, formatRfc3339 } from "../kit/clock.ts";
import type { Fault } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { announce } from "./notice.ts";
import { readSubMerchant } from "./owner.ts";
import { refreshTrade } from "./pay.ts";
import { readSealed } from "./sensitive.ts";
import { sharedAmount } from "./sharing.ts";
import type { WechatRefund, WechatTrade } from "./state.ts";
import {
  allowText,
  canonicalize,
  refuseField,
  requireFen,
  requireNotifyUrl,
  requireObject,
  requireText,
} from "./validate.ts";

const refund_window_ms = 365 * 86_400_000;
const refunds_max = 50;

function describeRefund(trade: WechatTrade, refund: WechatRefund): Fields {
  const total = Number(trade.total);
  const amount = Number(refund.amount);
  return {
    refund_id: refund.refund_id,
    out_refund_no: refund.out_refund_no,
    transaction_id: trade.transaction_id,
    out_trade_no: trade.out_trade_no,
    channel: "ORIGINAL",
    user_received_account: "支付用户零钱",
    ...(refund.success_at_ms !== undefined && { success_time: formatRfc3339(refund.success_at_ms) }),
    create_time: formatRfc3339(refund.created_at_ms),
    status: refund.status,
    funds_account: "AVAILABLE",
    amount: {
      total,
      refund: amount,
      payer_total: total,
      payer_refund: amount,
      settlement_refund: amount,
      settlement_total: total,
      discount_refund: 0,
      currency: "CNY",
      from: [],
    },
    promotion_detail: [],
  };
}

function findPaidTrade(sandbox: Sandbox, call: WechatCall): WechatTrade {
  const { body } = call;
  const { mchid } = call.member.merchant;
  const { sub_mchid } = readSubMerchant(call.member.merchant, body);
  const transaction_id = allowText(body, "transaction_id", 32);
  const out_trade_no = allowText(body, "out_trade_no", 32);
  if (transaction_id === undefined && out_trade_no === undefined) {
    refuseField("/out_trade_no", undefined, "transaction_id和out_trade_no至少填一个");
  }
  const trade =
    transaction_id === undefined
      ? sandbox.wechat.trades.get(`${mchid}/${out_trade_no}`)
      : sandbox.wechat.by_transaction.get(transaction_id);
  if (trade === undefined || trade.mchid !== mchid || trade.sub_mchid !== sub_mchid)
    throw new WechatError(404, "RESOURCE_NOT_EXISTS", "订单不存在");
  refreshTrade(sandbox, trade);
  if (trade.transaction_id === undefined) throw new WechatError(400, "INVALID_REQUEST", "订单未支付，不能退款");
  return trade;
}

/** A refund claims its amount until it is CLOSED: an abnormal one can still be paid out otherwise. */
function claimedAmount(trade: WechatTrade): bigint {
  return trade.refunds.reduce((sum, refund) => (refund.status === "CLOSED" ? sum : sum + refund.amount), 0n);
}

function checkRefund(sandbox: Sandbox, trade: WechatTrade, amount: bigint, total: bigint): void {
  const { paid_at_ms = 0 } = trade;
  if (total !== trade.total) {
    throw new WechatError(400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试");
  }
  if (sandbox.clock.now() > paid_at_ms + refund_window_ms) {
    throw new WechatError(400, "INVALID_REQUEST", "订单已超过可退款的最大期限");
  }
  if (trade.refunds.length >= refunds_max) throw new WechatError(403, "RULE_LIMIT", "部分退款次数超限");
  if (claimedAmount(trade) + amount > trade.total) {
    throw new WechatError(400, "INVALID_REQUEST", "申请退款金额大于订单剩余可退金额");
  }
  if (claimedAmount(trade) + amount > trade.total - BigInt(sharedAmount(trade))) {
    throw new WechatError(403, "NOT_ENOUGH", "订单已分账，可退款余额不足，请先发起分账回退");
  }
}

/** Asks for a refund. The same number with the same content answers the same refund. */
export function requestRefund(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body } = call;
  const out_refund_no = requireText(body, "out_refund_no", 64);
  if (!/^[0-9A-Za-z_\-|*@]+$/.test(out_refund_no)) refuseField("/out_refund_no", out_refund_no, "格式不合法");
  const amounts = requireObject(body, "amount");
  const amount = requireFen(amounts, "refund");
  const total = requireFen(amounts, "total");
  if (requireText(amounts, "currency", 16, "/amount") !== "CNY") {
    refuseField("/amount/currency", amounts.currency, "仅支持CNY");
  }
  allowText(body, "reason", 80);
  const notify_url = body.notify_url === undefined ? undefined : requireNotifyUrl(body);
  const trade = findPaidTrade(sandbox, call);
  if (call.serial !== undefined) trade.serial = call.serial;
  const fingerprint = hash("sha256", canonicalize(body), "base64");
  const known = sandbox.wechat.refunds.get(`${trade.mchid}/${out_refund_no}`);
  if (known !== undefined) {
    if (known.refund.fingerprint === fingerprint) {
      return { status: 200, body: describeRefund(known.trade, known.refund) };
    }
    throw new WechatError(400, "INVALID_REQUEST", "商户退款单号重复，退款参数与之前请求不一致");
  }
  if (call.fault?.fault === "not_enough")
    throw new WechatError(403, "NOT_ENOUGH", "基本账户余额不足，请充值后重新发起");
  checkRefund(sandbox, trade, amount, total);
  const now_ms = sandbox.clock.now();
  const refund: WechatRefund = {
    out_refund_no,
    refund_id: `503${formatCompact(now_ms)}${sandbox.random.digits(3)}${sandbox.random.serial()}`,
    amount,
    status: "PROCESSING",
    fingerprint,
    created_at_ms: now_ms,
    ...(notify_url === undefined ? {} : { notify_url }),
  };
  trade.refunds.push(refund);
  trade.state = "REFUND";
  sandbox.wechat.refunds.set(`${trade.mchid}/${out_refund_no}`, { trade, refund });
  const answer = { status: 200, body: describeRefund(trade, refund) };
  planOutcome(sandbox, trade, refund, call.fault);
  sandbox.changed();
  return answer;
}

/** A refund ends as soon as it has been answered, unless a fault says how or when it ends. */
function planOutcome(sandbox: Sandbox, trade: WechatTrade, refund: WechatRefund, fault: Fault | undefined): void {
  if (fault?.fault === "refund_processing") {
    if (fault.delay_ms === undefined) return;
    sandbox.clock.schedule(
      sandbox.clock.now() + fault.delay_ms,
      () => void finishRefund(sandbox, trade, refund, "SUCCESS"),
    );
    return;
  }
  const outcomes = { refund_abnormal: "ABNORMAL", refund_closed: "CLOSED" } as const;
  const outcome =
    fault !== undefined && fault.fault in outcomes ? outcomes[fault.fault as keyof typeof outcomes] : "SUCCESS";
  setImmediate(() => finishRefund(sandbox, trade, refund, outcome));
}

/** Ends a refund that is under way (or abnormal) and announces it. False when it has ended already. */
export function finishRefund(
  sandbox: Sandbox,
  trade: WechatTrade,
  refund: WechatRefund,
  outcome: "SUCCESS" | "CLOSED" | "ABNORMAL",
): boolean {
  if (refund.status === "SUCCESS" || refund.status === "CLOSED" || refund.status === outcome) return false;
  refund.status = outcome;
  if (outcome === "SUCCESS") refund.success_at_ms = sandbox.clock.now();
  announce(sandbox, trade, `REFUND.${outcome}`, refund.out_refund_no);
  sandbox.changed();
  return true;
}

const destinations = ["USER_BANK_CARD", "MERCHANT_BANK_CARD"];

/** POST …/refunds/{refund_id}/apply-abnormal-refund: an abnormal refund goes to a card or to the merchant's own account. */
export function redirectRefund(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body, member } = call;
  const { sub_mchid } = readSubMerchant(member.merchant, body);
  const out_refund_no = requireText(body, "out_refund_no", 64);
  const type = requireText(body, "type", 32);
  if (!destinations.includes(type)) refuseField("/type", type, "取值不合法");
  if (type === "USER_BANK_CARD") {
    requireText(body, "bank_type", 16);
    for (const key of ["bank_account", "real_name"]) {
      if (readSealed(call, body, key) === undefined) refuseField(`/${key}`, undefined, "缺少必填参数");
    }
  }
  const found = sandbox.wechat.refunds.get(`${member.merchant.mchid}/${out_refund_no}`);
  if (found === undefined || found.refund.refund_id !== call.params.refund_id || found.trade.sub_mchid !== sub_mchid) {
    throw new WechatError(404, "RESOURCE_NOT_EXISTS", "退款单不存在");
  }
  const { trade, refund } = found;
  if (refund.status !== "ABNORMAL") throw new WechatError(400, "INVALID_REQUEST", "退款单状态不支持发起异常退款");
  refund.status = "PROCESSING";
  const answer = { status: 200, body: describeRefund(trade, refund) };
  planOutcome(sandbox, trade, refund, call.fault);
  sandbox.changed();
  return answer;
}

/** GET /v3/refund/domestic/refunds/{out_refund_no} */
export function queryRefund(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { merchant } = call.member;
  const { sub_mchid } = readSubMerchant(merchant, call.query);
  const found = sandbox.wechat.refunds.get(`${merchant.mchid}/${call.params.out_refund_no}`);
  if (found === undefined || found.trade.sub_mchid !== sub_mchid)
    throw new WechatError(404, "RESOURCE_NOT_EXISTS", "退款单不存在");
  return { status: 200, body: describeRefund(found.trade, found.refund) };
}
