/** What the sandbox's Stripe knows: accounts with their keys, and the Checkout Sessions with all that followed. */
import type { Notice } from "../kit/deliveries.ts";

/** A secret that is good until `ends_at_ms`, or for ever. */
export type Credential = { value: string; ends_at_ms?: number };

/** A Stripe account in test mode as it is kept. */
export type StripeAccount = {
  account_id: string;
  name: string;
  /** Secret keys, the newest last; those that have ended stay, because Stripe says of them that they expired. */
  keys: Credential[];
  /** The one webhook endpoint; without a URL nothing is told. */
  endpoint: { id: string; url: string | undefined; secrets: Credential[]; enabled_events: string[] };
};

export type Metadata = Record<string, string>;

/** A refund; `amount` in Stripe's smallest unit of the payment's currency. */
export type StripeRefund = {
  id: string;
  amount: bigint;
  status: "pending" | "succeeded" | "failed";
  failure_reason?: string;
  reason?: string;
  metadata: Metadata;
  created_at_ms: number;
};

export type DisputeStatus = "needs_response" | "under_review" | "won" | "lost";

export type StripeDispute = {
  id: string;
  amount: string;
  reason: string;
  status: DisputeStatus;
  created_at_ms: number;
  due_at_ms: number;
};

/** The last try of the payer that did not go through. */
export type Decline = { code: string; decline_code?: string; message: string };

/** A Checkout Session with its payment; `total` in Stripe's smallest unit of `currency`. */
export type StripeTrade = {
  account_id: string;
  /** `client_reference_id`, or the session's own id where the merchant gave none. */
  out_trade_no: string;
  client_reference_id?: string;
  session_id: string;
  /** As the checkout's address carries it. */
  token: string;
  subject: string;
  description?: string;
  total: bigint;
  currency: string;
  payment_method_types: string[];
  metadata: Metadata;
  payment_metadata: Metadata;
  success_url: string;
  cancel_url?: string;
  status: "open" | "complete" | "expired";
  created_at_ms: number;
  expires_at_ms: number;
  /** Made when the payer first tries to pay. */
  payment_intent?: string;
  charge?: string;
  /** The card waits for the payer's authentication (3-D Secure). */
  challenged?: string;
  decline?: Decline;
  payer?: string;
  card_last4?: string;
  /** How its refunds go: at once, later, or not at all. */
  refund_behaviour?: "pending" | "fails";
  paid_at_ms?: number;
  refunds: StripeRefund[];
  disputes: StripeDispute[];
  notices: Notice[];
};

/** What a keyed request was, and how it was answered. */
export type Remembered = { fingerprint: string; body: string; at_ms: number };

export type StripeState = {
  members: Map<string, StripeAccount>;
  /** By `account_id/session_id`. */
  trades: Map<string, StripeTrade>;
  by_token: Map<string, StripeTrade>;
  by_payment_intent: Map<string, StripeTrade>;
  by_reference: Map<string, StripeTrade>;
  /** Answers to keyed requests, by `account_id/key`. They do not survive a restart. */
  remembered: Map<string, Remembered>;
};

export function createStripeState(): StripeState {
  return {
    members: new Map(),
    trades: new Map(),
    by_token: new Map(),
    by_payment_intent: new Map(),
    by_reference: new Map(),
    remembered: new Map(),
  };
}

const trades_max = 50_000;

/** Files a trade under each of its numbers; the oldest beyond 50,000 are forgotten. */
export function fileTrade(state: StripeState, trade: StripeTrade): void {
  state.trades.set(`${trade.account_id}/${trade.session_id}`, trade);
  state.by_token.set(trade.token, trade);
  state.by_reference.set(`${trade.account_id}/${trade.out_trade_no}`, trade);
  if (trade.payment_intent !== undefined) state.by_payment_intent.set(trade.payment_intent, trade);
  const [oldest] = state.trades.values();
  if (state.trades.size > trades_max && oldest !== undefined) forget(state, oldest);
}

function forget(state: StripeState, trade: StripeTrade): void {
  state.trades.delete(`${trade.account_id}/${trade.session_id}`);
  state.by_token.delete(trade.token);
  state.by_reference.delete(`${trade.account_id}/${trade.out_trade_no}`);
  if (trade.payment_intent !== undefined) state.by_payment_intent.delete(trade.payment_intent);
}

/** Forgets every trade and keeps the accounts. */
export function clearTrades(state: StripeState): void {
  for (const map of [state.trades, state.by_token, state.by_payment_intent, state.by_reference, state.remembered]) {
    map.clear();
  }
}
