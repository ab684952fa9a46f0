/**
 * Back notices (后台通知): an ordinary urlencoded form, signed like an answer, sent for what went through. A notice is a
 * signed statement of fact and carries no time of its own, so that age refuses nothing; repetition is harmless.
 */
import type { ChannelContext, NoticeReply, NoticeResult, WireNotice } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { openUnionpayAccount } from "./config.ts";
import { paidCodes } from "./errors.ts";
import { readPayment } from "./query.ts";
import { readRefund } from "./refund.ts";
import { findSignatureProblem, type Message } from "./verify.ts";

/** Verifies and reads a notice. Never throws. */
export async function readNotice(context: ChannelContext, notice: WireNotice): Promise<NoticeResult> {
  const message: Message = Object.fromEntries(new URLSearchParams(notice.body.toString("utf8")));
  const problem = findSignatureProblem(context, message);
  if (problem) return rejected(problem);
  const code = message.respCode ?? "";
  if (!paidCodes.has(code)) return { kind: "ignored", detail: `respCode ${code || "(none)"}` };
  switch (message.txnType) {
    case "01": {
      const payment = readPayment(context, message);
      return "kind" in payment ? rejected(payment.detail) : { kind: "payment_succeeded", payment };
    }
    case "04":
    case "31":
      return readRefundNotice(context, message);
    default:
      return { kind: "ignored", detail: `txnType ${message.txnType ?? "(none)"}` };
  }
}

/** A refund's facts name no merchant, so it is compared here. */
function readRefundNotice(context: ChannelContext, message: Message): NoticeResult {
  const differences = differenceOf("merId", openUnionpayAccount(context.account).mer_id, message.merId);
  if (differences.length > 0) return rejected(differences.join("; "));
  const refund = readRefund(context, message);
  if ("kind" in refund) return rejected(refund.detail);
  return { kind: "refund", refund, outcome: { kind: "succeeded", refund } };
}

/** Status 200 acknowledges; else UnionPay sends again, four times over seven minutes. */
export function replyToNotice(accepted: boolean): NoticeReply {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return accepted ? { status: 200, headers, body: "ok" } : { status: 400, headers, body: "fail" };
}

function rejected(detail: string): NoticeResult {
  return { kind: "rejected", detail };
}
