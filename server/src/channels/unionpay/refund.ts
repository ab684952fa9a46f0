/**
 * Refunds (退货, 04) and undos on the day of the payment (消费撤销, 31). Each is an order of its own, found by its own
 * number and time; accepted (00) is not done.
 */
import type { ChannelContext, ChannelRefund, Operation, RefundInput, RefundOutcome, Unknown } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { openUnionpayAccount } from "./config.ts";
import { paidCodes, queryRefusals, refundEndings, refundRefusals, UNDER_WAY } from "./errors.ts";
import { bizTypeOf } from "./pay.ts";
import { askForOrder, readAmount, readEnding } from "./query.ts";
import { signCall } from "./sign.ts";
import { fromTraceTime, settlementDay, toCompactTime } from "./times.ts";
import { type Message, readAnswer } from "./verify.ts";

export const refund: Operation<RefundInput, RefundOutcome> = {
  async toRequest(context, input) {
    const { attempt } = input;
    return signCall(context, "backTransReq", {
      txnType: isUndo(context, input) ? "31" : "04",
      txnSubType: "00",
      bizType: bizTypeOf(attempt.method),
      channelType: attempt.method === "unionpay.web" ? "07" : "08",
      orderId: input.refund_no,
      txnTime: toCompactTime(input.created_at),
      origQryId: attempt.channel_trade_no,
      txnAmt: String(input.amount.amount),
      backUrl: input.notify_url,
    });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, input.refund_no, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretRefusal(refundRefusals, answer);
    return { kind: "pending" };
  },
};

/**
 * Decided by what never changes between two tries, so that a refund is asked for in one way only. The payment lies
 * between the order's creation and the refund's: when both are of one day, so is the payment.
 */
function isUndo({ account }: ChannelContext, { attempt, amount, created_at }: RefundInput): boolean {
  const sameDay = settlementDay(attempt.created_at) === settlementDay(created_at);
  return openUnionpayAccount(account).same_day_refund === "undo" && sameDay && attempt.amount.amount === amount.amount;
}

export const queryRefund: Operation<RefundInput, RefundOutcome> = {
  toRequest: (context, { refund_no, created_at, attempt }) =>
    askForOrder(context, { order_id: refund_no, created_at }, bizTypeOf(attempt.method)),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, input.refund_no, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretRefusal(queryRefusals, answer);
    const { data } = answer;
    const differences = differenceOf("origQryId", input.attempt.channel_trade_no, data.origQryId);
    if (differences.length > 0) return unknown("integrity", differences.join("; "));
    const code = data.origRespCode ?? "";
    if (code === UNDER_WAY) return { kind: "pending" };
    if (!paidCodes.has(code)) return readEnding(data, refundEndings);
    const echoed = readRefund(context, data);
    return "kind" in echoed ? echoed : { kind: "succeeded", refund: echoed };
  },
};

/** The facts of a refund that went through, as answers and notices state them alike. Its payment is echoed by queryId only. */
export function readRefund({ clock }: ChannelContext, data: Message): ChannelRefund | Unknown {
  const amount = readAmount(data);
  if ("kind" in amount) return amount;
  return {
    refund_no: data.orderId,
    serial_no: undefined,
    channel_refund_no: data.queryId,
    amount,
    refunded_at: fromTraceTime(data.traceTime ?? "", data.txnTime ?? "") ?? clock.now(),
  };
}
