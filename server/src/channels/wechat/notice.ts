/** Notices: https://pay.weixin.qq.com/doc/v3/merchant/4012791861 (payment) and …/4012791865 (refund). */
import type { ChannelContext, NoticeReply, NoticeResult, WireNotice } from "../contract.ts";
import { asObject, type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount, type WechatAccount } from "./config.ts";
import { differencesOfMerchants, merchantOf, readParties } from "./parties.ts";
import { readPayment } from "./query.ts";
import { readRefund, readRefundState } from "./refund.ts";
import { decryptResource } from "./resource.ts";
import { findSignatureProblem } from "./verify.ts";

/** Verifies, decrypts and reads a notice. A stale timestamp is refused with the signature. Never throws. */
export async function readNotice(context: ChannelContext, notice: WireNotice): Promise<NoticeResult> {
  let account: WechatAccount;
  try {
    account = openWechatAccount(context.account);
  } catch {
    return rejected("the account's keys cannot be read");
  }
  const problem = findSignatureProblem(context, notice.headers, notice.body);
  if (problem) return rejected(problem);
  const event = parseJsonObject(notice.body.toString("utf8"));
  const event_type = textOf(event, "event_type");
  if (!event || !event_type) return rejected("the notice is not an event");
  const opened = decryptResource(account.api_v3_key, asObject(event.resource));
  const data = opened === undefined ? undefined : parseJsonObject(opened);
  if (!data) return rejected("the resource does not open with the APIv3 key");
  if (event_type === "TRANSACTION.SUCCESS") return readPaymentEvent(account, data);
  if (event_type.startsWith("REFUND.")) return readRefundEvent(context, account, data);
  if (event_type === "MCHTRANSFER.BILL.FINISHED") return readTransferEvent(account, data);
  return { kind: "ignored", detail: `event ${event_type}` };
}

/** The merchant and the app are compared with the attempt's; a service provider's own number only here. */
function readPaymentEvent(account: WechatAccount, data: JsonObject): NoticeResult {
  if (textOf(data, "sp_mchid") !== (account.sub_mchid && account.mchid)) {
    return rejected("the transaction is of another service provider, or of none");
  }
  const state = textOf(data, "trade_state");
  if (state !== "SUCCESS") return rejected(`a success event with the trade state ${state ?? "(none)"}`);
  const payment = readPayment(data);
  return payment ? { kind: "payment_succeeded", payment } : rejected("the transaction lacks its particulars");
}

/** What became of it is asked: the notice tells no more than the question does. */
function readTransferEvent(account: WechatAccount, data: JsonObject): NoticeResult {
  const transfer_no = textOf(data, "out_bill_no");
  if (textOf(data, "mch_id") !== account.mchid) return rejected("the transfer is another merchant's");
  return transfer_no ? { kind: "ask_transfer", transfer_no } : rejected("the transfer has no number");
}

/** A refund event is about our refund only when its merchant is ours: unlike a payment it carries no app to compare. */
function readRefundEvent(context: ChannelContext, account: WechatAccount, data: JsonObject): NoticeResult {
  const { merchant } = readParties(data);
  const [difference] = differencesOfMerchants(account, data);
  if (merchant !== merchantOf(account) || difference) return rejected("the refund is of another merchant");
  const outcome = readRefundState(context, data, textOf(data, "refund_status"));
  if (outcome.kind === "unknown") return rejected(outcome.detail);
  return { kind: "refund", refund: readRefund(context, data), outcome };
}

/** 204 acknowledges; anything else is sent again up to fifteen times over a day. */
export function replyToNotice(accepted: boolean): NoticeReply {
  if (accepted) return { status: 204, headers: {}, body: "" };
  const body = JSON.stringify({ code: "FAIL", message: "not accepted" });
  return { status: 400, headers: { "content-type": "application/json" }, body };
}

function rejected(detail: string): NoticeResult {
  return { kind: "rejected", detail };
}
