/**
 * Sharing: POST /v3/profitsharing/orders, …/orders/unfreeze and GET …/orders/{out_order_no}. Taken first, done later; each
 * receiver has a result of its own.
 */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact, formatRfc3339 } from "../kit/clock.ts";
import type { Fault } from "../kit/faults.ts";
import { ControlError, type Fields, isFields } from "../kit/input.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { readSubMerchant } from "./owner.ts";
import { findReceiver, readReceiver } from "./receivers.ts";
import { readSealed } from "./sensitive.ts";
import type { SharedPart, WechatSharing, WechatTrade } from "./state.ts";
import { canonicalize, refuseField, requireFen, requireText } from "./validate.ts";

const too_soon_ms = 60_000;
const window_ms = 30 * 86_400_000;
const share_ppm_max = 300_000n;
const parts_max = 50;
const sharings_max = 50;

export function describeSharing(trade: WechatTrade, sharing: WechatSharing): Fields {
  return {
    ...(trade.sub_mchid !== undefined && { sub_mchid: trade.sub_mchid }),
    transaction_id: trade.transaction_id,
    out_order_no: sharing.out_order_no,
    order_id: sharing.order_id,
    state: sharing.state,
    receivers: sharing.parts.map((part) => ({
      amount: part.amount,
      description: part.description,
      type: part.type,
      account: part.account,
      result: part.result,
      ...(part.fail_reason !== undefined && { fail_reason: part.fail_reason }),
      detail_id: part.detail_id,
      create_time: formatRfc3339(sharing.created_at_ms),
      ...(part.finished_at_ms !== undefined && { finish_time: formatRfc3339(part.finished_at_ms) }),
    })),
  };
}

/** A number of the merchant's for a sharing or a return. */
export function requireSharingNumber(body: Fields, key: string): string {
  const value = requireText(body, key, 64);
  if (!/^[0-9A-Za-z_\-|*@]+$/.test(value)) refuseField(`/${key}`, value, "格式不合法");
  return value;
}

/** What of a trade has been passed on, or is about to be, less what was given back. Whole fen. */
export function sharedAmount(trade: WechatTrade): number {
  const sharings = (trade.sharings ?? []).filter(({ kind }) => kind === "share");
  const parts = sharings.flatMap((sharing) => sharing.parts).filter(({ result }) => result !== "CLOSED");
  const returned = sharings.flatMap(({ returns }) => returns).filter(({ result }) => result !== "FAILED");
  const sum = (items: readonly { amount: number }[]) => items.reduce((total, { amount }) => total + amount, 0);
  return sum(parts) - sum(returned);
}

/** What of a trade is still held back. */
function heldAmount(trade: WechatTrade): number {
  if (trade.unfrozen) return 0;
  const refunded = trade.refunds.reduce((sum, { status, amount }) => (status === "CLOSED" ? sum : sum + amount), 0n);
  return Number(trade.total - refunded) - sharedAmount(trade);
}

function findSharedTrade(sandbox: Sandbox, call: WechatCall, transaction_id: string, fields: Fields): WechatTrade {
  const { merchant } = call.member;
  const { sub_mchid } = readSubMerchant(merchant, fields);
  const trade = sandbox.wechat.by_transaction.get(transaction_id);
  if (trade === undefined || trade.mchid !== merchant.mchid || trade.sub_mchid !== sub_mchid) {
    throw new WechatError(404, "RESOURCE_NOT_EXISTS", "订单不存在");
  }
  return trade;
}

function checkShareable(sandbox: Sandbox, trade: WechatTrade): void {
  const age_ms = sandbox.clock.now() - (trade.paid_at_ms ?? 0);
  if (!trade.profit_sharing) throw new WechatError(400, "INVALID_REQUEST", "非分账订单不支持分账");
  if (age_ms < too_soon_ms) throw new WechatError(400, "INVALID_REQUEST", "订单处理中，暂时无法分账，请稍后再试");
  if (trade.unfrozen || age_ms > window_ms)
    throw new WechatError(400, "INVALID_REQUEST", "订单已完结分账或超过可分账期限");
  if ((trade.sharings?.length ?? 0) >= sharings_max) throw new WechatError(403, "RULE_LIMIT", "分账次数超过限制");
}

