/** Checkout: a page of Stripe's on which the payer pays by card, 3-D Secure included. */
import type { Stripe } from "stripe";
import type { ChannelContext, Conversation, PayInput, PayOutcome, Send } from "../contract.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { type Answer, askStripe } from "./client.ts";
import { readSettings } from "./config.ts";
import { toStripeAmount } from "./currencies.ts";
import { EXPAND_PAYMENT, readOurSession } from "./session.ts";

const MINUTE_MS = 60_000;
/** Stripe expires a session no sooner than this after it was made, and no later than a day after. */
const LIFE_MIN_MS = 30 * MINUTE_MS;
const LIFE_MAX_MS = 24 * 60 * MINUTE_MS;

/**
 * Made with our number as Idempotency-Key, so that a repetition within a day is the same session. Stripe then answers what
 * it answered first: how the session stands now, a second question tells.
 */
export const payCheckout: Conversation<PayInput, PayOutcome> = {
  async converse(context, input, send) {
    const params = paramsOf(context, input);
    const answer = await askStripe(context, send, (stripe) =>
      stripe.checkout.sessions.create(params, { idempotencyKey: input.serial_no }),
    );
    const current = answer.kind === "answered" && answer.replayed ? await readNow(context, send, answer.value) : answer;
    if (current.kind === "unknown") return current;
    if (current.kind === "refused") return outcomeOfRefusal(current);
    const read = readOurSession(context, input, current.value);
    if ("kind" in read) return read;
    const { url } = read.session;
    if (read.status !== "open" || !url) return unknown("duplicate", `the session is ${read.status} already`);
    return { kind: "pending", action: { type: "redirect", url }, channel_order_no: read.id };
  },
};

function readNow(context: ChannelContext, send: Send, session: Stripe.Checkout.Session) {
  return askStripe(context, send, (stripe) =>
    stripe.checkout.sessions.retrieve(String(session.id), { expand: [EXPAND_PAYMENT] }),
  );
}

/** Stripe carried nothing out. A key that it does not take is the account's fault, not the order's. */
function outcomeOfRefusal({ status, type, code, message }: Extract<Answer<never>, { kind: "refused" }>): PayOutcome {
  if (type === "idempotency_error") return unknown("duplicate", message);
  const elsewhere = status === 401 || status === 403;
  return { kind: "failed", failure: { code, message, ...(elsewhere && { elsewhere }) } };
}

function paramsOf({ account }: ChannelContext, input: PayInput): Stripe.Checkout.SessionCreateParams {
  const { payment_method_types } = readSettings(account);
  if (!input.return_url) throw new RequestRefused("RETURN_URL_REQUIRED", "Stripe's checkout needs a return_url");
  const metadata = { serial_no: input.serial_no, ...(input.owner && { owner: input.owner }) };
  const { description } = input;
  return {
    mode: "payment",
    client_reference_id: input.serial_no,
    line_items: [
      {
        quantity: 1,
        price_data: {
          currency: input.amount.currency.toLowerCase(),
          unit_amount: toStripeAmount(input.amount),
          product_data: { name: input.subject, ...(description && { description }) },
        },
      },
    ],
    metadata,
    payment_intent_data: { metadata, description: input.subject },
    allowed_payment_method_types: [...payment_method_types],
    // The payer pays what was asked, not its equivalent in the payer's own currency.
    adaptive_pricing: { enabled: false },
    success_url: input.return_url,
    cancel_url: input.return_url,
    expires_at: Math.floor(expiryOf(input) / 1000),
  };
}

/**
 * Epoch milliseconds. Later than our own expiry by what Stripe asks for at least, so that a repetition, which must carry the
 * same particulars, is never too late for it. At our expiry the session is closed.
 */
function expiryOf({ created_at, expires_at }: PayInput): number {
  return Math.min(expires_at + LIFE_MIN_MS + MINUTE_MS, created_at + LIFE_MAX_MS - MINUTE_MS);
}
