/** What the sandbox's Alipay knows: merchants (applications) with their keys, trades and refunds. */
import type { KeyObject } from "node:crypto";
import type { Notice } from "../kit/deliveries.ts";

export const alipay_modes = ["key", "certificate"] as const;
export type AlipayMode = (typeof alipay_modes)[number];

/** Old applications know a payer by a user id, new ones by an open id of their own. */
export const alipay_payer_ids = ["user_id", "open_id"] as const;

/** A certificate of the simulated authority with the serial number (SN) that Alipay computes of it. */
export type CertificatePem = { pem: string; sn: string };

/** An application as it is kept. */
export type AlipayMerchant = {
  app_id: string;
  seller_id: string;
  name: string;
  mode: AlipayMode;
  app_public_key_pem: string;
  /** Only when the sandbox made the pair. */
  app_private_key_pem?: string;
  /** Alipay's own pair for this application. */
  alipay_private_pem: string;
  alipay_public_pem: string;
  app_certificate?: CertificatePem;
  alipay_certificate?: CertificatePem;
  /** Alipay's earlier certificates, which can still be downloaded. */
  old_certificates: CertificatePem[];
  /** A service provider's application, which acts for merchants by their tokens. Absent: a merchant's own. */
  third_party?: boolean;
  /** How Alipay names payers to this application; a user id unless told. */
  payer_id?: (typeof alipay_payer_ids)[number];
  /** Notices are tried three times at once before the schedule begins, as some of Alipay's pages say. */
  eager_notices?: boolean;
  /** Where messages go that are about no order (应用网关). */
  app_gateway?: string;
};

/** What a merchant's application (`auth_app_id`) has granted a third-party one. */
export type AppGrant = {
  app_id: string;
  auth_app_id: string;
  user_id: string;
  token: string;
  refresh_token: string;
  granted_at_ms: number;
  ends_at_ms: number;
  /** Its refresh token has been used. */
  refreshed?: boolean;
};

/** An application with its keys read. */
export type AlipayMember = {
  merchant: AlipayMerchant;
  app_key: KeyObject;
  alipay_key: KeyObject;
  /** When the application's certificate ends. */
  app_certificate_ends_ms?: number;
};

/** The simulated authority of certificate mode: two RSA roots, an elliptic one as the real file has, an issuer. */
export type AlipayAuthority = {
  issuer_private_pem: string;
  issuer_pem: string;
  root_pem: string;
  /** SNs of the RSA roots joined by `_`. */
  root_sn: string;
};

export const alipay_kinds = ["qr", "wap", "page", "app", "create", "code"] as const;
export type AlipayKind = (typeof alipay_kinds)[number];

/** A refund; `amount` is whole fen. */
export type AlipayRefund = {
  out_request_no: string;
  amount: bigint;
  /** done: money has moved. pending: not yet. failed: it will not. */
  status: "done" | "pending" | "failed";
  reason?: string;
  created_at_ms: number;
  done_at_ms?: number;
};

/** A transfer to a person; it ends at `due_at_ms`, as a failure when it has an error. `amount` is whole fen. */
export type AlipayTransfer = {
  app_id: string;
  /** The application that asked, which is told. */
  signer_id: string;
  out_biz_no: string;
  identity: string;
  amount: bigint;
  fingerprint: string;
  order_id: string;
  made_at_ms: number;
  due_at_ms: number;
  error_code?: string;
  /** It was paid and has come back. */
  returned?: true;
};

/** With whom a merchant may share. */
export type AlipayReceiver = { type: "userId" | "loginName" | "openId"; account: string; memo?: string };

/** A part of a sharing. It ends at `due_at_ms`, as a failure when it has an error. Amounts are whole fen. */
export type AlipayPart = {
  trans_in: string;
  trans_in_type: string;
  amount: bigint;
  /** What refunds have taken back. */
  returned: bigint;
  detail_id: string;
  due_at_ms: number;
  error_code?: string;
};

/** A request to share; `finish` thaws the rest. */
export type AlipaySettle = {
  out_request_no: string;
  settle_no: string;
  fingerprint: string;
  mode: "sync" | "async";
  finish: boolean;
  made_at_ms: number;
  parts: AlipayPart[];
};

