/**
 * Starting a payment. A QR code is made by a call (alipay.trade.precreate); the wap and page payments are signed here
 * and carried to Alipay by the payer's browser, so that no trade exists until they arrive there.
 */
import { toDecimal } from "../../kit/money.ts";
import { toBeijingTime } from "../beijing-time.ts";
import type { ChannelContext, LocalOperation, Operation, PayInput, PayOutcome } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { interpretAlipayRefusal, payRefusals } from "./errors.ts";
import { signAddress, signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const PRECREATE = "alipay.trade.precreate";
const SUBJECT_LENGTH_MAX = 256;
const BODY_LENGTH_MAX = 128;

/** A QR code. The trade appears at Alipay when the code is scanned. */
export const payQr: Operation<PayInput, PayOutcome> = {
  toRequest: (context, input) =>
    signCall(context, { method: PRECREATE, biz_content: orderOf(input), parameters: { notify_url: input.notify_url } }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, PRECREATE, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(payRefusals, answer);
    const differences = differenceOf("serial_no", input.serial_no, textOf(answer.data, "out_trade_no"));
    if (differences.length > 0) return unknown("integrity", differences.join("; "));
    const qr_code = textOf(answer.data, "qr_code");
    if (!qr_code) return unknown("unreadable", "the answer has no qr_code");
    return { kind: "pending", action: { type: "qr_code", qr_code } };
  },
};

/** A phone's browser. */
export const payWap = redirectTo("alipay.trade.wap.pay", "QUICK_WAP_WAY");

/** A computer's browser. */
export const payPage = redirectTo("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY");

function redirectTo(method: string, product_code: string): LocalOperation<PayInput, PayOutcome> {
  return {
    async perform(context: ChannelContext, input: PayInput): Promise<PayOutcome> {
      const biz_content = { ...orderOf(input), product_code };
      const parameters = { notify_url: input.notify_url, return_url: input.return_url };
      const url = await signAddress(context, { method, biz_content, parameters });
      return { kind: "pending", action: { type: "redirect", url } };
    },
  };
}

function orderOf(input: PayInput): JsonObject {
  return {
    out_trade_no: input.serial_no,
    total_amount: toDecimal(input.amount),
    subject: cleanText(input.subject, SUBJECT_LENGTH_MAX),
    ...(input.description ? { body: cleanText(input.description, BODY_LENGTH_MAX) } : {}),
    time_expire: toBeijingTime(input.expires_at),
  };
}

const forbidden: Readonly<Record<string, string>> = { "/": "／", "=": "＝", "&": "＆" };

/** Alipay forbids `/`, `=` and `&` in texts: their full-width forms are shown instead. Never cuts a character in half. */
export function cleanText(text: string, length_max: number): string {
  const cut = text.replace(/[/=&]/g, (character) => forbidden[character]!).slice(0, length_max);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
