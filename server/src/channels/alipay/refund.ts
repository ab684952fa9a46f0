/** Refunds: alipay.trade.refund and alipay.trade.fastpay.refund.query. */
import { toDecimal } from "../../kit/money.ts";
import { fromBeijingTime } from "../beijing-time.ts";
import type { ChannelContext, ChannelRefund, Operation, RefundInput, RefundOutcome, Unknown } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { interpretAlipayRefusal, refundQueryRefusals, refundRefusals } from "./errors.ts";
import { cleanText } from "./pay.ts";
import { readYuan } from "./query.ts";
import { describeReturn } from "./sharing.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const REFUND = "alipay.trade.refund";
const REFUND_QUERY = "alipay.trade.fastpay.refund.query";
const REASON_LENGTH_MAX = 256;

/**
 * Only fund_change Y says that this call moved money. N (a repeated call, or a refund that is not done yet) is pending:
 * the refund query tells. The answer's refund_fee is the sum over all refunds of the trade, so that no amount of this
 * refund is echoed; a sum below this refund is an integrity error.
 */
export const refund: Operation<RefundInput, RefundOutcome> = {
  toRequest: async (context, input) =>
    signCall(context, {
      method: REFUND,
      biz_content: {
        trade_no: input.attempt.channel_trade_no,
        out_request_no: input.refund_no,
        refund_amount: toDecimal(input.amount),
        ...(input.reason ? { refund_reason: cleanText(input.reason, REASON_LENGTH_MAX) } : {}),
        ...(input.shared?.length ? { refund_royalty_parameters: describeReturn(input.shared) } : {}),
      },
    }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, REFUND, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(refundRefusals, answer);
    const { data } = answer;
    if (textOf(data, "fund_change") !== "Y") return { kind: "pending" };
    const total = readYuan(data, "refund_fee", undefined);
    if (total && total.amount < input.amount.amount) {
      return unknown("integrity", `the refunded total ${total.amount} is below this refund of ${input.amount.amount}`);
    }
    return { kind: "succeeded", refund: readRefund(context, data, "gmt_refund_pay") };
  },
};

/** An answer without refund_status means that Alipay has no such refund; ask no sooner than 10 s after asking for it. */
export const queryRefund: Operation<RefundInput, RefundOutcome> = {
  toRequest: (context, input) =>
    signCall(context, {
      method: REFUND_QUERY,
      biz_content: {
        trade_no: input.attempt.channel_trade_no,
        out_request_no: input.refund_no,
        query_options: ["gmt_refund_pay"],
      },
    }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, REFUND_QUERY, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(refundQueryRefusals, answer);
    const { data } = answer;
    const status = textOf(data, "refund_status");
    if (status === undefined) return { kind: "not_found" };
    if (status !== "REFUND_SUCCESS") return { kind: "pending" };
    const echoed = {
      ...readRefund(context, data, "gmt_refund_pay"),
      amount: readYuan(data, "refund_amount", undefined),
    };
    return { kind: "succeeded", refund: { ...echoed, refund_no: textOf(data, "out_request_no") } };
  },
};

/** An answer about another refund, or another trade's. */
function findStranger({ refund_no, attempt }: RefundInput, data: JsonObject): Unknown | undefined {
  const differences = [
    ...differenceOf("refund_no", refund_no, textOf(data, "out_request_no")),
    ...differenceOf("serial_no", attempt.serial_no, textOf(data, "out_trade_no")),
  ];
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : undefined;
}

/** Alipay has no number of its own for a refund: it is found by the trade and our number. */
function readRefund({ clock }: ChannelContext, data: JsonObject, timeField: string): ChannelRefund {
  return {
    refund_no: undefined,
    serial_no: textOf(data, "out_trade_no"),
    channel_refund_no: undefined,
    amount: undefined,
    refunded_at: fromBeijingTime(textOf(data, timeField) ?? "") ?? clock.now(),
  };
}
