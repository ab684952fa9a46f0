/**
 * Starting a payment. A form that the payer's browser brings to UnionPay is signed here; a `tn`, a QR code and a charge
 * of a shown code are calls. Accepted (00) is never paid: the notice or the query tells.
 */
import type { ChannelContext, LocalOperation, Method, Operation, PayInput, PayOutcome } from "../contract.ts";
import { interpretRefusal, RequestRefused, unknown } from "../refusal.ts";
import { openUnionpayAccount } from "./config.ts";
import { payRefusals } from "./errors.ts";
import { type Address, addressOf, type Fields, signCall, signFields } from "./sign.ts";
import { toCompactTime } from "./times.ts";
import { type Message, readAnswer } from "./verify.ts";

const DESCRIPTION_LENGTH_MAX = 32;

/** Payments on a page and in an app are of the gateway's product, codes of their own. Every later call repeats it. */
export function bizTypeOf(method: Method): string {
  return method === "unionpay.web" || method === "unionpay.app" ? "000201" : "000000";
}

/** A browser: the form goes to UnionPay's page, which posts the payer back to `return_url`. */
export const payWeb: LocalOperation<PayInput, PayOutcome> = {
  async perform(context, input) {
    if (!input.return_url) throw new RequestRefused("RETURN_URL_REQUIRED", "UnionPay's page needs a return_url");
    const fields = await signFields(context, {
      ...orderOf(input, "01"),
      channelType: "07",
      frontUrl: input.return_url,
    });
    return { kind: "pending", action: { type: "form", url: addressOf(context, "frontTransReq"), fields } };
  },
};

/** The merchant's own app: UnionPay's SDK takes the `tn`. */
export const payApp = callFor("appTransReq", "01", ({ tn }) => tn && { type: "app", parameters: { tn } });

/** A QR code that the payer scans. */
export const payQr = callFor("backTransReq", "07", ({ qrCode }) => qrCode && { type: "qr_code", qr_code: qrCode });

/** The UnionPay app's own browser, for the payer that its authorization named: UnionPay's page there takes the order. */
export const payJs = callFor(
  "newAppTransReq",
  "01",
  ({ payUrl }) => (payUrl && /^https?:\/\//.test(payUrl) ? { type: "redirect", url: payUrl } : undefined),
  (_context, { payer, return_url }) => {
    if (!payer.user_id) throw new RequestRefused("PAYER_USER_ID_REQUIRED", "the payer's user_id is missing");
    return { tradeType: "mobileWeb", qrCodeType: "0", appUserId: payer.user_id, frontUrl: return_url };
  },
);

/** The code that the payer shows. */
export const payBarcode = callFor(
  "backTransReq",
  "06",
  () => ({ type: "none" }),
  (context, { payer }) => {
    if (!payer.auth_code) throw new RequestRefused("PAYER_AUTH_CODE_REQUIRED", "the payer's code is missing");
    return { qrNo: payer.auth_code, termId: openUnionpayAccount(context.account).terminal_id };
  },
);

type ReadAction = (data: Message) => Extract<PayOutcome, { kind: "pending" }>["action"] | "" | undefined;

function callFor(
  address: Address,
  txnSubType: string,
  readAction: ReadAction,
  more: (context: ChannelContext, input: PayInput) => Fields = () => ({}),
): Operation<PayInput, PayOutcome> {
  return {
    async toRequest(context, input) {
      return signCall(context, address, { ...orderOf(input, txnSubType), channelType: "08", ...more(context, input) });
    },
    fromResponse(context, input, response) {
      const answer = readAnswer(context, input.serial_no, response);
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "refused") return interpretRefusal(payRefusals, answer);
      const action = readAction(answer.data);
      return action ? { kind: "pending", action } : unknown("unreadable", "the answer lacks what the payer needs");
    },
  };
}

function orderOf(input: PayInput, txnSubType: string): Fields {
  return {
    txnType: "01",
    txnSubType,
    bizType: bizTypeOf(input.method),
    orderId: input.serial_no,
    txnTime: toCompactTime(input.created_at),
    txnAmt: String(input.amount.amount),
    currencyCode: "156",
    backUrl: input.notify_url,
    payTimeout: toCompactTime(input.expires_at),
    orderDesc: cleanText(input.subject),
  };
}

/** UnionPay's own separators, which it may echo unencoded, become spaces. Never cuts a character in half. */
function cleanText(text: string): string {
  const cut = text.replace(/[&={}[\]\s]+/g, " ").slice(0, DESCRIPTION_LENGTH_MAX);
  return (cut.isWellFormed() ? cut : cut.slice(0, -1)).trim();
}
