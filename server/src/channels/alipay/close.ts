/** Ending a trade: alipay.trade.close for an unpaid one, alipay.trade.cancel whatever its state. */
import type { AttemptReference, CloseOutcome, Operation, Unknown } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { cancelRefusals, closeRefusals, interpretAlipayRefusal } from "./errors.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const CLOSE = "alipay.trade.close";
const CANCEL = "alipay.trade.cancel";

/** The trade of an unscanned QR code does not exist: not_found, and the code still works until it expires. */
export const close: Operation<AttemptReference, CloseOutcome> = {
  toRequest: (context, { serial_no }) => signCall(context, { method: CLOSE, biz_content: { out_trade_no: serial_no } }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, CLOSE, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(closeRefusals, answer);
    return { kind: "closed" };
  },
};

/**
 * `action` tells what it did (close, or refund of a paid trade); `retry_flag` Y means that it has not done it yet. Without
 * either there is no such trade: the call that makes it may still be on its way.
 */
export const cancel: Operation<AttemptReference, CloseOutcome> = {
  toRequest: (context, { serial_no }) =>
    signCall(context, { method: CANCEL, biz_content: { out_trade_no: serial_no } }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, CANCEL, response);
    if (answer.kind === "unknown") return answer;
    const stranger = findStranger(input, answer.data);
    if (stranger) return stranger;
    if (answer.kind === "refused") return interpretAlipayRefusal(cancelRefusals, answer);
    if (textOf(answer.data, "retry_flag") === "Y") return unknown("system_error", "Alipay asks to cancel again");
    return { kind: textOf(answer.data, "action") ? "closed" : "not_found" };
  },
};

/** An answer about another trade than the one that was to end. */
function findStranger({ serial_no }: AttemptReference, data: JsonObject): Unknown | undefined {
  const differences = differenceOf("serial_no", serial_no, textOf(data, "out_trade_no"));
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : undefined;
}
