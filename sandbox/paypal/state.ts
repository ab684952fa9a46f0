/** What the sandbox's PayPal knows: apps of merchants, orders with their captures and refunds, disputes, and tokens. */
import type { KeyObject } from "node:crypto";
import type { KeyPairPem } from "../kit/crypto.ts";
import type { Notice } from "../kit/deliveries.ts";

/** Where an app is told of events. `id` is part of what each message's signature covers. */
export type PaypalWebhook = { id: string; url: string };

/** A merchant's business account together with its one REST app, as it is kept. */
export type PaypalMerchant = {
  client_id: string;
  client_secret: string;
  /** PayPal's number of the business account (the payee), 13 letters and digits. */
  merchant_id: string;
  name: string;
  webhooks: PaypalWebhook[];
};

/** The certificate that signs webhooks: `chain` is what its address serves, leaf first. */
export type PaypalSigner = { id: string; chain: string; private_pem: string };

/** The simulated authority: a root, a middle certificate under it, and every signer so far, the newest last. */
export type PaypalAuthority = {
  root: KeyPairPem & { pem: string };
  middle: KeyPairPem & { pem: string };
  signers: PaypalSigner[];
};

/** What becomes of the money when the merchant captures. */
export type CaptureFate = "completed" | "instrument_declined";

/** A captured payment: the whole order's amount. */
export type PaypalCapture = {
  id: string;
  status: "COMPLETED" | "PENDING" | "DECLINED";
  /** Why it is pending or declined. */
  reason?: string;
  created_at_ms: number;
  updated_at_ms: number;
};

export type PaypalRefund = {
  id: string;
  amount: bigint;
  status: "PENDING" | "COMPLETED" | "FAILED";
  invoice_id?: string;
  custom_id?: string;
  note_to_payer?: string;
  created_at_ms: number;
  updated_at_ms: number;
};

export type PaypalDispute = {
  id: string;
  reason: string;
  status: "OPEN" | "UNDER_REVIEW" | "RESOLVED";
  outcome?: string;
  created_at_ms: number;
  updated_at_ms: number;
  respond_by_ms?: number;
};

/** An order; `total` is in minor units of ISO 4217, also where PayPal takes no decimals. */
export type PaypalTrade = {
  client_id: string;
  /** PayPal's number of the order. */
  order_id: string;
  /** The merchant's number: `invoice_id`, or `custom_id`, or PayPal's own. */
  out_trade_no: string;
  subject: string;
  currency: string;
  total: bigint;
  reference_id: string;
  custom_id?: string;
  invoice_id?: string;
  /** The payer is led to `payer-action` when the request named PayPal as the source, to `approve` when it did not. */
  named_source: boolean;
  return_url?: string;
  cancel_url?: string;
  status: "CREATED" | "PAYER_ACTION_REQUIRED" | "APPROVED" | "COMPLETED" | "VOIDED";
  payer?: string;
  fate: CaptureFate;
  /** Nothing is told of its payment unless it is replayed. */
  silent?: true;
  /** The number that the capture will have; drawn when the payer approves. */
  capture_id: string;
  capture?: PaypalCapture;
  created_at_ms: number;
  updated_at_ms: number;
  approved_at_ms?: number;
  paid_at_ms?: number;
  refunds: PaypalRefund[];
  disputes: PaypalDispute[];
  notices: Notice[];
};

/** What a `PayPal-Request-Id` did: the answer is given again for as long as PayPal remembers it. */
export type RememberedRequest = {
  trade: PaypalTrade;
  refund?: PaypalRefund;
  /** The refusal that is repeated, where the request was refused for good. */
  issue?: string;
  until_ms: number;
};

export type PaypalToken = { token: string; client_id: string; expires_at_ms: number };

export type PaypalState = {
  /** By client id. */
  members: Map<string, PaypalMerchant>;
  authority: PaypalAuthority | undefined;
  /** The newest signer's key, read. */
  signing_key: KeyObject | undefined;
  /** By PayPal's number of the order. */
  trades: Map<string, PaypalTrade>;
  /** By `client_id/out_trade_no`: the newest order of that number. */
  by_number: Map<string, PaypalTrade>;
  by_capture: Map<string, PaypalTrade>;
  /** By `client_id/invoice_id`: the order whose capture took the invoice's money. */
  by_invoice: Map<string, PaypalTrade>;
  by_refund: Map<string, PaypalTrade>;
  by_dispute: Map<string, PaypalTrade>;
  /** By `client_id/call/PayPal-Request-Id`. */
  requests: Map<string, RememberedRequest>;
  /** By the token itself; not kept over a restart. */
  tokens: Map<string, PaypalToken>;
};

export function createPaypalState(): PaypalState {
  return {
    members: new Map(),
    authority: undefined,
    signing_key: undefined,
    trades: new Map(),
    by_number: new Map(),
    by_capture: new Map(),
    by_invoice: new Map(),
    by_refund: new Map(),
    by_dispute: new Map(),
    requests: new Map(),
    tokens: new Map(),
  };
}

const trades_max = 50_000;

/** Files an order, and what came of it, under each of their numbers; the oldest beyond 50,000 are forgotten. */
export function fileTrade(state: PaypalState, trade: PaypalTrade): void {
  state.trades.set(trade.order_id, trade);
  state.by_number.set(`${trade.client_id}/${trade.out_trade_no}`, trade);
  if (trade.capture !== undefined) fileCapture(state, trade);
  for (const refund of trade.refunds) state.by_refund.set(refund.id, trade);
  for (const dispute of trade.disputes) state.by_dispute.set(dispute.id, trade);
  const [oldest] = state.trades.values();
  if (state.trades.size > trades_max && oldest !== undefined) forget(state, oldest);
}

/** Files an order's capture, once it has one. */
export function fileCapture(state: PaypalState, trade: PaypalTrade): void {
  state.by_capture.set(trade.capture_id, trade);
  if (trade.invoice_id !== undefined) state.by_invoice.set(`${trade.client_id}/${trade.invoice_id}`, trade);
}

function forget(state: PaypalState, trade: PaypalTrade): void {
  const number = `${trade.client_id}/${trade.out_trade_no}`;
  if (state.by_number.get(number) === trade) state.by_number.delete(number);
  state.trades.delete(trade.order_id);
  state.by_capture.delete(trade.capture_id);
  const invoice = `${trade.client_id}/${trade.invoice_id}`;
  if (state.by_invoice.get(invoice) === trade) state.by_invoice.delete(invoice);
  for (const { id } of trade.refunds) state.by_refund.delete(id);
  for (const { id } of trade.disputes) state.by_dispute.delete(id);
}

/** Forgets every order and keeps the merchants, and their tokens. */
export function clearTrades(state: PaypalState): void {
  state.trades.clear();
  state.by_number.clear();
  state.by_capture.clear();
  state.by_invoice.clear();
  state.by_refund.clear();
  state.by_dispute.clear();
  state.requests.clear();
}
