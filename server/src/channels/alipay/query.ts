/** Asking for a trade by our number: alipay.trade.query. */
import { fromDecimal, type Money } from "../../kit/money.ts";
import { fromBeijingTime } from "../beijing-time.ts";
import type { AttemptReference, ChannelContext, ChannelPayment, Operation, QueryOutcome } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, textOf } from "../wire-json.ts";
import { interpretAlipayRefusal, queryRefusals } from "./errors.ts";
import { signCall } from "./sign.ts";
import { readAnswer } from "./verify.ts";

const QUERY = "alipay.trade.query";

export const query: Operation<AttemptReference, QueryOutcome> = {
  toRequest: (context, { serial_no }) => signCall(context, { method: QUERY, biz_content: { out_trade_no: serial_no } }),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, QUERY, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretAlipayRefusal(queryRefusals, answer);
    return readTrade(context, input, answer.data);
  },
};

/**
 * TRADE_CLOSED is the end of an unpaid trade as well as of a fully refunded one. They are told apart by send_pay_date,
 * documented as the time when the money went to the seller: recorded answers have it for paid trades and lack it for
 * unpaid ones. The paid amounts do not tell: they are 0.00 in many answers about paid trades. A code payment that is asked
 * about has not been refunded by us: closed, it was cancelled, and what was paid went back. An answer about another trade,
 * also one that says "closed", is an integrity error.
 */
function readTrade(context: ChannelContext, input: AttemptReference, data: JsonObject): QueryOutcome {
  const differences = differenceOf("serial_no", input.serial_no, textOf(data, "out_trade_no"));
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  const status = textOf(data, "trade_status");
  switch (status) {
    case "WAIT_BUYER_PAY":
      return { kind: "pending" };
    case "TRADE_SUCCESS":
    case "TRADE_FINISHED":
      return succeeded(context, data);
    case "TRADE_CLOSED":
      if (input.method === "alipay.barcode") return { kind: "closed" };
      return textOf(data, "send_pay_date") ? succeeded(context, data) : { kind: "closed" };
    default:
      return unknown("unreadable", `the trade status ${status ?? "(none)"} is not known`);
  }
}

/** The query echoes neither the merchant nor the app. */
function succeeded({ clock }: ChannelContext, data: JsonObject): QueryOutcome {
  const serial_no = textOf(data, "out_trade_no");
  const channel_trade_no = textOf(data, "trade_no");
  const amount = readYuan(data, "total_amount", textOf(data, "trans_currency"));
  if (!serial_no || !channel_trade_no || !amount) return unknown("unreadable", "a paid trade lacks its particulars");
  const payment: ChannelPayment = {
    serial_no,
    channel_trade_no,
    amount,
    merchant: undefined,
    app: undefined,
    paid_at: fromBeijingTime(textOf(data, "send_pay_date") ?? "") ?? clock.now(),
    payer: textOf(data, "buyer_user_id") ?? textOf(data, "buyer_open_id"),
  };
  return { kind: "succeeded", payment };
}

/** An amount in yuan, written as text or (in some answers) as a number; CNY unless another currency is echoed. */
export function readYuan(data: JsonObject, field: string, currency: string | undefined): Money | undefined {
  const value = data[field];
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") return undefined;
  try {
    return fromDecimal(text, currency ?? "CNY");
  } catch {
    return undefined;
  }
}