/**
 * A trade; `total` is whole fen of CNY. ABSENT: ordered, and unknown to Alipay's API until a payer opens it. VOID: an
 * absent one that was cancelled.
 */
export type AlipayTrade = {
  /** The merchant's application. */
  app_id: string;
  /** The third-party application that ordered it for the merchant. */
  provider_id?: string;
  out_trade_no: string;
  kind: AlipayKind;
  subject: string;
  body?: string;
  total: bigint;
  notify_url?: string;
  return_url?: string;
  passback_params?: string;
  fingerprint: string;
  state: "ABSENT" | "VOID" | "WAIT_BUYER_PAY" | "TRADE_SUCCESS" | "TRADE_FINISHED" | "TRADE_CLOSED";
  /** What the QR code or wallet link carries. */
  token: string;
  created_at_ms: number;
  expires_at_ms: number;
  /** When an absent trade can no longer be opened. */
  link_expires_at_ms: number;
  trade_no?: string;
  opened_at_ms?: number;
  buyer_id?: string;
  paid_at_ms?: number;
  closed_at_ms?: number;
  refunds: AlipayRefund[];
  /** The money was frozen when it was paid, to be shared. */
  frozen?: boolean;
  settles: AlipaySettle[];
  notices: Notice[];
};

/** An authorization code: single use, five minutes. */
export type AuthCode = { app_id: string; payer: string; made_at_ms: number; used: boolean };

export type AlipayState = {
  members: Map<string, AlipayMember>;
  authority: AlipayAuthority | undefined;
  /** By `app_id/out_trade_no`. */
  trades: Map<string, AlipayTrade>;
  by_token: Map<string, AlipayTrade>;
  by_trade_no: Map<string, AlipayTrade>;
  auth_codes: Map<string, AuthCode>;
  /** By token. */
  grants: Map<string, AppGrant>;
  /** By the merchant's application, then by type and account. */
  receivers: Map<string, Map<string, AlipayReceiver>>;
  /** Numbers of requests to bind or unbind, with the application. */
  relation_requests: Set<string>;
  /** By `app_id/out_biz_no`. */
  transfers: Map<string, AlipayTransfer>;
  /** The user behind each open id that was given out. */
  open_ids: Map<string, string>;
  /** Addresses of bills by their token. */
  bill_links: Map<string, { app_id: string; type: "trade" | "signcustomer"; date: string; made_at_ms: number }>;
  /** Codes that a third-party application exchanges for a token, once. */
  app_auth_codes: Map<string, Pick<AppGrant, "app_id" | "auth_app_id"> & { made_at_ms: number }>;
};

export function createAlipayState(): AlipayState {
  return {
    members: new Map(),
    authority: undefined,
    trades: new Map(),
    by_token: new Map(),
    by_trade_no: new Map(),
    auth_codes: new Map(),
    grants: new Map(),
    receivers: new Map(),
    relation_requests: new Set(),
    transfers: new Map(),
    open_ids: new Map(),
    bill_links: new Map(),
    app_auth_codes: new Map(),
  };
}

const trades_max = 50_000;

/** Files a trade under each of its numbers; the oldest trades beyond 50,000 are forgotten, as memory is finite. */
export function fileTrade(state: AlipayState, trade: AlipayTrade): void {
  state.trades.set(`${trade.app_id}/${trade.out_trade_no}`, trade);
  state.by_token.set(trade.token, trade);
  if (trade.trade_no !== undefined) state.by_trade_no.set(trade.trade_no, trade);
  if (state.trades.size <= trades_max) return;
  const [oldest] = state.trades.values();
  if (oldest === undefined) return;
  state.trades.delete(`${oldest.app_id}/${oldest.out_trade_no}`);
  state.by_token.delete(oldest.token);
  if (oldest.trade_no !== undefined) state.by_trade_no.delete(oldest.trade_no);
}

/** Forgets trades, transfers and with whom may be shared, and keeps the merchants. */
export function clearTrades(state: AlipayState): void {
  state.trades.clear();
  state.by_token.clear();
  state.by_trade_no.clear();
  state.auth_codes.clear();
  state.receivers.clear();
  state.relation_requests.clear();
  state.transfers.clear();
  state.bill_links.clear();
}
