/** alipay.trade.royalty.relation.*: with whom a merchant may share. Receivers are not asked. */
import type { Sandbox } from "../context.ts";
import { type Fields, isFields } from "../kit/input.ts";
import { type AlipayCall, refuse } from "./answer.ts";
import type { AlipayReceiver } from "./state.ts";
import { requireField } from "./trade.ts";

const list_length_max = 20;
const receivers_max = 20_000;
const page_size_max = 100;

/** The account of nobody: sharing with it and transferring to it is refused. */
export const nobody = "2088000000000000";

/** Whom the merchant has bound, by type and account. */
export function receiversOf(sandbox: Sandbox, app_id: string): Map<string, AlipayReceiver> {
  const known = sandbox.alipay.receivers.get(app_id) ?? new Map<string, AlipayReceiver>();
  sandbox.alipay.receivers.set(app_id, known);
  return known;
}

/** How a receiver is filed. */
export const receiverKey = (type: unknown, account: unknown): string => `${String(type)}/${String(account)}`;

function readReceiver(value: unknown): AlipayReceiver {
  if (!isFields(value)) refuse("ACQ.INVALID_PARAMETER", "参数无效：receiver_list");
  const { type } = value;
  if (type !== "userId" && type !== "loginName" && type !== "openId") {
    refuse("ACQ.INVALID_RECEIVER_TYPE", "分账收款方类型参数非法");
  }
  const account = requireField(value, "account", 128);
  if (type === "userId" && !/^2088\d{12}$/.test(account)) refuse("ACQ.INVALID_PARAMETER", "参数无效：account");
  if (account === nobody) refuse("ACQ.USER_NOT_EXIST", "分账接收方不存在");
  if (type === "loginName") requireField(value, "name", 256);
  return { type, account, ...(typeof value.memo === "string" ? { memo: value.memo } : {}) };
}

/** A request whose number was used before does nothing, and says that all is well. */
function readRequest(sandbox: Sandbox, call: AlipayCall): AlipayReceiver[] {
  const { content } = call;
  const number = requireField(content, "out_request_no", 32);
  if (!/^\w+$/.test(number)) refuse("ACQ.INVALID_PARAMETER", "参数无效：out_request_no");
  const list = content.receiver_list;
  if (!Array.isArray(list) || list.length === 0) refuse("ACQ.RECEIVER_LIST_EMPTY", "分账收款方列表为空");
  if (list.length > list_length_max) refuse("ACQ.INVALID_PARAMETER", "参数无效：receiver_list最多20个");
  const receivers = list.map(readReceiver);
  const request = `${call.owner.merchant.app_id}/${number}`;
  if (sandbox.alipay.relation_requests.has(request)) return [];
  sandbox.alipay.relation_requests.add(request);
  sandbox.changed();
  return receivers;
}

const done: Fields = { code: "10000", msg: "Success", result_code: "SUCCESS" };

export function bindReceivers(sandbox: Sandbox, call: AlipayCall): Fields {
  const known = receiversOf(sandbox, call.owner.merchant.app_id);
  for (const receiver of readRequest(sandbox, call)) {
    if (known.size >= receivers_max) refuse("ACQ.RELATION_QUANTITY_LIMIT", "达到分账关系集数量上限");
    known.set(receiverKey(receiver.type, receiver.account), receiver);
  }
  return done;
}

export function unbindReceivers(sandbox: Sandbox, call: AlipayCall): Fields {
  const known = receiversOf(sandbox, call.owner.merchant.app_id);
  // A name is asked for with a login name only where it is bound.
  const list = Array.isArray(call.content.receiver_list) ? call.content.receiver_list : [];
  const content = { ...call.content, receiver_list: list.map((item) => ({ name: "-", ...(isFields(item) && item) })) };
  for (const { type, account } of readRequest(sandbox, { ...call, content })) known.delete(receiverKey(type, account));
  return done;
}

export function listReceivers(sandbox: Sandbox, call: AlipayCall): Fields {
  requireField(call.content, "out_request_no", 32);
  const all = [...receiversOf(sandbox, call.owner.merchant.app_id).values()];
  const size = Math.min(Math.max(1, Number(call.content.page_size ?? 20) || 20), page_size_max);
  const page = Math.max(1, Number(call.content.page_num ?? 1) || 1);
  return {
    ...done,
    receiver_list: all.slice((page - 1) * size, page * size),
    total_page_num: Math.ceil(all.length / size),
    total_record_num: all.length,
    current_page_num: page,
    current_page_size: size,
  };
}
