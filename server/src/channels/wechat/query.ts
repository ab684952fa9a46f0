/**
 * Asking for an order: GET /v3/pay/[partner/]transactions/id/{transaction_id}?mchid= where WeChat Pay's number is known, else
 * …/out-trade-no/{out_trade_no} by ours.
 */
import { fromRfc3339 } from "../beijing-time.ts";
import type { AttemptReference, ChannelContext, ChannelPayment, Operation, QueryOutcome } from "../contract.ts";
import { differenceOf, echoedMoney } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { asObject, integerOf, type JsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount } from "./config.ts";
import { interpretWechatRefusal, queryRefusals } from "./errors.ts";
import { differencesOfMerchants, merchantsQuery, readParties, transactionsPath } from "./parties.ts";
import { signRequest } from "./sign.ts";
import { readAnswer } from "./verify.ts";

export const query: Operation<AttemptReference, QueryOutcome> = {
  toRequest(context, { serial_no, channel_trade_no }) {
    const account = openWechatAccount(context.account);
    const number = channel_trade_no ? `id/${encodeURIComponent(channel_trade_no)}` : `out-trade-no/${serial_no}`;
    const order = `${transactionsPath(account)}/${number}`;
    return signRequest(context, { method: "GET", path: `${order}?${merchantsQuery(account)}` });
  },
  fromResponse(context, input, response) {
    const answer = readAnswer(context, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretWechatRefusal(queryRefusals, answer);
    return readTrade(context, input, answer.data);
  },
};

/**
 * REFUND appears from the first partial refund on, so it means paid. An answer about another order, also one that says
 * "closed", is an integrity error.
 */
function readTrade(context: ChannelContext, input: AttemptReference, data: JsonObject): QueryOutcome {
  const differences = [
    ...differenceOf("serial_no", input.serial_no, textOf(data, "out_trade_no")),
    ...differencesOfMerchants(openWechatAccount(context.account), data),
  ];
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  const state = textOf(data, "trade_state");
  const description = textOf(data, "trade_state_desc") ?? "";
  switch (state) {
    case "SUCCESS":
    case "REFUND": {
      const payment = readPayment(data);
      return payment ? { kind: "succeeded", payment } : unknown("unreadable", `a ${state} trade lacks its particulars`);
    }
    case "NOTPAY":
    case "USERPAYING":
      return { kind: "pending" };
    case "CLOSED":
    case "REVOKED":
      return { kind: "closed" };
    case "PAYERROR":
      return { kind: "failed", failure: { code: state, message: description } };
    default:
      return unknown("unreadable", `the trade state ${state ?? "(none)"} is not known`);
  }
}

/** The facts of a paid trade, from a query or from a notice; undefined when one that must be there is not. */
export function readPayment(data: JsonObject): ChannelPayment | undefined {
  const amounts = asObject(data.amount);
  const amount = echoedMoney(integerOf(amounts, "total"), textOf(amounts, "currency") ?? "CNY");
  const serial_no = textOf(data, "out_trade_no");
  const channel_trade_no = textOf(data, "transaction_id");
  const paid_at = fromRfc3339(textOf(data, "success_time") ?? "");
  const { merchant, app, payer } = readParties(data);
  if (!amount || !serial_no || !channel_trade_no || paid_at === undefined || !merchant) return undefined;
  return { serial_no, channel_trade_no, amount, merchant, app, paid_at, payer };
}
