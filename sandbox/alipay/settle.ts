/** alipay.trade.order.settle and its query: parts of a paid trade that the merchant passes on, and the end of it. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatBeijing, formatCompact } from "../kit/clock.ts";
import type { Fault } from "../kit/faults.ts";
import { type Fields, isFields } from "../kit/input.ts";
import { type AlipayCall, refuse } from "./answer.ts";
import { formatYuan, parseYuan } from "./money.ts";
import { refundedAmount } from "./notice.ts";
import { findKnownTrade } from "./query.ts";
import { receiverKey, receiversOf } from "./relation.ts";
import type { AlipayPart, AlipaySettle, AlipayTrade } from "./state.ts";
import { requireField } from "./trade.ts";

/** Alipay asks to wait so long after the payment; here it refuses before. */
const delay_ms = 30_000;
const share_percent_max = 30n;
const receivers_max = { sync: 5, async: 50 };
const requests_max = { sync: 50, async: 300 };
/** How long an asynchronous part takes, and how long one that a fault delays. */
const async_ms = 1000;
const delayed_ms = 3_600_000;

type Mode = "sync" | "async";

/** What a part has come to by now. */
export function stateOf(sandbox: Sandbox, part: AlipayPart): "PROCESSING" | "SUCCESS" | "FAIL" {
  if (sandbox.clock.now() < part.due_at_ms) return "PROCESSING";
  return part.error_code === undefined ? "SUCCESS" : "FAIL";
}

/** What has been passed on, or is about to be, without what came back. */
export function sharedAmount(sandbox: Sandbox, trade: AlipayTrade): bigint {
  const parts = trade.settles.flatMap((settle) => settle.parts);
  const standing = parts.filter((part) => stateOf(sandbox, part) !== "FAIL");
  return standing.reduce((sum, part) => sum + part.amount - part.returned, 0n);
}

function readPart(sandbox: Sandbox, app_id: string, value: unknown, due_at_ms: number): AlipayPart {
  if (!isFields(value)) refuse("ACQ.INVALID_PARAMETER", "参数无效：royalty_parameters");
  const trans_in = requireField(value, "trans_in", 128);
  const trans_in_type = requireField(value, "trans_in_type", 16);
  const amount = parseYuan(value.amount);
  if (amount === undefined || amount < 1n) refuse("ACQ.INVALID_PARAMETER", "参数无效：amount不正确");
  if (!receiversOf(sandbox, app_id).has(receiverKey(trans_in_type, trans_in))) {
    refuse("ACQ.ROYALTY_RECEIVER_INVALID", "收入方不在分账关系内");
  }
  const detail_id = `${formatCompact(sandbox.clock.now())}${sandbox.random.digits(14)}`;
  return { trans_in, trans_in_type, amount, returned: 0n, detail_id, due_at_ms };
}

function checkShareable(sandbox: Sandbox, trade: AlipayTrade, mode: Mode, parts: number): void {
  if (trade.state === "TRADE_FINISHED") refuse("ACQ.TRADE_HAS_FINISHED", "交易已完结");
  const early = sandbox.clock.now() < (trade.paid_at_ms ?? Number.MAX_SAFE_INTEGER) + delay_ms;
  if (trade.state !== "TRADE_SUCCESS" || early || trade.settles.some((settle) => settle.finish)) {
    refuse("ACQ.ILLEGAL_SETTLE_STATE", "结算单状态不允许分账");
  }
  const others = trade.settles.filter((settle) => settle.parts.length > 0);
  if (others.some((settle) => settle.mode !== mode) && parts > 0) {
    refuse("ACQ.INVALID_PARAMETER", "参数无效：同步分账和异步分账不能混用");
  }
  if (others.length >= requests_max[mode] || parts > receivers_max[mode]) {
    refuse("ACQ.INVALID_PARAMETER", "参数无效：分账次数或收款方数超限");
  }
}

