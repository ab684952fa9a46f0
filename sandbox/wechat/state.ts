/** What the sandbox's WeChat Pay knows: merchants with their keys, trades and refunds, and how to find them. */
import type { KeyObject } from "node:crypto";
import type { Notice } from "../kit/deliveries.ts";

/** platform_certificate: an old merchant. public_key: a new one. both: in between, as the portal's migration is. */
export const verify_modes = ["platform_certificate", "public_key", "both"] as const;
export type VerifyMode = (typeof verify_modes)[number];

/** A platform certificate or public key of the channel. `id` is what `Wechatpay-Serial` says. */
export type PlatformKey = {
  id: string;
  kind: "certificate" | "public_key";
  private_pem: string;
  pem: string;
  made_at_ms: number;
};

/** A merchant as it is kept. */
export type WechatMerchant = {
  mchid: string;
  name: string;
  appids: string[];
  /** Of the merchant's mini program, and of its mobile app. */
  mini_appid: string;
  app_appid: string;
  app_secret: string;
  mini_app_secret: string;
  api_v3_key: string;
  api_v2_key: string;
  merchant_serial_no: string;
  merchant_public_key_pem: string;
  /** Only when the sandbox made the pair. */
  merchant_private_key_pem?: string;
  merchant_certificate_pem?: string;
  verify_mode: VerifyMode;
  /** Those for whom it collects, which makes it a service provider. */
  sub_merchants?: SubMerchant[];
  /** Whom it may share with. */
  receivers?: Receiver[];
  /** The newest of each kind signs. */
  platform_keys: PlatformKey[];
};

/** A merchant of a service provider's, with its own apps. */
export type SubMerchant = { sub_mchid: string; sub_appid: string; sub_mini_appid: string; sub_app_appid: string };

/** A receiver of shares, of a direct merchant or of a sub-merchant. */
export type Receiver = {
  type: "MERCHANT_ID" | "PERSONAL_OPENID" | "PERSONAL_SUB_OPENID";
  account: string;
  name?: string;
  sub_mchid?: string;
};

/** A merchant with its keys read. */
export type WechatMember = {
  merchant: WechatMerchant;
  merchant_key: KeyObject;
  /** The newest certificate key and public key of the channel, ready to sign. */
  signers: { certificate?: Signer; public_key?: Signer };
};
export type Signer = { id: string; key: KeyObject };

/** Orders that a payer pays afterwards. */
export const order_kinds = ["native", "jsapi", "h5", "app"] as const;
export type OrderKind = (typeof order_kinds)[number];
/** `code`: the merchant scanned the payer's code. */
export type TradeKind = OrderKind | "code";

/** A refund; amounts are whole fen. */
export type WechatRefund = {
  out_refund_no: string;
  refund_id: string;
  amount: bigint;
  status: "PROCESSING" | "SUCCESS" | "CLOSED" | "ABNORMAL";
  fingerprint: string;
  notify_url?: string;
  created_at_ms: number;
  success_at_ms?: number;
};

/**
 * A trade; `total` is whole fen of CNY. CLOSED is also what NOTPAY and USERPAYING become when their time is over. Only
 * code payments know USERPAYING (the payer must confirm), PAYERROR (declined) and REVOKED (reversed).
 */
export type WechatTrade = {
  /** Who signs: the merchant, or the service provider. */
  mchid: string;
  appid: string;
  /** The sub-merchant who gets the money, and its app. */
  sub_mchid?: string;
  sub_appid?: string;
  /** The app under which the payer acts. Missing from trades of an earlier version: `appid`. */
  payer_appid?: string;
  out_trade_no: string;
  kind: TradeKind;
  description: string;
  attach?: string;
  /** Code payments have none. */
  notify_url?: string;
  total: bigint;
  fingerprint: string;
  state: "NOTPAY" | "SUCCESS" | "REFUND" | "CLOSED" | "USERPAYING" | "PAYERROR" | "REVOKED";
  created_at_ms: number;
  expires_at_ms: number;
  prepay_id: string;
  /** What a native trade's QR code carries. */
  token: string;
  /** Until when the QR code, prepay id or h5 link can be paid. */
  link_expires_at_ms: number;
  /** Who must pay a jsapi trade, or showed the code. */
  openid?: string;
  /** `Wechatpay-Serial` of the merchant's last request about this trade. */
  serial?: string;
  transaction_id?: string;
  payer?: string;
  paid_at_ms?: number;
  refunds: WechatRefund[];
  /** The money was held back to be shared; `unfrozen` once what is left has become the merchant's. */
  profit_sharing?: boolean;
  unfrozen?: boolean;
  /** When a code's payment was reversed. */
  revoked_at_ms?: number;
  sharings?: WechatSharing[];
  notices: Notice[];
};

/** What a receiver gets; whole fen, as numbers. */
export type SharedPart = Pick<Receiver, "type" | "account"> & {
  amount: number;
  description: string;
  result: "PENDING" | "SUCCESS" | "CLOSED";
  fail_reason?: string;
  detail_id: string;
  finished_at_ms?: number;
};

