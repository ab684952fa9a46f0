/** Refunds of a capture, and asking for them: PayPal finds a refund by its own number, or with the order that it is of. */
import type { Order, Refund, RefundStatus } from "@paypal/paypal-server-sdk";
import type {
  ChannelContext,
  ChannelRefund,
  Conversation,
  RefundInput,
  RefundOutcome,
  Send,
  Unknown,
} from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { fromPaypalMoney, toPaypalMoney } from "./amounts.ts";
import { callPaypal } from "./client.ts";
import { openPaypalAccount } from "./config.ts";
import { queryRefusals, refundRefusals } from "./errors.ts";
import { readUnit, timeOf } from "./order.ts";

const NOTE_LENGTH_MAX = 255;

/** The request's id is our number of the refund: asked for again, PayPal answers the refund that it has made. */
export const refund: Conversation<RefundInput, RefundOutcome> = {
  async converse(context, input, send) {
    const note = input.reason?.slice(0, NOTE_LENGTH_MAX).toWellFormed();
    const body = {
      amount: toPaypalMoney(input.amount),
      invoiceId: input.refund_no,
      ...(input.owner ? { customId: input.owner } : {}),
      ...(note ? { noteToPayer: note } : {}),
    };
    const answer = await callPaypal(context, send, ({ payments }) =>
      payments.refundCapturedPayment({
        captureId: input.attempt.channel_trade_no,
        body,
        paypalRequestId: input.refund_no,
        prefer: "return=representation",
      }),
    );
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretRefusal(refundRefusals, answer);
    return readRefund(context, answer.data);
  },
};

const meanings: Readonly<Record<`${RefundStatus}`, "succeeded" | "pending" | "failed">> = {
  COMPLETED: "succeeded",
  PENDING: "pending",
  FAILED: "failed",
  CANCELLED: "failed",
};

/** What PayPal says of a refund, in answers and in orders alike. */
function readRefund(context: ChannelContext, data: Refund): RefundOutcome {
  const echoed = readEcho(context, data);
  if ("kind" in echoed) return echoed;
  return outcomeOf(echoed, data.status, data.statusDetails?.reason);
}

/** The outcome that a refund's state means; a state that no table lists is not known. */
export function outcomeOf(
  refund: ChannelRefund,
  status: string | undefined,
  reason: string | undefined,
): RefundOutcome {
  switch (status !== undefined && Object.hasOwn(meanings, status) ? meanings[status as RefundStatus] : undefined) {
    case "succeeded":
      return { kind: "succeeded", refund };
    case "pending":
      return { kind: "pending" };
    case "failed":
      return { kind: "failed", failure: { code: `REFUND_${status}`, message: reason ?? "PayPal gave the refund up" } };
    default:
      return unknown("unreadable", `the refund is ${status ?? "in no state"}`);
  }
}

function readEcho({ account, clock }: ChannelContext, data: Refund): ChannelRefund | Unknown {
  const amount = fromPaypalMoney(data.amount);
  if (!amount || !data.id) return unknown("unreadable", "a refund lacks its particulars");
  const { merchant_id } = openPaypalAccount(account);
  const differences = differenceOf("merchant", merchant_id, data.payer?.merchantId);
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  return {
    refund_no: data.invoiceId,
    serial_no: undefined,
    channel_refund_no: data.id,
    amount,
    refunded_at: timeOf(data.createTime) ?? clock.now(),
  };
}

/**
 * The order lists its refunds with our numbers. One that is not there was not made, and asking for it again is harmless:
 * PayPal remembers the request's id for 45 days.
 */
export const queryRefund: Conversation<RefundInput, RefundOutcome> = {
  async converse(context, input, send) {
    const id = await orderNoOf(context, input, send);
    if (typeof id !== "string") return id;
    const answer = await callPaypal(context, send, ({ orders }) => orders.getOrder({ id }));
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") return interpretRefusal(queryRefusals, answer);
    return findRefund(context, input, answer.data);
  },
};

async function orderNoOf(
  context: ChannelContext,
  { attempt }: RefundInput,
  send: Send,
): Promise<string | Exclude<RefundOutcome, { kind: "succeeded" }>> {
  if (attempt.channel_order_no) return attempt.channel_order_no;
  const captureId = attempt.channel_trade_no;
  const answer = await callPaypal(context, send, ({ payments }) => payments.getCapturedPayment({ captureId }));
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return interpretRefusal({}, answer);
  return (
    answer.data.supplementaryData?.relatedIds?.orderId ?? unknown("unreadable", "the capture does not name its order")
  );
}

function findRefund(context: ChannelContext, input: RefundInput, order: Order): RefundOutcome {
  const unit = readUnit(context, input.attempt, order);
  if ("kind" in unit) return unit;
  const { captures = [], refunds = [] } = unit.payments ?? {};
  if (!captures.some(({ id }) => id === input.attempt.channel_trade_no)) {
    return unknown("integrity", "the order has another capture than the payment's");
  }
  const found = refunds.find(({ invoiceId }) => invoiceId === input.refund_no);
  return found ? readRefund(context, found) : { kind: "not_found" };
}
