/** queryTrans.do: an order, a payment's or a refund's, by its orderId and txnTime. */
import type { Sandbox } from "../context.ts";
import { type Message, refuse, requireField, sayCode, type UnionpayCall } from "./answer.ts";
import { describeFacts } from "./notice.ts";
import { order_id_form, readTime } from "./order.ts";
import { failed_refund_code } from "./refund.ts";
import type { UnionpayOrder, UnionpayRefund, UnionpayTrade } from "./state.ts";

/** The order that a query names, or undefined. */
export function findOrder(sandbox: Sandbox, request: Message): UnionpayOrder | undefined {
  const order = sandbox.unionpay.orders.get(`${request.merId}/${request.orderId}`);
  const txn_time = order?.refund?.txn_time ?? order?.trade.txn_time;
  return txn_time === request.txnTime ? order : undefined;
}

/** The answer's facts with `origRespCode`; code 34 for an order that no payer has tried to pay. */
export function queryOrder(sandbox: Sandbox, { request }: UnionpayCall): Message {
  requireField(request, "txnSubType", /^00$/);
  requireField(request, "orderId", order_id_form);
  readTime(request, "txnTime");
  const order = findOrder(sandbox, request);
  if (order === undefined) refuse("34");
  const code = order.refund === undefined ? codeOfTrade(order.trade) : codeOfRefund(order.refund);
  if (code === undefined) refuse("34");
  const { txnType: _, txnSubType: __, ...facts } = describeFacts(order.trade, order.refund);
  return { ...facts, origRespCode: code, origRespMsg: sayCode(code) };
}

function codeOfTrade(trade: UnionpayTrade): string | undefined {
  if (trade.state === "REVERSED") return "46";
  if (trade.state === "SUCCESS") return "00";
  // A shown code is being paid from the moment it was sent; the other orders begin with the payer's first try.
  return trade.failure_code ?? (trade.kind === "barcode" ? "05" : undefined);
}

function codeOfRefund(refund: UnionpayRefund): string {
  return { pending: "05", done: "00", failed: failed_refund_code }[refund.status];
}