/** A part that its receiver gave back. */
export type SharingReturn = {
  out_return_no: string;
  return_id: string;
  return_mchid: string;
  amount: number;
  description: string;
  result: "PROCESSING" | "SUCCESS" | "FAILED";
  fail_reason?: string;
  fingerprint: string;
  created_at_ms: number;
};

/** A sharing, or the release of what was left. */
export type WechatSharing = {
  kind: "share" | "release";
  out_order_no: string;
  order_id: string;
  state: "PROCESSING" | "FINISHED";
  parts: SharedPart[];
  fingerprint: string;
  created_at_ms: number;
  returns: SharingReturn[];
};

/** A transfer to a person; whole fen, as numbers. */
export type WechatTransfer = {
  mchid: string;
  appid: string;
  out_bill_no: string;
  transfer_bill_no: string;
  openid: string;
  user_name?: string;
  amount: number;
  remark: string;
  notify_url?: string;
  state:
    | "ACCEPTED"
    | "WAIT_USER_CONFIRM"
    | "TRANSFERING" // So spelled by the channel.
    | "SUCCESS"
    | "FAIL"
    | "CANCELING"
    | "CANCELLED";
  fail_reason?: string;
  package_info: string;
  fingerprint: string;
  created_at_ms: number;
  updated_at_ms: number;
  serial?: string;
  notices: Notice[];
};

/** A code of web authorization or of a mini program's login: single use, five minutes. */
export type OauthCode = { kind: "web" | "mini"; appid: string; payer: string; made_at_ms: number; used: boolean };

export type WechatState = {
  members: Map<string, WechatMember>;
  /** By `mchid/out_trade_no`. */
  trades: Map<string, WechatTrade>;
  by_link: Map<string, WechatTrade>;
  by_transaction: Map<string, WechatTrade>;
  /** By `mchid/out_refund_no`. */
  refunds: Map<string, { trade: WechatTrade; refund: WechatRefund }>;
  /** By `mchid/out_order_no`. */
  sharings: Map<string, { trade: WechatTrade; sharing: WechatSharing }>;
  /** By `mchid/out_bill_no`. */
  transfers: Map<string, WechatTransfer>;
  /** Bills that lie ready, by their token. */
  bill_links: Map<string, { mchid: string; content: Buffer; expires_at_ms: number }>;
  oauth_codes: Map<string, OauthCode>;
  /** JSAPI invocations that await the payer: id to trade. */
  nonces: { current: Set<number>; previous: Set<number>; since_ms: number };
};

export function createWechatState(): WechatState {
  return {
    members: new Map(),
    trades: new Map(),
    by_link: new Map(),
    by_transaction: new Map(),
    refunds: new Map(),
    sharings: new Map(),
    transfers: new Map(),
    bill_links: new Map(),
    oauth_codes: new Map(),
    nonces: { current: new Set(), previous: new Set(), since_ms: 0 },
  };
}

const trades_max = 50_000;

/** Files a trade under each of its numbers; the oldest trades beyond 50,000 are forgotten, as memory is finite. */
export function fileTrade(state: WechatState, trade: WechatTrade): void {
  state.trades.set(`${trade.mchid}/${trade.out_trade_no}`, trade);
  state.by_link.set(trade.prepay_id, trade);
  state.by_link.set(trade.token, trade);
  if (trade.transaction_id !== undefined) state.by_transaction.set(trade.transaction_id, trade);
  for (const refund of trade.refunds) state.refunds.set(`${trade.mchid}/${refund.out_refund_no}`, { trade, refund });
  for (const sharing of trade.sharings ?? []) {
    state.sharings.set(`${trade.mchid}/${sharing.out_order_no}`, { trade, sharing });
  }
  if (state.trades.size <= trades_max) return;
  const [oldest] = state.trades.values();
  if (oldest !== undefined) forgetTrade(state, oldest);
}

function forgetTrade(state: WechatState, trade: WechatTrade): void {
  state.trades.delete(`${trade.mchid}/${trade.out_trade_no}`);
  state.by_link.delete(trade.prepay_id);
  state.by_link.delete(trade.token);
  if (trade.transaction_id !== undefined) state.by_transaction.delete(trade.transaction_id);
  for (const refund of trade.refunds) state.refunds.delete(`${trade.mchid}/${refund.out_refund_no}`);
  for (const sharing of trade.sharings ?? []) state.sharings.delete(`${trade.mchid}/${sharing.out_order_no}`);
}

/** Forgets every trade and keeps the merchants. */
export function clearTrades(state: WechatState): void {
  state.trades.clear();
  state.by_link.clear();
  state.by_transaction.clear();
  state.refunds.clear();
  state.sharings.clear();
  state.transfers.clear();
  state.bill_links.clear();
  state.oauth_codes.clear();
}
