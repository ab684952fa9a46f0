/** Refunds: POST /v3/refund/domestic/refunds and GET /v3/refund/domestic/refunds/{out_refund_no}. */
import { fromRfc3339 } from "../beijing-time.ts";
import type {
  ChannelContext,
  ChannelFailure,
  ChannelRefund,
  Operation,
  RefundInput,
  RefundOutcome,
  WireResponse,
} from "../contract.ts";
import { differenceOf, echoedMoney } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { asObject, integerOf, type JsonObject, textOf } from "../wire-json.ts";
import { interpretRefundRefusal, interpretWechatRefusal, refundQueryRefusals } from "./errors.ts";
import { subMerchantOf } from "./parties.ts";
import { truncate, wireAmount } from "./pay.ts";
import { signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const REASON_BYTES_MAX = 80;

export const refund: Operation<RefundInput, RefundOutcome> = {
  async toRequest(context, input) {
    const body = {
      ...subMerchantOf(context),
      transaction_id: input.attempt.channel_trade_no,
      out_refund_no: input.refund_no,
      ...(input.reason ? { reason: truncateBytes(input.reason, REASON_BYTES_MAX) } : {}),
      // Always sent: without it the notice goes to the address of the platform's settings, in the format of v2.
      notify_url: input.notify_url,
      amount: {
        refund: wireAmount(input.amount.amount),
        total: wireAmount(input.attempt.amount.amount),
        currency: input.amount.currency,
      },
    };
    return signRequest(context, { method: "POST", path: "/v3/refund/domestic/refunds", body });
  },
  fromResponse: (context, input, response) => readRefundResponse(context, input, response, interpretRefundRefusal),
};

export const queryRefund: Operation<RefundInput, RefundOutcome> = {
  toRequest(context, { refund_no }) {
    const about = new URLSearchParams(subMerchantOf(context) as Record<string, string>).toString();
    const path = `/v3/refund/domestic/refunds/${encodeURIComponent(refund_no)}${about && `?${about}`}`;
    return signRequest(context, { method: "GET", path });
  },
  fromResponse: (context, input, response) =>
    readRefundResponse(context, input, response, (refusal) => interpretWechatRefusal(refundQueryRefusals, refusal)),
};

/** Every state, also one that ends the refund without money, is believed only of the refund that was asked about. */
function readRefundResponse(
  context: ChannelContext,
  input: RefundInput,
  response: WireResponse,
  interpret: (refusal: ChannelFailure) => RefundOutcome,
): RefundOutcome {
  const answer = readAnswer(context, response);
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return interpret(answer);
  const differences = [
    ...differenceOf("refund_no", input.refund_no, textOf(answer.data, "out_refund_no")),
    ...differenceOf("serial_no", input.attempt.serial_no, textOf(answer.data, "out_trade_no")),
  ];
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  return readRefundState(context, answer.data, textOf(answer.data, "status"));
}

/**
 * ABNORMAL means that the payer's card or account took no money back and a person must choose another way at WeChat
 * Pay's portal: the money has left the merchant's balance and has not arrived, so it stays pending and says why.
 */
export function readRefundState(context: ChannelContext, data: JsonObject, status: string | undefined): RefundOutcome {
  switch (status) {
    case "SUCCESS":
      return { kind: "succeeded", refund: readRefund(context, data) };
    case "PROCESSING":
      return { kind: "pending" };
    case "ABNORMAL":
      return {
        kind: "pending",
        detail: "ABNORMAL: the payer's account refused the money; a person must act at WeChat Pay",
      };
    case "CLOSED":
      return { kind: "failed", failure: { code: status, message: "WeChat Pay closed the refund" } };
    default:
      return unknown("unreadable", `the refund status ${status ?? "(none)"} is not known`);
  }
}

/** The facts of a refund, from an answer or from a notice (whose amounts carry no currency: domestic refunds are CNY). */
export function readRefund(context: ChannelContext, data: JsonObject): ChannelRefund {
  const amounts = asObject(data.amount);
  return {
    refund_no: textOf(data, "out_refund_no"),
    serial_no: textOf(data, "out_trade_no"),
    channel_refund_no: textOf(data, "refund_id"),
    amount: echoedMoney(integerOf(amounts, "refund"), textOf(amounts, "currency") ?? "CNY"),
    refunded_at: fromRfc3339(textOf(data, "success_time") ?? "") ?? context.clock.now(),
  };
}

function truncateBytes(text: string, bytes_max: number): string {
  let out = truncate(text, bytes_max);
  while (Buffer.byteLength(out) > bytes_max) out = truncate(out, out.length - 1);
  return out;
}
