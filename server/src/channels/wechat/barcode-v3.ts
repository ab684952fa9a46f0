/** Code payments over API v3: POST …/codepay and …/out-trade-no/{out_trade_no}/reverse; asked about as any order. */
import type { AttemptReference, CloseOutcome, Operation, PayInput, PayOutcome } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { textOf } from "../wire-json.ts";
import { requireAuthCode } from "./barcode-v2.ts";
import { openWechatAccount } from "./config.ts";
import { cancelRefusals, interpretBarcodeRefusal, interpretWechatRefusal } from "./errors.ts";
import { partiesOf, transactionsPath } from "./parties.ts";
import { settleInfoOf, truncate, wireAmount } from "./pay.ts";
import { readPayment } from "./query.ts";
import { signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const DESCRIPTION_LENGTH_MAX = 127;
const OWN_ADDRESS = "127.0.0.1";

/** Takes the money by the payer's code. USERPAYING, as a code or as a state, is an order that its payer must confirm. */
export const payBarcodeV3: Operation<PayInput, PayOutcome> = {
  async toRequest(context, input) {
    const { payer, subject, serial_no, amount } = input;
    const body = {
      ...partiesOf(context, "wechat.barcode"),
      description: truncate(subject, DESCRIPTION_LENGTH_MAX),
      out_trade_no: serial_no,
      payer: { auth_code: requireAuthCode(payer) },
      amount: { total: wireAmount(amount.amount), currency: amount.currency },
      ...settleInfoOf(input),
      scene_info: { device_ip: payer.ip ?? OWN_ADDRESS },
    };
    const path = `${transactionsPath(openWechatAccount(context.account))}/codepay`;
    return signRequest(context, { method: "POST", path, body });
  },
  fromResponse(context, _input, response) {
    const answer = readAnswer(context, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretBarcodeRefusal(answer);
    const state = textOf(answer.data, "trade_state") ?? textOf(answer.data, "code");
    if (state === "USERPAYING" || state === "NOTPAY") return { kind: "pending", action: { type: "none" } };
    if (state !== "SUCCESS") return unknown("unreadable", `the trade state ${state ?? "(none)"} is not known`);
    const payment = readPayment(answer.data);
    return payment ? { kind: "succeeded", payment } : unknown("unreadable", "a paid order lacks its particulars");
  },
};

/** Ends the order: an unpaid one is closed, the money of a paid one goes back. */
export const cancelBarcodeV3: Operation<AttemptReference, CloseOutcome> = {
  toRequest(context, { serial_no }) {
    const order = `${transactionsPath(openWechatAccount(context.account))}/out-trade-no/${encodeURIComponent(serial_no)}`;
    const body = partiesOf(context, "wechat.barcode");
    return signRequest(context, { method: "POST", path: `${order}/reverse`, body });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretWechatRefusal(cancelRefusals, answer);
    const differences = differenceOf("serial_no", input.serial_no, textOf(answer.data, "out_trade_no"));
    if (differences.length > 0) return unknown("integrity", differences.join("; "));
    return answer.status === 200 ? { kind: "closed" } : unknown("refused", `status ${answer.status} does not reverse`);
  },
};
