/** alipay.fund.trans.uni.transfer and .common.query: money from the merchant's balance to a person, and the notice of it. */
import { hash } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatBeijing, formatCompact } from "../kit/clock.ts";
import { ControlError, type Fields, isFields } from "../kit/input.ts";
import { type AlipayCall, AlipayError, refuse } from "./answer.ts";
import { announceTransfer } from "./message.ts";
import { formatYuan, parseYuan } from "./money.ts";
import { nobody } from "./relation.ts";
import type { AlipayTransfer } from "./state.ts";
import { requireText } from "./trade.ts";

const amount_min = 10n;
/** From here on the law asks for a reason. */
const remark_amount_min = 5_000_000n;
const delayed_ms = 3_600_000;
const identity_types = ["ALIPAY_USER_ID", "ALIPAY_LOGON_ID", "ALIPAY_OPEN_ID"];

const field = (content: Fields, key: string, max: number) => requireText(content, key, max, "INVALID_PARAMETER");

/** Only applications with certificates may move money to persons. */
function checkMode({ member }: AlipayCall): void {
  if (member.merchant.mode === "certificate") return;
  throw new AlipayError("40006", "isv.insufficient-isv-permissions", "ISV权限不足：资金支出类接口须使用证书方式");
}

function readProduct(content: Fields): void {
  if (content.product_code !== "TRANS_ACCOUNT_NO_PWD" || content.biz_scene !== "DIRECT_TRANSFER") {
    refuse("INVALID_PARAMETER", "参数有误：product_code或biz_scene");
  }
}

function checkPayee(call: AlipayCall): string {
  const { payee_info } = call.content;
  if (!isFields(payee_info)) refuse("INVALID_PARAMETER", "参数有误：payee_info");
  const type = field(payee_info, "identity_type", 64);
  const identity = field(payee_info, "identity", 64);
  if (!identity_types.includes(type)) refuse("INVALID_PARAMETER", "参数有误：identity_type");
  if (type === "ALIPAY_USER_ID" && !/^2088\d{12}$/.test(identity)) refuse("INVALID_PARAMETER", "参数有误：identity");
  if (type === "ALIPAY_LOGON_ID") field(payee_info, "name", 128);
  if (identity === nobody) refuse("PAYEE_NOT_EXIST", "收款用户不存在");
  if (identity === call.owner.merchant.seller_id) refuse("PAYER_PAYEE_CANNOT_SAME", "收付款方不能相同");
  return identity;
}

function readAmount(content: Fields): bigint {
  const amount = parseYuan(content.trans_amount);
  if (amount === undefined) refuse("INVALID_PARAMETER", "参数有误：trans_amount");
  if (amount < amount_min) refuse("EXCEED_LIMIT_SM_MIN_AMOUNT", "请求金额低于单笔最小转账金额");
  if (amount >= remark_amount_min && typeof content.remark !== "string") {
    refuse("MEMO_REQUIRED_IN_TRANSFER_ERROR", "单笔转账金额达到50000元时，需要填写付款理由");
  }
  return amount;
}

/** What a transfer has come to by now. */
function statusOf(sandbox: Sandbox, transfer: AlipayTransfer): "DEALING" | "SUCCESS" | "FAIL" | "REFUND" {
  if (transfer.returned) return "REFUND";
  if (sandbox.clock.now() < transfer.due_at_ms) return "DEALING";
  return transfer.error_code === undefined ? "SUCCESS" : "FAIL";
}

/** The same transfer again is answered as it stands; another one under its number is refused. */
export function makeTransfer(sandbox: Sandbox, call: AlipayCall): Fields {
  checkMode(call);
  const { content, fault, owner } = call;
  const out_biz_no = field(content, "out_biz_no", 64);
  readProduct(content);
  field(content, "order_title", 128);
  const identity = checkPayee(call);
  const amount = readAmount(content);
  const fingerprint = hash("sha256", JSON.stringify([content.payee_info, String(amount)]), "base64");
  const key = `${owner.merchant.app_id}/${out_biz_no}`;
  const known = sandbox.alipay.transfers.get(key);
  if (known !== undefined) {
    if (known.fingerprint !== fingerprint) {
      refuse("PAYMENT_INFO_INCONSISTENCY", "两次请求商户单号一样，但是参数不一致");
    }
    return describeTransfer(sandbox, known, "trans_date");
  }
  const now_ms = sandbox.clock.now();
  const waits = fault?.fault === "payout_processing" || fault?.fault === "payout_failed";
  const transfer: AlipayTransfer = {
    app_id: owner.merchant.app_id,
    signer_id: call.member.merchant.app_id,
    out_biz_no,
    identity,
    amount,
    fingerprint,
    order_id: `${formatCompact(now_ms).slice(0, 8)}110070001502${sandbox.random.digits(14)}`,
    made_at_ms: now_ms,
    due_at_ms: waits ? now_ms + (fault.delay_ms ?? delayed_ms) : now_ms,
    ...(fault?.fault === "payout_failed" ? { error_code: "PAYEE_ACCOUNT_STATUS_ERROR" } : {}),
  };
  sandbox.alipay.transfers.set(key, transfer);
  sandbox.clock.schedule(transfer.due_at_ms, () => {
    announceTransfer(sandbox, transfer, describeTransfer(sandbox, transfer, "pay_date"));
  });
  sandbox.changed();
  return describeTransfer(sandbox, transfer, "trans_date");
}

function describeTransfer(sandbox: Sandbox, transfer: AlipayTransfer, time: "trans_date" | "pay_date"): Fields {
  const status = statusOf(sandbox, transfer);
  return {
    code: "10000",
    msg: "Success",
    out_biz_no: transfer.out_biz_no,
    order_id: transfer.order_id,
    status,
    ...(time === "pay_date" ? { trans_amount: formatYuan(transfer.amount) } : {}),
    ...(status === "SUCCESS"
      ? { pay_fund_order_id: transfer.order_id, [time]: formatBeijing(transfer.due_at_ms) }
      : {}),
    ...(status === "REFUND" ? { error_code: "PAYEE_ACCOUNT_STATUS_ERROR", fail_reason: "收款方退回" } : {}),
    ...(status === "FAIL" ? { error_code: transfer.error_code, fail_reason: "收款方账号异常" } : {}),
  };
}

/** What was paid comes back, as from an account that its bank refuses days later. */
export function returnTransfer(sandbox: Sandbox, out_biz_no: string): AlipayTransfer {
  const transfer = [...sandbox.alipay.transfers.values()].find((one) => one.out_biz_no === out_biz_no);
  if (transfer === undefined) throw new ControlError(404, `No transfer ${out_biz_no}.`);
  if (statusOf(sandbox, transfer) !== "SUCCESS") throw new ControlError(409, "Only a paid transfer comes back.");
  transfer.returned = true;
  sandbox.changed();
  announceTransfer(sandbox, transfer, describeTransfer(sandbox, transfer, "pay_date"));
  return transfer;
}

export function queryTransfer(sandbox: Sandbox, call: AlipayCall): Fields {
  checkMode(call);
  const { content, owner } = call;
  const out_biz_no = field(content, "out_biz_no", 64);
  readProduct(content);
  const found = sandbox.alipay.transfers.get(`${owner.merchant.app_id}/${out_biz_no}`);
  if (found === undefined) refuse("ORDER_NOT_EXIST", "转账订单不存在");
  return describeTransfer(sandbox, found, "pay_date");
}
