/**
 * Asking for an order, and taking its money. An order that its payer has approved waits for us: it is captured as soon as
 * it is asked about, unless the attempt must end. Nothing else ever moves the payer's money.
 */
import type { Order } from "@paypal/paypal-server-sdk";
import type {
  AttemptReference,
  ChannelContext,
  CloseOutcome,
  Conversation,
  QueryOutcome,
  Send,
  Unknown,
} from "../contract.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { callPaypal } from "./client.ts";
import { captureRefusals, queryRefusals } from "./errors.ts";
import { readCaptured, readUnit } from "./order.ts";

/**
 * PayPal finds an order only by its own number. When the answer that told it was lost, nobody has the link by which the
 * payer would approve, so that no money can come of that order: it is as good as none.
 */
export const query: Conversation<AttemptReference, QueryOutcome> = {
  async converse(context, input, send) {
    const order = await fetchOrder(context, input, send);
    if ("kind" in order) return order;
    if (order.status === "APPROVED" && !input.ending) return capture(context, input, send, order);
    return readState(context, input, order);
  },
};

async function fetchOrder(
  context: ChannelContext,
  { channel_order_no: id }: AttemptReference,
  send: Send,
): Promise<Order | { readonly kind: "not_found" } | Unknown> {
  if (!id) return { kind: "not_found" };
  const answer = await callPaypal(context, send, ({ orders }) => orders.getOrder({ id }));
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return interpretRefusal(queryRefusals, answer);
  return answer.data.id === id ? answer.data : unknown("integrity", "PayPal answers another order");
}

function readState(context: ChannelContext, input: AttemptReference, order: Order): QueryOutcome {
  const unit = readUnit(context, input, order);
  if ("kind" in unit) return unit;
  switch (order.status) {
    case "CREATED":
    case "SAVED":
    case "PAYER_ACTION_REQUIRED":
    case "APPROVED":
      return { kind: "pending" };
    case "COMPLETED":
      return readCaptured(context, order, unit);
    case "VOIDED":
      return { kind: "closed" };
    default:
      return unknown("unreadable", `the order is ${order.status ?? "in no state"}`);
  }
}

/**
 * Captures an approved order. The request's id changes with the payer's next approval, as PayPal may repeat its answer to
 * an id that it knows, a refusal included; two captures of one approval are one.
 */
async function capture(
  context: ChannelContext,
  input: AttemptReference,
  send: Send,
  approved: Order,
): Promise<QueryOutcome> {
  const unit = readUnit(context, input, approved);
  if ("kind" in unit) return unit;
  const approval = (approved.updateTime ?? "").replace(/\D/g, "");
  const answer = await callPaypal(context, send, ({ orders }) =>
    orders.captureOrder({
      id: approved.id!,
      paypalRequestId: `${input.serial_no}-${approval}`,
      prefer: "return=representation",
    }),
  );
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "accepted") return readState(context, input, answer.data);
  const { code, message } = answer;
  switch (Object.hasOwn(captureRefusals, code) ? captureRefusals[code] : undefined) {
    case "waiting":
      return { kind: "pending" };
    case "captured": {
      const order = await fetchOrder(context, input, send);
      return "kind" in order ? order : readState(context, input, order);
    }
    case "duplicate":
      return unknown("duplicate", `${code}: ${message}`);
    case "not_found":
      return { kind: "not_found" };
    default:
      return unknown("refused", `${code}: ${message}`);
  }
}

/**
 * PayPal has no call that closes an order, and needs none: an order that we do not capture moves no money, even when its
 * payer approves it later. So this only asks whether money has moved, or is on its way.
 */
export const close: Conversation<AttemptReference, CloseOutcome> = {
  async converse(context, input, send) {
    const order = await fetchOrder(context, input, send);
    if ("kind" in order) return order;
    const state = readState(context, input, order);
    if (state.kind === "unknown" || state.kind === "not_found") return state;
    if (state.kind === "succeeded") return { kind: "already_paid" };
    // A capture that is pending may still bring the money.
    if (state.kind === "pending" && order.status === "COMPLETED") return { kind: "already_paid" };
    return { kind: "closed" };
  },
};
