/**
 * Transfers to persons: POST /v3/fund-app/mch-transfer/transfer-bills, …/out-bill-no/{no}/cancel and the two questions. The
 * person confirms within a day, and the merchant is told how it ended.
 */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatCompact, formatRfc3339 } from "../kit/clock.ts";
import type { Notice, Parcel } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import { ControlError, type Fields, isFields } from "../kit/input.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";
import { isAccepted, makeNotice, sealLetter, wechat_reply_limit_ms, wechat_schedule_s } from "./notice.ts";
import { isProvider, ownsAppid } from "./owner.ts";
import { readSealed } from "./sensitive.ts";
import type { WechatTransfer } from "./state.ts";
import { canonicalize, refuseField, requireNotifyUrl, requireText } from "./validate.ts";

const confirm_ms = 86_400_000;
const name_from_fen = 200_000;
const transfers_max = 50_000;

function describe(transfer: WechatTransfer): Fields {
  return {
    mch_id: transfer.mchid,
    out_bill_no: transfer.out_bill_no,
    transfer_bill_no: transfer.transfer_bill_no,
    appid: transfer.appid,
    state: transfer.state,
    transfer_amount: transfer.amount,
    transfer_remark: transfer.remark,
    ...(transfer.fail_reason !== undefined && { fail_reason: transfer.fail_reason }),
    openid: transfer.openid,
    create_time: formatRfc3339(transfer.created_at_ms),
    update_time: formatRfc3339(transfer.updated_at_ms),
  };
}

/** What taking a transfer answers: the package only while the person is awaited. */
function answerPlaced(transfer: WechatTransfer): WechatAnswer {
  const { out_bill_no, transfer_bill_no, state, fail_reason, package_info } = transfer;
  const waits = state === "WAIT_USER_CONFIRM";
  return {
    status: 200,
    body: {
      out_bill_no,
      transfer_bill_no,
      create_time: formatRfc3339(transfer.created_at_ms),
      state,
      ...(fail_reason !== undefined && { fail_reason }),
      ...(waits && { package_info }),
    },
  };
}

function readTransfer(sandbox: Sandbox, call: WechatCall): WechatTransfer {
  const { body, member } = call;
  const { merchant } = member;
  const appid = requireText(body, "appid", 32);
  if (!ownsAppid(merchant, appid)) {
    throw new WechatError(400, "APPID_MCHID_NOT_MATCH", "商户号和appid没有绑定关系");
  }
  const out_bill_no = requireText(body, "out_bill_no", 32);
  if (!/^[0-9A-Za-z]+$/.test(out_bill_no)) refuseField("/out_bill_no", out_bill_no, "只能由数字、大小写字母组成");
  const amount = body.transfer_amount;
  if (!Number.isSafeInteger(amount) || Number(amount) < 1) refuseField("/transfer_amount", amount, "应为正整数");
  const user_name = readSealed(call, body, "user_name");
  if (user_name === undefined && Number(amount) >= name_from_fen) {
    refuseField("/user_name", undefined, "转账金额大于等于2000元时必填");
  }
  checkScene(body);
  const notify_url = body.notify_url === undefined ? undefined : requireNotifyUrl(body);
  const now_ms = sandbox.clock.now();
  return {
    mchid: merchant.mchid,
    appid,
    out_bill_no,
    transfer_bill_no: `13300${formatCompact(now_ms)}${sandbox.random.digits(11)}`,
    openid: requireText(body, "openid", 64),
    ...(user_name !== undefined && { user_name }),
    amount: Number(amount),
    remark: requireText(body, "transfer_remark", 32),
    ...(notify_url !== undefined && { notify_url }),
    state: "WAIT_USER_CONFIRM",
    package_info: sandbox.random.token(64),
    // The name is encrypted anew each time.
    fingerprint: hash("sha256", canonicalize({ ...body, user_name: user_name ?? "" }), "base64"),
    created_at_ms: now_ms,
    updated_at_ms: now_ms,
    ...(call.serial !== undefined && { serial: call.serial }),
    notices: [],
  };
}

function checkScene(body: Fields): void {
  const scene = requireText(body, "transfer_scene_id", 36);
  if (!/^\d{4}$/.test(scene)) refuseField("/transfer_scene_id", scene, "转账场景不存在");
  const reports = body.transfer_scene_report_infos;
  if (!Array.isArray(reports) || reports.length === 0) {
    refuseField("/transfer_scene_report_infos", reports, "转账场景报备信息必填");
  }
  for (const [index, item] of reports.entries()) {
    const path = `/transfer_scene_report_infos/${index}`;
    if (!isFields(item)) refuseField(path, item, "应为对象类型");
    requireText(item, "info_type", 15, path);
    requireText(item, "info_content", 32, path);
  }
}

/** Takes a transfer. The same number with the same content answers the same transfer, in its present state. */
export function placeTransfer(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { merchant } = call.member;
  if (isProvider(merchant)) throw new WechatError(403, "NO_AUTH", "当前商户号没有使用该接口的权限");
  const made = readTransfer(sandbox, call);
  const { transfers } = sandbox.wechat;
  const known = transfers.get(`${made.mchid}/${made.out_bill_no}`);
  if (known !== undefined) {
    if (known.fingerprint !== made.fingerprint) {
      throw new WechatError(400, "INVALID_REQUEST", "商户单号已存在，且请求参数不一致");
    }
    return answerPlaced(known);
  }
  if (call.fault?.fault === "not_enough") throw new WechatError(403, "NOT_ENOUGH", "商户账户资金不足");
  if (call.fault?.fault === "payout_processing") made.state = "ACCEPTED";
  transfers.set(`${made.mchid}/${made.out_bill_no}`, made);
  const [oldest] = transfers.keys();
  if (transfers.size > transfers_max && oldest !== undefined) transfers.delete(oldest);
  watchExpiry(sandbox, made);
  sandbox.changed();
  const answer = answerPlaced(made);
  if (call.fault?.fault === "payout_failed") setImmediate(() => end(sandbox, made, "FAIL", "ACCOUNT_FROZEN"));
  return answer;
}

