/** Webhooks: events of one endpoint for the whole account, verified by the SDK against the endpoint's secret. */
import type { Stripe } from "stripe";
import type { ChannelContext, ChannelDispute, NoticeReply, NoticeResult, Send, WireNotice } from "../contract.ts";
import { askStripe, importStripe } from "./client.ts";
import type { StripeConfig } from "./config.ts";
import { fromStripeAmount } from "./currencies.ts";
import { outcomeOfRefund, readRefund } from "./refund.ts";
import { readPaid, readSession } from "./session.ts";

/** How old a signature may be, in seconds: https://docs.stripe.com/webhooks#replay-attacks . */
const TOLERANCE_S = 300;

/** Verifies an event against the endpoint's secret, and reads what of ours it is about. */
export async function readNotice(
  context: ChannelContext,
  { headers, body }: WireNotice,
  send?: Send,
): Promise<NoticeResult> {
  try {
    const { account, clock } = context;
    const secret = account.secrets.webhook_secret?.reveal();
    if (!secret) return { kind: "rejected", detail: "the account has no webhook_secret" };
    const { webhooks } = await importStripe();
    const signature = headers["stripe-signature"] ?? "";
    const event = webhooks.constructEvent(body, signature, secret, TOLERANCE_S, undefined, clock.now());
    return await readEvent(context, event, send);
  } catch (error) {
    return { kind: "rejected", detail: error instanceof Error ? error.message.slice(0, 200) : "unreadable" };
  }
}

const ignored = (detail: string): NoticeResult => ({ kind: "ignored", detail });

async function readEvent(context: ChannelContext, event: Stripe.Event, send: Send | undefined): Promise<NoticeResult> {
  const { connected_account_id } = context.account.config as StripeConfig;
  if (event.livemode !== context.account.livemode) return { kind: "rejected", detail: `livemode is ${event.livemode}` };
  if ((event.account ?? undefined) !== connected_account_id) {
    return { kind: "rejected", detail: `the event is of the account ${event.account ?? "itself"}` };
  }
  switch (event.type) {
    case "checkout.session.completed":
    case "checkout.session.async_payment_succeeded":
    case "checkout.session.async_payment_failed":
    case "checkout.session.expired":
      return readSessionEvent(context, event.data.object, event.created * 1000);
    case "refund.created":
    case "refund.updated":
    case "refund.failed":
      return readRefundEvent(event.data.object);
    case "charge.dispute.created":
    case "charge.dispute.updated":
    case "charge.dispute.closed":
      return readDisputeEvent(context, event.data.object, event.created * 1000, send);
    default:
      return ignored(event.type);
  }
}

/** Only what is paid is believed by itself; what became of another session, the worker asks. */
function readSessionEvent(context: ChannelContext, session: Stripe.Checkout.Session, at: number): NoticeResult {
  const { serial_no, owner } = session.metadata ?? {};
  if (!serial_no) return ignored("a session that we did not make");
  if (session.payment_status !== "paid") return { kind: "ask", serial_no, owner };
  const read = readSession(context, session);
  if ("kind" in read) return { kind: "rejected", detail: read.detail };
  const paid = readPaid(read, at);
  return paid.kind === "succeeded"
    ? { kind: "payment_succeeded", payment: paid.payment, owner }
    : { kind: "rejected", detail: "a paid session lacks its payment" };
}

function readRefundEvent(value: Stripe.Refund): NoticeResult {
  const { refund_no, owner } = value.metadata ?? {};
  if (!refund_no) return ignored("a refund that we did not ask for");
  const refund = readRefund(value);
  if ("kind" in refund) return { kind: "rejected", detail: refund.detail };
  return { kind: "refund", refund, outcome: outcomeOfRefund(value), owner };
}

const statuses: Readonly<Record<string, ChannelDispute["status"]>> = {
  needs_response: "needs_response",
  warning_needs_response: "needs_response",
  appeal_needs_response: "needs_response",
  under_review: "under_review",
  warning_under_review: "under_review",
  appeal_under_review: "under_review",
  won: "won",
  lost: "lost",
  warning_closed: "closed",
  prevented: "closed",
};

/** A dispute names the payment only by Stripe's number: the payment itself says whose it is. */
async function readDisputeEvent(
  context: ChannelContext,
  dispute: Stripe.Dispute,
  stated_at: number,
  send: Send | undefined,
): Promise<NoticeResult> {
  const { payment_intent } = dispute;
  const channel_trade_no = typeof payment_intent === "string" ? payment_intent : payment_intent?.id;
  const amount = fromStripeAmount(dispute.amount, dispute.currency);
  if (!channel_trade_no) return ignored("a dispute of no payment intent");
  if (!amount) return { kind: "rejected", detail: "the dispute has no amount" };
  let metadata: Stripe.Metadata = {};
  if (send) {
    const answer = await askStripe(context, send, (stripe) => stripe.paymentIntents.retrieve(channel_trade_no));
    if (answer.kind !== "answered") return { kind: "rejected", detail: "the disputed payment could not be read" };
    metadata = answer.value.metadata ?? {};
    if (!metadata.serial_no) return ignored("a dispute of a payment that we did not make");
  }
  const due_by = dispute.evidence_details?.due_by;
  return {
    kind: "dispute",
    dispute: {
      channel_dispute_no: dispute.id,
      serial_no: metadata.serial_no,
      channel_trade_no,
      amount,
      reason: dispute.reason,
      // A state that we do not know is Stripe's to work on.
      status: statuses[dispute.status] ?? "under_review",
      respond_by: due_by ? due_by * 1000 : undefined,
      stated_at,
    },
    owner: metadata.owner,
  };
}

/** Stripe tells again, for three days, after anything but 2xx. */
export function replyToNotice(accepted: boolean): NoticeReply {
  const headers = { "content-type": "application/json" };
  return { status: accepted ? 200 : 400, headers, body: JSON.stringify({ received: accepted }) };
}
