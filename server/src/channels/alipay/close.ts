/** Ending a trade: alipay.trade.close for an unpaid one, alipay.trade.cancel whatever its state. */
import type { AttemptReference, CloseOutcome, Operation } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { textOf } from "../wire-json.ts";
import { cancelRefusals, closeRefusals, interpretAlipayRefusal } from "./errors.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const CLOSE = "alipay.trade.close";
const CANCEL = "alipay.trade.cancel";

/** The trade of an unscanned QR code does not exist: not_found, and the code still works until it expires. */
export const close: Operation<AttemptReference, CloseOutcome> = {
  toRequest: (context, { serial_no }) => signCall(context, { method: CLOSE, biz_content: { out_trade_no: serial_no } }),
  fromResponse(context, _input, response) {
    const answer = readAnswer(context, CLOSE, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(closeRefusals, answer);
    return { kind: "closed" };
  },
};

/** `action` tells what it did (close, or refund of a paid trade); `retry_flag` Y means that it has not done it yet. */
export const cancel: Operation<AttemptReference, CloseOutcome> = {
  toRequest: (context, { serial_no }) =>
    signCall(context, { method: CANCEL, biz_content: { out_trade_no: serial_no } }),
  fromResponse(context, _input, response) {
    const answer = readAnswer(context, CANCEL, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(cancelRefusals, answer);
    if (textOf(answer.data, "retry_flag") === "Y") return unknown("system_error", "Alipay asks to cancel again");
    return { kind: "closed" };
  },
};
