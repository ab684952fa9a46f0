/** What a Checkout Session states about our order. Every answer is compared with what we asked before it is believed. */
import type { Stripe } from "stripe";
import type { AttemptReference, ChannelContext, ChannelPayment, QueryOutcome, Unknown } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { unknown } from "../refusal.ts";
import { fromStripeAmount } from "./currencies.ts";

/** With the payment's latest charge, whose time is the time of payment. */
export const EXPAND_PAYMENT = "payment_intent.latest_charge";

const statuses = ["open", "complete", "expired"] as const;

/** A session that is about our order. */
export interface OurSession {
  readonly id: string;
  readonly status: (typeof statuses)[number];
  readonly session: Stripe.Checkout.Session;
  readonly serial_no: string;
  readonly amount: ChannelPayment["amount"];
}

/** Reads a session that Stripe stated, whoever's it is. `integrity` when it is of the other mode. */
export function readSession({ account }: ChannelContext, value: unknown): OurSession | Unknown {
  const session = value as Partial<Stripe.Checkout.Session> | null;
  if (session?.object !== "checkout.session" || typeof session.id !== "string" || !/^cs_\w+$/.test(session.id)) {
    return unknown("unreadable", "no Checkout Session");
  }
  const { id, status, client_reference_id: serial_no } = session;
  if (session.livemode !== account.livemode) return unknown("integrity", `livemode is ${session.livemode}`);
  if (session.mode !== "payment") return unknown("integrity", `mode is ${session.mode}, not payment`);
  const known = statuses.find((name) => name === status);
  if (!known) return unknown("unreadable", `the session's status is ${status}`);
  const amount = fromStripeAmount(session.amount_total, session.currency);
  if (typeof serial_no !== "string" || !amount) return unknown("unreadable", "the session lacks its particulars");
  return { id, status: known, session: session as Stripe.Checkout.Session, serial_no, amount };
}

/** The same, compared with the attempt that we asked about. */
export function readOurSession(
  context: ChannelContext,
  { serial_no, amount }: AttemptReference,
  value: unknown,
): OurSession | Unknown {
  const read = readSession(context, value);
  if ("kind" in read) return read;
  const show = (money: ChannelPayment["amount"]) => `${money.amount} ${money.currency}`;
  const differences = [
    ...differenceOf("serial_no", serial_no, read.serial_no),
    ...differenceOf("amount", show(amount), show(read.amount)),
  ];
  return differences.length > 0 ? unknown("integrity", differences.join("; ")) : read;
}

/** How an order stands by its session, whose payment was expanded. */
export function outcomeOfSession({ session, ...read }: OurSession, context: ChannelContext): QueryOutcome {
  if (read.status === "expired") return { kind: "closed" };
  if (read.status === "open") return { kind: "pending" };
  const payment = session.payment_intent;
  if (session.payment_status === "paid") return readPaid({ session, ...read }, paidAt(payment) ?? context.clock.now());
  if (session.payment_status !== "unpaid") {
    return unknown("unreadable", `payment_status is ${session.payment_status}`);
  }
  // The payer is done, and the money of a delayed method is on its way, or did not come.
  const over =
    typeof payment === "object" && payment && ["requires_payment_method", "canceled"].includes(payment.status);
  if (!over) return { kind: "pending" };
  const { code, message } = payment.last_payment_error ?? {};
  return {
    kind: "failed",
    failure: { code: code ?? payment.status, message: message ?? "The payment did not go through." },
  };
}

function paidAt(payment: Stripe.Checkout.Session["payment_intent"]): number | undefined {
  const charge = typeof payment === "object" ? payment?.latest_charge : undefined;
  return typeof charge === "object" && charge ? charge.created * 1000 : undefined;
}

/** The facts of a paid session. */
export function readPaid({ session, serial_no, amount }: OurSession, paid_at: number): QueryOutcome {
  const payment = session.payment_intent;
  const channel_trade_no = typeof payment === "string" ? payment : payment?.id;
  if (!channel_trade_no) return unknown("unreadable", "a paid session lacks its payment");
  const payer = session.customer_details?.email ?? undefined;
  // Stripe echoes neither merchant nor application: the key decides whose the session is.
  const identity = { merchant: undefined, app: undefined };
  return { kind: "succeeded", payment: { serial_no, channel_trade_no, amount, ...identity, paid_at, payer } };
}
