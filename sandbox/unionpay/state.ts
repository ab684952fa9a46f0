/** What the sandbox's UnionPay knows: merchants with their certificates, orders, and the refunds of each. */
import type { KeyObject } from "node:crypto";
import type { KeyPairPem } from "../kit/crypto.ts";
import type { Notice } from "../kit/deliveries.ts";

/** A certificate of the simulated authority together with its private key. */
export type Issued = { pem: string; private_pem: string };

/** A merchant as it is kept. Its certificate's serial number, in decimal, is the `certId` of every request. */
export type UnionpayMerchant = {
  mer_id: string;
  name: string;
  cert_id: string;
  certificate_pem: string;
  /** Only when the sandbox made the pair. */
  private_key_pem?: string;
  /** Issues UnionPay's signing certificate for this merchant; a rotation replaces it. */
  middle: Issued;
  /** UnionPay's signing certificate, which travels in every answer as `signPubKeyCert`. */
  signing: Issued;
};

/** A merchant with its keys read. */
export type UnionpayMember = {
  merchant: UnionpayMerchant;
  merchant_key: KeyObject;
  /** When the merchant's certificate runs out. */
  valid_until_ms: number;
  signing_key: KeyObject;
};

/** The root of the simulated chain. */
export type UnionpayRoot = KeyPairPem & { pem: string };

/** How the payer meets the order: on a page, in the merchant's app (`tn`), by scanning, in UnionPay's app, or by showing a code. */
export type UnionpayKind = "web" | "app" | "qr" | "jsapi" | "barcode";

/** What every order of UnionPay is known by: the merchant's number and time, and UnionPay's number. */
type Numbered = { txn_type: string; txn_sub_type: string; biz_type: string; txn_time: string; query_id?: string };

/** A refund (04) or a same-day undo (31), an order of its own; `amount` is whole fen. */
export type UnionpayRefund = Numbered & {
  order_id: string;
  amount: bigint;
  notify_url: string;
  status: "pending" | "done" | "failed";
  created_at_ms: number;
  done_at_ms?: number;
};

/** A payment order; `total` is whole fen of CNY. */
export type UnionpayTrade = Numbered & {
  mer_id: string;
  /** The merchant's `orderId`. */
  out_trade_no: string;
  kind: UnionpayKind;
  subject: string;
  total: bigint;
  notify_url: string;
  front_url?: string;
  fingerprint: string;
  /** What the QR code, the `tn` or the wallet's address carries. */
  token: string;
  state: "NOTPAY" | "SUCCESS" | "REVERSED";
  /** Why the payer's last try failed; the order stays open for another one. */
  failure_code?: string;
  payer?: string;
  created_at_ms: number;
  expires_at_ms: number;
  paid_at_ms?: number;
  refunds: UnionpayRefund[];
  notices: Notice[];
};

/** An order by number: a payment, or a refund of one. */
export type UnionpayOrder = { trade: UnionpayTrade; refund?: UnionpayRefund };

/** A code of userAuth: good once, for five minutes. */
export type UserAuthCode = { payer: string; made_at_ms: number; used: boolean };

export type UnionpayState = {
  user_auth_codes: Map<string, UserAuthCode>;
  members: Map<string, UnionpayMember>;
  root: UnionpayRoot | undefined;
  /** By `mer_id/orderId`. */
  trades: Map<string, UnionpayTrade>;
  /** Payments and refunds share one number space; by `mer_id/orderId`. */
  orders: Map<string, UnionpayOrder>;
  by_token: Map<string, UnionpayTrade>;
  by_query_id: Map<string, UnionpayTrade>;
};

export function createUnionpayState(): UnionpayState {
  return {
    user_auth_codes: new Map(),
    members: new Map(),
    root: undefined,
    trades: new Map(),
    orders: new Map(),
    by_token: new Map(),
    by_query_id: new Map(),
  };
}

const trades_max = 50_000;

/** Files a trade, and its refunds, under each of their numbers; the oldest beyond 50,000 are forgotten. */
export function fileTrade(state: UnionpayState, trade: UnionpayTrade): void {
  state.trades.set(`${trade.mer_id}/${trade.out_trade_no}`, trade);
  state.orders.set(`${trade.mer_id}/${trade.out_trade_no}`, { trade });
  state.by_token.set(trade.token, trade);
  if (trade.query_id !== undefined) state.by_query_id.set(trade.query_id, trade);
  for (const refund of trade.refunds) fileRefund(state, trade, refund);
  const [oldest] = state.trades.values();
  if (state.trades.size > trades_max && oldest !== undefined) forget(state, oldest);
}

/** Files a refund under its own number. */
export function fileRefund(state: UnionpayState, trade: UnionpayTrade, refund: UnionpayRefund): void {
  state.orders.set(`${trade.mer_id}/${refund.order_id}`, { trade, refund });
}

function forget(state: UnionpayState, trade: UnionpayTrade): void {
  state.trades.delete(`${trade.mer_id}/${trade.out_trade_no}`);
  state.orders.delete(`${trade.mer_id}/${trade.out_trade_no}`);
  state.by_token.delete(trade.token);
  if (trade.query_id !== undefined) state.by_query_id.delete(trade.query_id);
  for (const { order_id } of trade.refunds) state.orders.delete(`${trade.mer_id}/${order_id}`);
}

/** Forgets every trade and keeps the merchants. */
export function clearTrades(state: UnionpayState): void {
  state.user_auth_codes.clear();
  state.trades.clear();
  state.orders.clear();
  state.by_token.clear();
  state.by_query_id.clear();
}
