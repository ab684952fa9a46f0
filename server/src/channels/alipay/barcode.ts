/** Code payments: alipay.trade.pay with the code that the payer shows. */
import { fromBeijingTime } from "../beijing-time.ts";
import type { BarcodeRules, ChannelContext, Operation, PayInput, PayOutcome } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { cancel } from "./close.ts";
import { barcodeRefusals, interpretAlipayRefusal } from "./errors.ts";
import { orderOf } from "./pay.ts";
import { readYuan } from "./query.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const PAY = "alipay.trade.pay";
/** The trade exists, and its payer must confirm it. */
const WAITING = "10003";

/**
 * Takes the money by the payer's code. No notice is asked for: it could tell of a payment that was cancelled meanwhile,
 * and the query tells as much.
 */
export const payBarcode: Operation<PayInput, PayOutcome> = {
  async toRequest(context, input) {
    const { auth_code } = input.payer;
    if (!auth_code) throw new RequestRefused("PAYER_AUTH_CODE_REQUIRED", "alipay.barcode needs payer.auth_code");
    const biz_content = { ...orderOf(input), scene: "bar_code", auth_code, product_code: "FACE_TO_FACE_PAYMENT" };
    return signCall(context, { method: PAY, biz_content });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, PAY, response);
    if (answer.kind === "unknown") return answer;
    const waiting = answer.kind === "refused" && answer.code === WAITING;
    if (answer.kind === "refused" && !waiting) return interpretAlipayRefusal(barcodeRefusals, answer);
    const differences = differenceOf("serial_no", input.serial_no, textOf(answer.data, "out_trade_no"));
    if (differences.length > 0) return unknown("integrity", differences.join("; "));
    if (waiting) return { kind: "pending", action: { type: "none" } };
    return succeeded(context, answer.data);
  },
};

function succeeded({ clock }: ChannelContext, data: JsonObject): PayOutcome {
  const serial_no = textOf(data, "out_trade_no");
  const channel_trade_no = textOf(data, "trade_no");
  const amount = readYuan(data, "total_amount", textOf(data, "trans_currency"));
  if (!serial_no || !channel_trade_no || !amount) return unknown("unreadable", "a paid trade lacks its particulars");
  const paid_at = fromBeijingTime(textOf(data, "gmt_payment") ?? "") ?? clock.now();
  const payer = textOf(data, "buyer_user_id") ?? textOf(data, "buyer_open_id");
  const payment = { serial_no, channel_trade_no, amount, merchant: undefined, app: undefined, paid_at, payer };
  return { kind: "succeeded", payment };
}

/**
 * Alipay asks to query every 3 to 6 s for 30 to 60 s and then to cancel. It sets no earliest time for that; ours keeps a
 * cancellation from overtaking the call that pays.
 */
export const barcode: BarcodeRules = {
  query_interval_ms: 5_000,
  query_for_ms: 45_000,
  cancel_after_ms: 15_000,
  cancel,
};
