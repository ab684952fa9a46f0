/**
 * Starting a payment. A QR code is made by a call (alipay.trade.precreate), and so is a trade for
 * a known buyer (alipay.trade.create). The wap, page and app payments are signed here and carried to Alipay by the
 * payer's browser or phone, so that no trade exists until they arrive there.
 */
import { toDecimal } from "../../kit/money.ts";
import { toBeijingTime } from "../beijing-time.ts";
import type { ChannelContext, LocalOperation, Operation, PayInput, PayOutcome } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { type AlipayAccount, openAlipayAccount } from "./config.ts";
import { interpretAlipayRefusal, payRefusals } from "./errors.ts";
import { signAddress, signCall, signOrderString } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const PRECREATE = "alipay.trade.precreate";
const CREATE = "alipay.trade.create";
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

/** Inside Alipay (a mini program or its browser): a trade for one buyer, whose number the page hands to `tradePay`. */
export const payJsapi: Operation<PayInput, PayOutcome> = {
  async toRequest(context, input) {
    const { op_app_id, payer_id } = openAlipayAccount(context.account);
    const product = op_app_id === undefined ? {} : { product_code: "JSAPI_PAY", op_app_id };
    const biz_content = { ...orderOf(input), ...buyerOf(input, payer_id), ...product };
    return signCall(context, { method: CREATE, biz_content, parameters: { notify_url: input.notify_url } });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, CREATE, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(payRefusals, answer);
    const differences = differenceOf("serial_no", input.serial_no, textOf(answer.data, "out_trade_no"));
    if (differences.length > 0) return unknown("integrity", differences.join("; "));
    const tradeNO = textOf(answer.data, "trade_no");
    if (!tradeNO) return unknown("unreadable", "the answer has no trade_no");
    return { kind: "pending", action: { type: "jsapi", parameters: { tradeNO } } };
  },
};

/**
 * Old applications know a buyer by a user id (2088…), new ones by an open id; `payer.buyer_id` is either, as the account
 * says or, where it does not, by its form.
 */
function buyerOf({ payer: { buyer_id } }: PayInput, payer_id: AlipayAccount["payer_id"]): JsonObject {
  if (!buyer_id) throw new RequestRefused("PAYER_BUYER_ID_REQUIRED", "alipay.jsapi needs payer.buyer_id");
  const kind = payer_id ?? (/^2088\d{12}$/.test(buyer_id) ? "user_id" : "open_id");
  return kind === "user_id" ? { buyer_id } : { buyer_open_id: buyer_id };
}

/** The merchant's own app: an order string, signed here, that the app hands to Alipay's SDK. */
export const payApp: LocalOperation<PayInput, PayOutcome> = {
  async perform(context, input) {
    const biz_content = { ...orderOf(input), product_code: "QUICK_MSECURITY_PAY" };
    const parameters = { notify_url: input.notify_url };
    const order_string = await signOrderString(context, { method: "alipay.trade.app.pay", biz_content, parameters });
    return { kind: "pending", action: { type: "app", order_string } };
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

/** What every order says, whatever its product. */
export function orderOf(input: PayInput): JsonObject {
  return {
    out_trade_no: input.serial_no,
    total_amount: toDecimal(input.amount),
    subject: cleanText(input.subject, SUBJECT_LENGTH_MAX),
    ...(input.description ? { body: cleanText(input.description, BODY_LENGTH_MAX) } : {}),
    time_expire: toBeijingTime(input.expires_at),
    ...(input.sharing ? { extend_params: { royalty_freeze: "true" } } : {}),
  };
}

const forbidden: Readonly<Record<string, string>> = { "/": "／", "=": "＝", "&": "＆" };

/** Alipay forbids `/`, `=` and `&` in texts: their full-width forms are shown instead. Never cuts a character in half. */
export function cleanText(text: string, length_max: number): string {
  const cut = text.replace(/[/=&]/g, (character) => forbidden[character]!).slice(0, length_max);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
