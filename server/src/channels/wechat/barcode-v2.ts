/** Code payments over API v2: /pay/micropay, /pay/orderquery and /secapi/pay/reverse. */
import { fromBeijingTime } from "../beijing-time.ts";
import type {
  AttemptReference,
  ChannelPayment,
  CloseOutcome,
  Operation,
  PayInput,
  PayOutcome,
  QueryOutcome,
} from "../contract.ts";
import { echoedMoney } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { cancelRefusals, interpretBarcodeRefusal, interpretWechatRefusal, queryRefusals } from "./errors.ts";
import { truncate, wireAmount } from "./pay.ts";
import { readV2Answer, signV2Call } from "./v2-call.ts";
import type { XmlFields } from "./v2-xml.ts";

const BODY_LENGTH_MAX = 127;
/** The documents ask for the address of the machine that calls; it decides nothing. */
const OWN_ADDRESS = "127.0.0.1";

/** Takes the money by the payer's code. USERPAYING is an order that its payer must confirm. */
export const payBarcodeV2: Operation<PayInput, PayOutcome> = {
  async toRequest(context, { payer, subject, serial_no, amount, sharing }) {
    return signV2Call(context, "/pay/micropay", {
      body: truncate(subject, BODY_LENGTH_MAX),
      out_trade_no: serial_no,
      total_fee: String(wireAmount(amount.amount)),
      fee_type: amount.currency,
      spbill_create_ip: payer.ip ?? OWN_ADDRESS,
      auth_code: requireAuthCode(payer),
      ...(sharing ? { profit_sharing: "Y" } : {}),
    });
  },
  fromResponse(context, { serial_no }, response) {
    const answer = readV2Answer(context, serial_no, response);
    if (answer.kind === "unknown") return answer;
    return answer.kind === "refused" ? interpretBarcodeRefusal(answer) : succeeded(answer.fields);
  },
};

/** Throws RequestRefused without a code. */
export function requireAuthCode(payer: PayInput["payer"]): string {
  if (!payer.auth_code) throw new RequestRefused("PAYER_AUTH_CODE_REQUIRED", "wechat.barcode needs payer.auth_code");
  return payer.auth_code;
}

export const queryBarcodeV2: Operation<AttemptReference, QueryOutcome> = {
  async toRequest(context, { serial_no }) {
    return signV2Call(context, "/pay/orderquery", { out_trade_no: serial_no });
  },
  fromResponse(context, { serial_no }, response) {
    const answer = readV2Answer(context, serial_no, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretWechatRefusal(queryRefusals, answer);
    return readState(answer.fields);
  },
};

function readState(fields: XmlFields): QueryOutcome {
  const { trade_state: state = "", trade_state_desc: message = "" } = fields;
  switch (state) {
    case "SUCCESS":
    case "REFUND":
      return succeeded(fields);
    case "NOTPAY":
    case "USERPAYING":
    case "ACCEPT":
      return { kind: "pending" };
    case "CLOSED":
    case "REVOKED":
      return { kind: "closed" };
    case "PAYERROR":
      return { kind: "failed", failure: { code: state, message } };
    default:
      return unknown("unreadable", `the trade state ${state || "(none)"} is not known`);
  }
}

function succeeded(fields: XmlFields): QueryOutcome & PayOutcome {
  const payment = readPayment(fields);
  return payment ? { kind: "succeeded", payment } : unknown("unreadable", "a paid order lacks its particulars");
}

function readPayment(fields: XmlFields): ChannelPayment | undefined {
  const { out_trade_no: serial_no, transaction_id: channel_trade_no, openid } = fields;
  const merchant = fields.sub_mch_id || fields.mch_id;
  const app = fields.sub_appid || fields.appid;
  const fen = /^\d{1,15}$/.test(fields.total_fee ?? "") ? BigInt(fields.total_fee!) : undefined;
  const amount = echoedMoney(fen, fields.fee_type || "CNY");
  const ended = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(fields.time_end ?? "");
  const paid_at = ended ? fromBeijingTime(`${ended.slice(1, 4).join("-")} ${ended.slice(4).join(":")}`) : undefined;
  if (!serial_no || !channel_trade_no || !merchant || !amount || paid_at === undefined) return undefined;
  return {
    serial_no,
    channel_trade_no,
    amount,
    merchant,
    app,
    paid_at,
    payer: fields.sub_openid || openid || undefined,
  };
}

/** Ends the order: an unpaid one is closed, the money of a paid one goes back. `recall` Y: it must be asked again. */
export const cancelBarcodeV2: Operation<AttemptReference, CloseOutcome> = {
  async toRequest(context, { serial_no }) {
    return signV2Call(context, "/secapi/pay/reverse", { out_trade_no: serial_no }, true);
  },
  fromResponse(context, { serial_no }, response) {
    const answer = readV2Answer(context, serial_no, response);
    if (answer.kind === "unknown") return answer;
    if (answer.fields.recall === "Y") return unknown("system_error", "WeChat Pay asks to reverse again");
    return answer.kind === "refused" ? interpretWechatRefusal(cancelRefusals, answer) : { kind: "closed" };
  },
};