function readParts(sandbox: Sandbox, call: WechatCall, trade: WechatTrade): SharedPart[] {
  const { receivers } = call.body;
  if (!Array.isArray(receivers) || receivers.length < 1 || receivers.length > parts_max) {
    refuseField("/receivers", receivers, `应为1至${parts_max}个接收方`);
  }
  return receivers.map((item, index) => {
    const path = `/receivers/${index}`;
    if (!isFields(item)) refuseField(path, item, "应为对象类型");
    return readPart(sandbox, call, trade, item, path);
  });
}

function readPart(sandbox: Sandbox, call: WechatCall, trade: WechatTrade, item: Fields, path: string): SharedPart {
  const receiver = readReceiver(call, item, path);
  const name = readSealed(call, item, "name", path);
  const named = { ...receiver, ...(trade.sub_mchid !== undefined && { sub_mchid: trade.sub_mchid }) };
  const known = findReceiver(call, named);
  if (known === undefined) throw new WechatError(400, "INVALID_REQUEST", "分账接收方未添加，请先添加分账接收方");
  if (name !== undefined && name !== known.name) {
    throw new WechatError(400, "INVALID_REQUEST", "分账接收方的姓名或全称不匹配");
  }
  const amount = Number(requireFen(item, "amount"));
  const description = requireText(item, "description", 80, path);
  return { ...receiver, amount, description, result: "PENDING", detail_id: numberOf(sandbox, "36011") };
}

function numberOf(sandbox: Sandbox, prefix: string): string {
  return `${prefix}${formatCompact(sandbox.clock.now())}${sandbox.random.digits(11)}`;
}

/** The sharing of this number, when it was asked for before with the same content. */
function findKnown(sandbox: Sandbox, call: WechatCall, out_order_no: string, fingerprint: string) {
  const known = sandbox.wechat.sharings.get(`${call.member.merchant.mchid}/${out_order_no}`);
  if (known === undefined) return undefined;
  // Unfreezing under the number of a sharing does nothing and says nothing of it, as the channel's does.
  const unfreezing = known.sharing.kind === "share" && call.body.receivers === undefined;
  if (known.sharing.fingerprint === fingerprint || unfreezing) return known;
  throw new WechatError(400, "INVALID_REQUEST", "商户分账单号重复，参数与之前请求不一致");
}

/** Names are encrypted anew each time: the same content is told without them. */
function fingerprintOf(body: Fields): string {
  const receivers = Array.isArray(body.receivers)
    ? body.receivers.map((item) => ({ ...(item as Fields), name: "" }))
    : [];
  return hash("sha256", canonicalize({ ...body, receivers }), "base64");
}

/** Takes a sharing. The same number with the same content answers the same sharing. */
export function placeSharing(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body } = call;
  const out_order_no = requireSharingNumber(body, "out_order_no");
  const trade = findSharedTrade(sandbox, call, requireText(body, "transaction_id", 32), body);
  if (typeof body.unfreeze_unsplit !== "boolean")
    refuseField("/unfreeze_unsplit", body.unfreeze_unsplit, "应为布尔类型");
  const parts = readParts(sandbox, call, trade);
  const fingerprint = fingerprintOf(body);
  const known = findKnown(sandbox, call, out_order_no, fingerprint);
  if (known !== undefined) return { status: 200, body: describeSharing(known.trade, known.sharing) };
  checkShareable(sandbox, trade);
  const asked = parts.reduce((sum, { amount }) => sum + amount, 0);
  if (asked > heldAmount(trade)) throw new WechatError(403, "NOT_ENOUGH", "分账金额不足");
  if (BigInt(sharedAmount(trade) + asked) * 1_000_000n > trade.total * share_ppm_max) {
    throw new WechatError(403, "RULE_LIMIT", "分账金额超过最大分账比例");
  }
  const sharing = file(sandbox, trade, { kind: "share", out_order_no, parts, fingerprint });
  const answer = { status: 200, body: describeSharing(trade, sharing) };
  if (body.unfreeze_unsplit) trade.unfrozen = true;
  planOutcome(sandbox, sharing, call.fault);
  return answer;
}

