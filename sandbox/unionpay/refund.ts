/** Refunds (04) and same-day undos (31), orders of their own, and reversals (99) of a code payment. */
import type { Sandbox } from "../context.ts";
import type { Fault } from "../kit/faults.ts";
import { refuse, requireField, type UnionpayCall } from "./answer.ts";
import { announce } from "./notice.ts";
import { amount_form, makeQueryId, order_id_form, readTime } from "./order.ts";
import { fileRefund, type UnionpayRefund, type UnionpayTrade } from "./state.ts";

const refund_window_ms = 330 * 86_400_000;
/** What the query says of a refund that did not go through. */
export const failed_refund_code = "30";

/** A refund claims its amount unless it has failed. */
function claimedAmount(trade: UnionpayTrade): bigint {
  return trade.refunds.reduce((sum, refund) => (refund.status === "failed" ? sum : sum + refund.amount), 0n);
}

/** The number of UnionPay's day, which turns at 23:00 in Beijing, 15:00 UTC. */
export function settlementDay(ms: number): number {
  return Math.floor((ms + 9 * 3_600_000) / 86_400_000);
}

function checkRefundable(sandbox: Sandbox, trade: UnionpayTrade | undefined, refund: UnionpayRefund): UnionpayTrade {
  const now_ms = sandbox.clock.now();
  if (trade?.paid_at_ms === undefined || trade.state !== "SUCCESS") refuse("35");
  if (trade.biz_type !== refund.biz_type) refuse("36");
  if (now_ms > trade.paid_at_ms + refund_window_ms) refuse("39");
  if (claimedAmount(trade) + refund.amount > trade.total) refuse("36");
  if (refund.txn_type === "31") {
    if (refund.amount !== trade.total) refuse("36");
    if (settlementDay(now_ms) !== settlementDay(trade.paid_at_ms)) refuse("39");
  }
  return trade;
}

/** Takes a refund: accepted with code 00, which is not its result. The same content again is accepted again. */
export function requestRefund(sandbox: Sandbox, call: UnionpayCall): { queryId: string } {
  const { member, request, fault } = call;
  readTime(request, "txnTime");
  const refund: UnionpayRefund = {
    order_id: requireField(request, "orderId", order_id_form),
    txn_type: request.txnType!,
    txn_sub_type: requireField(request, "txnSubType", /^00$/),
    biz_type: requireField(request, "bizType", /^\d{6}$/),
    txn_time: request.txnTime!,
    amount: BigInt(requireField(request, "txnAmt", amount_form)),
    notify_url: requireField(request, "backUrl", /^https?:\/\/\S+$/),
    status: "pending",
    created_at_ms: sandbox.clock.now(),
  };
  requireField(request, "channelType", /^0[78]$/);
  const paid = requireField(request, "origQryId", /^\d{21}$/);
  const { mer_id } = member.merchant;
  const known = sandbox.unionpay.orders.get(`${mer_id}/${refund.order_id}`);
  if (known !== undefined) return repeat(known.trade, known.refund, refund, paid);
  const found = sandbox.unionpay.by_query_id.get(paid);
  const trade = checkRefundable(sandbox, found?.mer_id === mer_id ? found : undefined, refund);
  if (fault?.fault === "not_enough") refuse(failed_refund_code);
  refund.query_id = makeQueryId(sandbox);
  trade.refunds.push(refund);
  fileRefund(sandbox.unionpay, trade, refund);
  decideOutcome(sandbox, trade, refund, fault);
  return { queryId: refund.query_id };
}

function repeat(
  trade: UnionpayTrade,
  known: UnionpayRefund | undefined,
  asked: UnionpayRefund,
  paid: string,
): { queryId: string } {
  const same =
    known !== undefined &&
    trade.query_id === paid &&
    known.amount === asked.amount &&
    known.txn_type === asked.txn_type &&
    known.txn_time === asked.txn_time;
  if (!same) refuse("12");
  return { queryId: known.query_id ?? "" };
}

/** Moves the money at once, unless a fault delays or fails it. */
function decideOutcome(sandbox: Sandbox, trade: UnionpayTrade, refund: UnionpayRefund, fault: Fault | undefined): void {
  sandbox.changed();
  if (fault?.fault === "refund_processing") {
    if (fault.delay_ms === undefined) return;
    const due_ms = sandbox.clock.now() + fault.delay_ms;
    sandbox.clock.schedule(due_ms, () => void finishRefund(sandbox, trade, refund, true));
    return;
  }
  finishRefund(sandbox, trade, refund, fault?.fault !== "refund_closed");
}

/** Ends a pending refund and, when it succeeded, announces it. False when it has ended already. */
export function finishRefund(
  sandbox: Sandbox,
  trade: UnionpayTrade,
  refund: UnionpayRefund,
  success: boolean,
): boolean {
  if (refund.status !== "pending") return false;
  sandbox.changed();
  refund.status = success ? "done" : "failed";
  if (!success) return true;
  refund.done_at_ms = sandbox.clock.now();
  announce(sandbox, trade, refund);
  return true;
}

/** Reverses a code payment by its own orderId and txnTime: it is void, and paid money goes back. Harmless when repeated. */
export function reverseOrder(sandbox: Sandbox, { member, request }: UnionpayCall): void {
  const order_id = requireField(request, "orderId", order_id_form);
  const trade = sandbox.unionpay.trades.get(`${member.merchant.mer_id}/${order_id}`);
  readTime(request, "txnTime");
  if (trade === undefined || trade.txn_time !== request.txnTime) refuse("34");
  if (trade.kind !== "barcode") refuse("32");
  if (request.txnAmt !== undefined && request.txnAmt !== String(trade.total)) refuse("36");
  if (settlementDay(sandbox.clock.now()) !== settlementDay(trade.created_at_ms)) refuse("39");
  trade.state = "REVERSED";
  sandbox.changed();
}