function checkAmount(sandbox: Sandbox, trade: AlipayTrade, parts: AlipayPart[]): void {
  const after = sharedAmount(sandbox, trade) + parts.reduce((sum, part) => sum + part.amount, 0n);
  if (after * 100n > trade.total * share_percent_max || after > trade.total - refundedAmount(trade)) {
    refuse("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "分账金额超过最大可分账金额");
  }
}

/** The last part fails, or takes an hour, when a fault says so. A synchronous request fails as a whole. */
function bend(mode: Mode, parts: AlipayPart[], fault: Fault | undefined): void {
  const last = parts.at(-1);
  if (last === undefined || fault === undefined) return;
  if (fault.fault === "payout_processing") last.due_at_ms += fault.delay_ms ?? delayed_ms;
  if (fault.fault !== "payout_failed") return;
  if (mode === "sync") refuse("ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH", "分账余额不足");
  last.error_code = "TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH";
}

/** The same request again is answered as before; another one under its number is refused. */
export function settleOrder(sandbox: Sandbox, call: AlipayCall): Fields {
  const { content } = call;
  requireField(content, "trade_no", 64);
  const trade = findKnownTrade(sandbox, call);
  const out_request_no = requireField(content, "out_request_no", 32);
  if (!/^\w+$/.test(out_request_no)) refuse("ACQ.INVALID_PARAMETER", "参数无效：out_request_no");
  const fingerprint = hash("sha256", JSON.stringify([content.royalty_parameters, content.extend_params]), "base64");
  const known = trade.settles.find((settle) => settle.out_request_no === out_request_no);
  if (known !== undefined) {
    if (known.fingerprint !== fingerprint) refuse("ACQ.DISCORDANT_REPEAT_REQUEST", "不一致的请求");
    return describeSettle(trade, known);
  }
  const settle = readSettle(sandbox, call, trade, { out_request_no, fingerprint });
  trade.settles.push(settle);
  sandbox.changed();
  return describeSettle(trade, settle);
}

function readSettle(
  sandbox: Sandbox,
  call: AlipayCall,
  trade: AlipayTrade,
  named: Pick<AlipaySettle, "out_request_no" | "fingerprint">,
): AlipaySettle {
  const { content, fault, owner } = call;
  const mode: Mode = content.royalty_mode === "async" ? "async" : "sync";
  const finish = isFields(content.extend_params) && content.extend_params.royalty_finish === "true";
  const list = Array.isArray(content.royalty_parameters) ? content.royalty_parameters : [];
  if (list.length === 0 && !finish) refuse("ACQ.INVALID_PARAMETER", "参数无效：royalty_parameters不能为空");
  checkShareable(sandbox, trade, mode, list.length);
  const now_ms = sandbox.clock.now();
  const due_at_ms = mode === "async" ? now_ms + async_ms : now_ms;
  const parts = list.map((value) => readPart(sandbox, owner.merchant.app_id, value, due_at_ms));
  checkAmount(sandbox, trade, parts);
  bend(mode, parts, fault);
  const settle_no = `${formatCompact(now_ms).slice(0, 8)}00253007${sandbox.random.digits(16)}`;
  return { ...named, settle_no, mode, finish, made_at_ms: now_ms, parts };
}

const describeSettle = (trade: AlipayTrade, settle: AlipaySettle): Fields => ({
  code: "10000",
  msg: "Success",
  trade_no: trade.trade_no,
  settle_no: settle.settle_no,
});

/** By `settle_no`, or by `trade_no` and `out_request_no` together. An unknown one is said to be no trade. */
export function querySettle(sandbox: Sandbox, call: AlipayCall): Fields {
  const { settle_no, out_request_no } = call.content;
  const trades =
    typeof settle_no === "string"
      ? [...sandbox.alipay.trades.values()].filter(({ app_id }) => app_id === call.owner.merchant.app_id)
      : [findKnownTrade(sandbox, call)];
  const found = trades
    .flatMap((trade) => trade.settles)
    .find((settle) => (settle_no ? settle.settle_no === settle_no : settle.out_request_no === out_request_no));
  if (found === undefined) refuse("ACQ.TRADE_NOT_EXIST", "交易不存在");
  return {
    code: "10000",
    msg: "Success",
    out_request_no: found.out_request_no,
    operation_dt: formatBeijing(found.made_at_ms),
    royalty_detail_list: found.parts.map((part) => describePart(sandbox, call.owner.merchant.seller_id, part)),
  };
}

function describePart(sandbox: Sandbox, seller_id: string, part: AlipayPart): Fields {
  const state = stateOf(sandbox, part);
  return {
    operation_type: "transfer",
    ...(state === "PROCESSING" ? {} : { execute_dt: formatBeijing(part.due_at_ms) }),
    trans_out: seller_id,
    trans_out_type: "userId",
    trans_in: part.trans_in,
    trans_in_type: part.trans_in_type,
    amount: formatYuan(part.amount),
    state,
    detail_id: part.detail_id,
    ...(state === "FAIL" ? { error_code: part.error_code, error_desc: "分账余额不足" } : {}),
  };
}

/** A return, planned before any money moves. */
export type PlannedReturn = { part: AlipayPart; amount: bigint }[];

/**
 * What a refund takes back from receivers. Face-to-face products take from each by proportion, whatever the request
 * says; the others take what the request says and no more.
 */
export function planReturns(sandbox: Sandbox, trade: AlipayTrade, call: AlipayCall, refund: bigint): PlannedReturn {
  const parts = trade.settles.flatMap((settle) => settle.parts);
  const received = parts.filter((part) => stateOf(sandbox, part) === "SUCCESS");
  if (trade.kind === "qr" || trade.kind === "code" || trade.kind === "create") {
    return received.map((part) => ({ part, amount: (part.amount * refund) / trade.total }));
  }
  const asked = Array.isArray(call.content.refund_royalty_parameters) ? call.content.refund_royalty_parameters : [];
  const plan = asked.map((value) => planReturn(received, value));
  if (plan.reduce((sum, { amount }) => sum + amount, 0n) > refund) {
    refuse("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "退分账金额超限");
  }
  return plan;
}

function planReturn(received: AlipayPart[], value: unknown): PlannedReturn[number] {
  if (!isFields(value)) refuse("ACQ.INVALID_PARAMETER", "参数无效：refund_royalty_parameters");
  const amount = parseYuan(value.amount);
  if (amount === undefined || amount < 1n) refuse("ACQ.INVALID_PARAMETER", "参数无效：amount不正确");
  const part = received.find(
    (item) => item.trans_in === value.trans_out && item.trans_in_type === (value.trans_out_type ?? "userId"),
  );
  if (part === undefined) refuse("ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST", "退分账收入方账户不存在");
  if (part.amount - part.returned < amount) refuse("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR", "退分账金额超限");
  return { part, amount };
}

/** Moves a planned return, and says what a refund answers about it. */
export function carryOutReturns(plan: PlannedReturn): Fields {
  for (const { part, amount } of plan) part.returned += amount;
  if (plan.length === 0) return {};
  return {
    refund_royaltys: plan.map(({ part, amount }) => ({
      royalty_type: "transfer",
      trans_out: part.trans_in,
      refund_amount: formatYuan(amount),
      result_code: "SUCCESS",
    })),
  };
}
