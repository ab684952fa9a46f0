/** Refunds of a payment intent, and how they stand. */
import type { Stripe } from "stripe";
import type { ChannelRefund, Conversation, RefundInput, RefundOutcome, Unknown } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { askStripe } from "./client.ts";
import { fromStripeAmount, toStripeAmount } from "./currencies.ts";

const REASON_LENGTH_MAX = 500;

/**
 * Made with our number as Idempotency-Key and in the metadata. Stripe forgets keys after a day: a refund is repeated only
 * after `queryRefund` has not found it.
 */
export const refund: Conversation<RefundInput, RefundOutcome> = {
  async converse(context, input, send) {
    const { refund_no, attempt, owner, reason } = input;
    const params: Stripe.RefundCreateParams = {
      payment_intent: attempt.channel_trade_no,
      amount: toStripeAmount(input.amount),
      metadata: {
        refund_no,
        serial_no: attempt.serial_no,
        ...(owner && { owner }),
        ...(reason && { reason: reason.slice(0, REASON_LENGTH_MAX) }),
      },
    };
    const answer = await askStripe(context, send, (stripe) =>
      stripe.refunds.create(params, { idempotencyKey: refund_no }),
    );
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "answered") return outcomeOfRefund(answer.value);
    const { status, type, code, message } = answer;
    if (type === "idempotency_error") return unknown("duplicate", message);
    // The key was refused, not the refund.
    if (status === 401 || status === 403) return unknown("refused", `${code}: ${message}`);
    return { kind: "failed", failure: { code, message } };
  },
};

const PAGE = 100;
const PAGES_MAX = 20;

/** A payment's refunds are listed, because Stripe finds none by our number. */
export const queryRefund: Conversation<RefundInput, RefundOutcome> = {
  async converse(context, { attempt, refund_no }, send) {
    let starting_after: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const params = {
        payment_intent: attempt.channel_trade_no,
        limit: PAGE,
        ...(starting_after && { starting_after }),
      };
      const answer = await askStripe(context, send, (stripe) => stripe.refunds.list(params));
      if (answer.kind === "unknown") return answer;
      if (answer.kind === "refused") return unknown("refused", `${answer.code}: ${answer.message}`);
      const { object, data, has_more } = answer.value;
      if (object !== "list" || !Array.isArray(data)) return unknown("unreadable", "no list of refunds");
      const ours = data.find((listed) => listed?.metadata?.refund_no === refund_no);
      if (ours) return outcomeOfRefund(ours);
      if (has_more !== true) return { kind: "not_found" };
      starting_after = data.at(-1)?.id;
      if (typeof starting_after !== "string") return unknown("unreadable", "a page of a list is empty");
    }
    return unknown("system_error", "the payment has too many refunds to look through");
  },
};

/** A refund as answers and events state it alike. */
export function outcomeOfRefund(value: Partial<Stripe.Refund>): RefundOutcome {
  const facts = readRefund(value);
  if ("kind" in facts) return facts;
  switch (value.status) {
    case "succeeded":
      return { kind: "succeeded", refund: facts };
    case "pending":
    case "requires_action": {
      const reason = value.pending_reason ?? (value.status === "requires_action" ? value.status : undefined);
      return reason && reason !== "processing" ? { kind: "pending", detail: reason } : { kind: "pending" };
    }
    case "failed":
    case "canceled":
      return {
        kind: "failed",
        failure: { code: value.failure_reason ?? value.status, message: `Stripe ended the refund: ${value.status}.` },
      };
    default:
      return unknown("unreadable", `the refund's status is ${value.status}`);
  }
}

/** The facts of a refund; unknown where Stripe stated none. */
export function readRefund(value: Partial<Stripe.Refund>): ChannelRefund | Unknown {
  if (value.object !== "refund" || typeof value.id !== "string" || typeof value.created !== "number") {
    return unknown("unreadable", "no refund");
  }
  const amount = fromStripeAmount(value.amount, value.currency);
  if (!amount) return unknown("unreadable", "the refund has no amount");
  return {
    refund_no: value.metadata?.refund_no,
    serial_no: value.metadata?.serial_no,
    channel_refund_no: value.id,
    amount,
    refunded_at: value.created * 1000,
  };
}