/** Nobody confirmed within a day. */
function watchExpiry(sandbox: Sandbox, transfer: WechatTransfer): void {
  sandbox.clock.schedule(transfer.created_at_ms + confirm_ms, () => {
    const waits = transfer.state === "WAIT_USER_CONFIRM" || transfer.state === "ACCEPTED";
    if (waits) end(sandbox, transfer, "FAIL", "OVERDUE_CLOSE");
  });
}

function end(
  sandbox: Sandbox,
  transfer: WechatTransfer,
  state: "SUCCESS" | "FAIL" | "CANCELLED",
  fail_reason?: string,
): void {
  transfer.state = state;
  transfer.updated_at_ms = sandbox.clock.now();
  if (fail_reason !== undefined) transfer.fail_reason = fail_reason;
  sandbox.changed();
  const notice = makeNotice(sandbox, "MCHTRANSFER.BILL.FINISHED");
  const parcel = makeParcel(sandbox, transfer, notice);
  if (parcel === undefined) return;
  transfer.notices.push(notice);
  setImmediate(() => sandbox.deliveries.send(parcel));
}

function makeParcel(sandbox: Sandbox, transfer: WechatTransfer, notice: Notice): Parcel | undefined {
  const { mchid, serial, notify_url: url } = transfer;
  if (url === undefined) return undefined;
  return {
    channel: "wechat",
    merchant: mchid,
    trade: transfer.out_bill_no,
    notice,
    schedule_s: wechat_schedule_s,
    reply_limit_ms: wechat_reply_limit_ms,
    compose(mutation: FaultName | undefined) {
      const original_type = "mch_payment";
      const summary = "商家转账单据终态通知";
      const letter = { mchid, serial, notice, original_type, summary, event: describe(transfer), url };
      return sealLetter(sandbox, letter, mutation);
    },
    accepts: isAccepted,
  };
}

/** Takes a kept transfer up again: its expiry and the notices that were still due. */
export function restoreTransfer(sandbox: Sandbox, transfer: WechatTransfer): void {
  sandbox.wechat.transfers.set(`${transfer.mchid}/${transfer.out_bill_no}`, transfer);
  watchExpiry(sandbox, transfer);
  for (const notice of transfer.notices) {
    const parcel = notice.status === "pending" ? makeParcel(sandbox, transfer, notice) : undefined;
    if (parcel !== undefined) sandbox.deliveries.resume(parcel);
  }
}

/** By a number or by the package that a page got. Throws ControlError 404. */
export function findTransfer(sandbox: Sandbox, number: string): WechatTransfer {
  const found = [...sandbox.wechat.transfers.values()].find(({ out_bill_no, transfer_bill_no, package_info }) =>
    [out_bill_no, transfer_bill_no, package_info].includes(number),
  );
  if (found === undefined) throw new ControlError(404, `No transfer ${number}. 未找到转账单`);
  return found;
}

/** What the person does, or the channel with one that was only accepted. Throws ControlError 409. */
export function decideTransfer(
  sandbox: Sandbox,
  transfer: WechatTransfer,
  outcome: "accept" | "confirm" | "fail",
): WechatTransfer {
  const { state, out_bill_no } = transfer;
  if (state !== "WAIT_USER_CONFIRM" && state !== "ACCEPTED") {
    throw new ControlError(409, `Transfer ${out_bill_no} is ${state}. 转账单不可再确认`);
  }
  if (outcome === "fail") end(sandbox, transfer, "FAIL", "NAME_NOT_CORRECT");
  else if (outcome === "accept") transfer.state = "WAIT_USER_CONFIRM";
  else {
    transfer.state = "TRANSFERING";
    setImmediate(() => end(sandbox, transfer, "SUCCESS"));
  }
  sandbox.changed();
  return transfer;
}

function findOwn(sandbox: Sandbox, { member, params }: WechatCall): WechatTransfer {
  const { mchid } = member.merchant;
  const found =
    params.out_bill_no === undefined
      ? [...sandbox.wechat.transfers.values()].find((item) => item.transfer_bill_no === params.transfer_bill_no)
      : sandbox.wechat.transfers.get(`${mchid}/${params.out_bill_no}`);
  if (found?.mchid !== mchid) throw new WechatError(404, "NOT_FOUND", "记录不存在");
  return found;
}

/** GET …/out-bill-no/{out_bill_no} and …/transfer-bill-no/{transfer_bill_no} */
export function queryTransfer(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  return { status: 200, body: describe(findOwn(sandbox, call)) };
}

/** POST …/out-bill-no/{out_bill_no}/cancel: only before the person has confirmed; again for one that is cancelled. */
export function cancelTransfer(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const transfer = findOwn(sandbox, call);
  const { state, out_bill_no, transfer_bill_no } = transfer;
  if (!["WAIT_USER_CONFIRM", "ACCEPTED", "CANCELING", "CANCELLED"].includes(state)) {
    throw new WechatError(400, "INVALID_REQUEST", "当前单据状态不支持撤销");
  }
  if (state === "WAIT_USER_CONFIRM" || state === "ACCEPTED") {
    transfer.state = "CANCELING";
    setImmediate(() => end(sandbox, transfer, "CANCELLED"));
  }
  const update_time = formatRfc3339(sandbox.clock.now());
  return { status: 200, body: { out_bill_no, transfer_bill_no, state: transfer.state, update_time } };
}
