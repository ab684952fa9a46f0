/** Asking for an order by its orderId and txnTime: queryTrans. */

import type { Money } from "../../kit/money.ts";
import type {
  AttemptReference,
  ChannelContext,
  ChannelPayment,
  Operation,
  QueryOutcome,
  RefundOutcome,
  WireRequest,
} from "../contract.ts";
import { echoedMoney } from "../integrity.ts";
import { interpretRefusal, type RefusalMeaning, type RefusalTable, unknown } from "../refusal.ts";
import { endings, paidCodes, queryRefusals, UNDER_WAY, unknownCodes } from "./errors.ts";
import { bizTypeOf } from "./pay.ts";
import { signCall } from "./sign.ts";
import { fromTraceTime, toCompactTime } from "./times.ts";
import { type Message, readAnswer } from "./verify.ts";

/** The number and time of an order, a payment's or a refund's. */
export interface OrderKey {
  readonly order_id: string;
  /** Epoch milliseconds. */
  readonly created_at: number;
}

/** The query for an order; `bizType` repeats that of the order's payment. */
export function askForOrder(
  context: ChannelContext,
  { order_id, created_at }: OrderKey,
  bizType: string,
): Promise<WireRequest> {
  const order = { orderId: order_id, txnTime: toCompactTime(created_at) };
  return signCall(context, "queryTrans", { txnType: "00", txnSubType: "00", bizType, ...order });
}

export const query: Operation<AttemptReference, QueryOutcome> = {
  toRequest: (context, { serial_no, created_at, method }) =>
    askForOrder(context, { order_id: serial_no, created_at }, bizTypeOf(method)),
  fromResponse(context, input, response) {
    const answer = readAnswer(context, input.serial_no, response);
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretRefusal(queryRefusals, answer);
    return readOrder(context, input, answer.data);
  },
};

/**
 * `origRespCode` is how the payer's last try ended. On a page, in an app and with a scanned code the payer may try again
 * until payTimeout, so that a declined try leaves the order unpaid; a shown code has one try.
 */
function readOrder(context: ChannelContext, { method }: AttemptReference, data: Message): QueryOutcome {
  const code = data.origRespCode ?? "";
  if (paidCodes.has(code)) {
    const payment = readPayment(context, data);
    return "kind" in payment ? payment : { kind: "succeeded", payment };
  }
  const shown = method === "unionpay.barcode";
  // The payer at the counter has yet to confirm.
  if (shown && code === UNDER_WAY) return { kind: "pending" };
  const ended = readEnding(data, endings);
  return ended.kind === "failed" && !shown ? { kind: "pending" } : ended;
}

/** What a transaction that did not go through means by its table; still under way, and not listed, is unknown. */
export function readEnding<Meaning extends RefusalMeaning>(data: Message, table: RefusalTable<Meaning>) {
  const code = data.origRespCode ?? "";
  const message = data.origRespMsg ?? "";
  if (Object.hasOwn(unknownCodes, code)) return unknown(unknownCodes[code]!, `${code} ${message}`);
  return interpretRefusal(table, { code, message });
}

/** The facts of a payment that went through, as answers and notices state them alike. */
export function readPayment(
  { clock }: ChannelContext,
  data: Message,
): ChannelPayment | Extract<QueryOutcome & RefundOutcome, { kind: "unknown" }> {
  const { orderId, queryId, merId } = data;
  const amount = readAmount(data);
  if ("kind" in amount) return amount;
  if (!orderId || !queryId || !merId) return unknown("unreadable", "a paid order lacks its particulars");
  return {
    serial_no: orderId,
    channel_trade_no: queryId,
    amount,
    merchant: merId,
    app: undefined,
    paid_at: fromTraceTime(data.traceTime ?? "", data.txnTime ?? "") ?? clock.now(),
    payer: maskCard(data.accNo),
  };
}

/** `txnAmt` in fen. Any currency but 156 is an integrity error: UnionPay was asked for CNY only. */
export function readAmount(data: Message): Money | Extract<QueryOutcome, { kind: "unknown" }> {
  const { txnAmt = "", currencyCode } = data;
  if (currencyCode !== "156") return unknown("integrity", `currencyCode is ${currencyCode ?? "missing"}, not 156`);
  const amount = echoedMoney(/^\d{1,12}$/.test(txnAmt) ? BigInt(txnAmt) : undefined, "CNY");
  return amount ?? unknown("unreadable", "the order has no amount");
}

/** The payer's card: UnionPay masks it, and if it does not, we do. An encrypted one names nobody. */
function maskCard(accNo: string | undefined): string | undefined {
  if (!accNo || !/^[\d*]{12,19}$/.test(accNo)) return undefined;
  return `${accNo.slice(0, 6)}${"*".repeat(accNo.length - 10)}${accNo.slice(-4)}`;
}