/** Gives what is left to the merchant. */
export function unfreeze(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { body } = call;
  const out_order_no = requireSharingNumber(body, "out_order_no");
  const trade = findSharedTrade(sandbox, call, requireText(body, "transaction_id", 32), body);
  const description = requireText(body, "description", 80);
  const fingerprint = fingerprintOf(body);
  const known = findKnown(sandbox, call, out_order_no, fingerprint);
  if (known !== undefined) return { status: 200, body: describeSharing(known.trade, known.sharing) };
  checkShareable(sandbox, trade);
  const rest: SharedPart = {
    type: "MERCHANT_ID",
    account: trade.sub_mchid ?? trade.mchid,
    amount: heldAmount(trade),
    description,
    result: "PENDING",
    detail_id: numberOf(sandbox, "36011"),
  };
  const sharing = file(sandbox, trade, { kind: "release", out_order_no, parts: [rest], fingerprint });
  const answer = { status: 200, body: describeSharing(trade, sharing) };
  trade.unfrozen = true;
  planOutcome(sandbox, sharing, call.fault);
  return answer;
}

function file(
  sandbox: Sandbox,
  trade: WechatTrade,
  made: Pick<WechatSharing, "kind" | "out_order_no" | "parts" | "fingerprint">,
): WechatSharing {
  const sharing: WechatSharing = {
    ...made,
    order_id: numberOf(sandbox, "30008"),
    state: "PROCESSING",
    created_at_ms: sandbox.clock.now(),
    returns: [],
  };
  trade.sharings = [...(trade.sharings ?? []), sharing];
  sandbox.wechat.sharings.set(`${trade.mchid}/${sharing.out_order_no}`, { trade, sharing });
  sandbox.changed();
  return sharing;
}

/** A sharing ends as soon as it has been answered, unless a fault says how or when it ends. */
function planOutcome(sandbox: Sandbox, sharing: WechatSharing, fault: Fault | undefined): void {
  const fails = fault?.fault === "payout_failed";
  if (fault?.fault !== "payout_processing") {
    setImmediate(() => finishSharing(sandbox, sharing, !fails));
  } else if (fault.delay_ms !== undefined) {
    sandbox.clock.schedule(sandbox.clock.now() + fault.delay_ms, () => finishSharing(sandbox, sharing, true));
  }
}

/** Ends a sharing; without `all`, its last receiver's account is out of order and gets nothing. */
export function finishSharing(sandbox: Sandbox, sharing: WechatSharing, all: boolean): void {
  if (sharing.state === "FINISHED") throw new ControlError(409, `Sharing ${sharing.out_order_no} has ended already.`);
  sharing.state = "FINISHED";
  for (const part of sharing.parts) {
    part.result = "SUCCESS";
    part.finished_at_ms = sandbox.clock.now();
  }
  const last = sharing.parts.at(-1);
  if (!all && last !== undefined) Object.assign(last, { result: "CLOSED", fail_reason: "ACCOUNT_ABNORMAL" });
  sandbox.changed();
}

/** GET …/orders/{out_order_no}?transaction_id= */
export function querySharing(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const trade = findSharedTrade(sandbox, call, requireText(call.query, "transaction_id", 32), call.query);
  const found = sandbox.wechat.sharings.get(`${trade.mchid}/${call.params.out_order_no}`);
  if (found?.trade !== trade) throw new WechatError(404, "RESOURCE_NOT_EXISTS", "记录不存在");
  return { status: 200, body: describeSharing(trade, found.sharing) };
}

/** GET …/transactions/{transaction_id}/amounts: what is left to share. */
export function queryHeldAmount(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { transaction_id = "" } = call.params;
  const trade = findSharedTrade(sandbox, call, transaction_id, call.query);
  return { status: 200, body: { transaction_id, unsplit_amount: heldAmount(trade) } };
}
