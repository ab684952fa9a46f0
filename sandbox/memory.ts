/** What of the sandbox survives a restart: merchants, keys, the newest trades, and the notices that are still due. */
import { makeParcel as alipayParcel } from "./alipay/notice.ts";
import { admitMember as admitAlipay } from "./alipay/provision.ts";
import { receiverKey, receiversOf } from "./alipay/relation.ts";
import {
  type AlipayAuthority,
  type AlipayMerchant,
  type AlipayReceiver,
  type AlipaySettle,
  type AlipayTrade,
  type AlipayTransfer,
  type AppGrant,
  fileTrade as fileAlipay,
} from "./alipay/state.ts";
import type { Sandbox } from "./context.ts";
import { makeParcel as paypalParcel } from "./paypal/notice.ts";
import {
  fileTrade as filePaypal,
  type PaypalAuthority,
  type PaypalMerchant,
  type PaypalTrade,
} from "./paypal/state.ts";
import { makeParcel as stripeParcel } from "./stripe/notice.ts";
import { fileTrade as fileStripe, type StripeAccount, type StripeTrade } from "./stripe/state.ts";
import { makeParcel as unionpayParcel } from "./unionpay/notice.ts";
import { admitMember as admitUnionpay } from "./unionpay/provision.ts";
import {
  fileTrade as fileUnionpay,
  type UnionpayMerchant,
  type UnionpayRoot,
  type UnionpayTrade,
} from "./unionpay/state.ts";
import { makeParcel as wechatParcel } from "./wechat/notice.ts";
import { admitMember as admitWechat } from "./wechat/provision.ts";
import { fileTrade as fileWechat, type WechatMerchant, type WechatTrade, type WechatTransfer } from "./wechat/state.ts";
import { restoreTransfer } from "./wechat/transfer.ts";

/** How many trades of each channel are kept; a simulation's older ones are not worth their weight. */
const trades_kept = 5000;

/** JSON has no bigint: amounts are kept as strings of fen. */
type Kept<T> = T extends bigint
  ? string
  : T extends (infer E)[]
    ? Kept<E>[]
    : T extends object
      ? { [K in keyof T]: Kept<T[K]> }
      : T;

type Memory = {
  version: 1;
  wechat: {
    merchants: WechatMerchant[];
    trades: Kept<WechatTrade>[];
    /** Missing from files written before there were transfers. */
    transfers?: WechatTransfer[];
  };
  alipay: {
    merchants: AlipayMerchant[];
    authority?: AlipayAuthority;
    trades: Kept<AlipayTrade>[];
    /** Missing from files written before there were third-party applications. */
    grants?: AppGrant[];
    /** Missing from files written before there was sharing: by application. */
    receivers?: [string, AlipayReceiver[]][];
    /** Missing from files written before there were transfers. */
    transfers?: Kept<AlipayTransfer>[];
  };
  /** Missing from files written before there was a UnionPay. */
  unionpay?: { merchants: UnionpayMerchant[]; root?: UnionpayRoot; trades: Kept<UnionpayTrade>[] };
  /** Missing from files written before there was a Stripe. */
  stripe?: { accounts: StripeAccount[]; trades: Kept<StripeTrade>[] };
  /** Missing from files written before there was a PayPal. */
  paypal?: { merchants: PaypalMerchant[]; authority?: PaypalAuthority; trades: Kept<PaypalTrade>[] };
};

/** Missing from trades that were written before there was sharing. */
function keepSettles(settles: AlipaySettle[]): Kept<AlipaySettle>[] {
  return settles.map((settle) => ({
    ...settle,
    parts: settle.parts.map((part) => ({ ...part, amount: `${part.amount}`, returned: `${part.returned}` })),
  }));
}

function reviveSettles(kept: Kept<AlipaySettle>[] = []): AlipaySettle[] {
  return kept.map((settle) => ({
    ...settle,
    parts: settle.parts.map((part) => ({ ...part, amount: BigInt(part.amount), returned: BigInt(part.returned) })),
  }));
}

type Amounts = { total: bigint; refunds: { amount: bigint }[] };

function keepTrade<T extends Amounts>(trade: T): Kept<T> {
  const refunds = trade.refunds.map((refund) => ({ ...refund, amount: refund.amount.toString() }));
  return { ...trade, total: trade.total.toString(), refunds } as unknown as Kept<T>;
}

function reviveTrade<T extends Amounts>(kept: Kept<T>): T {
  const { total, refunds } = kept as unknown as { total: string; refunds: { amount: string }[] };
  const revived = refunds.map((refund) => ({ ...refund, amount: BigInt(refund.amount) }));
  return { ...kept, total: BigInt(total), refunds: revived } as unknown as T;
}

function newest<T>(trades: Map<string, T>): T[] {
  return [...trades.values()].slice(-trades_kept);
}

/** Takes a picture of the sandbox. */
export function captureMemory(sandbox: Sandbox): Memory {
  const { wechat, alipay, unionpay, stripe, paypal } = sandbox;
  return {
    version: 1,
    wechat: {
      merchants: [...wechat.members.values()].map((member) => member.merchant),
      trades: newest(wechat.trades).map((trade) => keepTrade(trade)),
      transfers: newest(wechat.transfers),
    },
    alipay: {
      merchants: [...alipay.members.values()].map((member) => member.merchant),
      trades: newest(alipay.trades).map((trade) => ({ ...keepTrade(trade), settles: keepSettles(trade.settles) })),
      transfers: newest(alipay.transfers).map((transfer) => ({ ...transfer, amount: `${transfer.amount}` })),
      receivers: [...alipay.receivers].map(([app_id, receivers]) => [app_id, [...receivers.values()]]),
      grants: [...alipay.grants.values()],
      ...(alipay.authority === undefined ? {} : { authority: alipay.authority }),
    },
    unionpay: {
      merchants: [...unionpay.members.values()].map((member) => member.merchant),
      trades: newest(unionpay.trades).map((trade) => keepTrade(trade)),
      ...(unionpay.root === undefined ? {} : { root: unionpay.root }),
    },
    stripe: {
      accounts: [...stripe.members.values()],
      trades: newest(stripe.trades).map((trade) => keepTrade(trade)),
    },
    paypal: {
      merchants: [...paypal.members.values()],
      trades: newest(paypal.trades).map((trade) => keepTrade(trade)),
      ...(paypal.authority === undefined ? {} : { authority: paypal.authority }),
    },
  };
}

/** Puts a picture back, and goes on delivering what was still to be delivered. */
export function restoreMemory(sandbox: Sandbox, picture: unknown): void {
  const memory = picture as Memory;
  if (memory.version !== 1) throw new Error("The sandbox's file is of another version. Move it away to start afresh.");
  for (const merchant of memory.wechat.merchants) admitWechat(sandbox, merchant);
  for (const merchant of memory.alipay.merchants) admitAlipay(sandbox, merchant);
  sandbox.alipay.authority = memory.alipay.authority;
  for (const [app_id, receivers] of memory.alipay.receivers ?? []) {
    const known = receiversOf(sandbox, app_id);
    for (const receiver of receivers) known.set(receiverKey(receiver.type, receiver.account), receiver);
  }
  for (const kept of memory.alipay.transfers ?? []) {
    sandbox.alipay.transfers.set(`${kept.app_id}/${kept.out_biz_no}`, { ...kept, amount: BigInt(kept.amount) });
  }
  for (const grant of memory.alipay.grants ?? []) sandbox.alipay.grants.set(grant.token, grant);
  for (const transfer of memory.wechat.transfers ?? []) restoreTransfer(sandbox, transfer);
  for (const kept of memory.wechat.trades) {
    const trade = reviveTrade<WechatTrade>(kept);
    fileWechat(sandbox.wechat, trade);
    for (const notice of trade.notices) resume(sandbox, notice.status, wechatParcel(sandbox, trade, notice));
  }
  for (const kept of memory.alipay.trades) {
    const trade = { ...reviveTrade<AlipayTrade>(kept), settles: reviveSettles(kept.settles) };
    fileAlipay(sandbox.alipay, trade);
    for (const notice of trade.notices) resume(sandbox, notice.status, alipayParcel(sandbox, trade, notice));
  }
  if (memory.unionpay !== undefined) restoreUnionpay(sandbox, memory.unionpay);
  if (memory.stripe !== undefined) restoreStripe(sandbox, memory.stripe);
  if (memory.paypal !== undefined) restorePaypal(sandbox, memory.paypal);
}

function restorePaypal(sandbox: Sandbox, memory: NonNullable<Memory["paypal"]>): void {
  sandbox.paypal.authority = memory.authority;
  for (const merchant of memory.merchants) sandbox.paypal.members.set(merchant.client_id, merchant);
  for (const kept of memory.trades) {
    const trade = reviveTrade<PaypalTrade>(kept);
    filePaypal(sandbox.paypal, trade);
    for (const notice of trade.notices) resume(sandbox, notice.status, paypalParcel(sandbox, trade, notice));
  }
}

function restoreStripe(sandbox: Sandbox, memory: NonNullable<Memory["stripe"]>): void {
  for (const account of memory.accounts) sandbox.stripe.members.set(account.account_id, account);
  for (const kept of memory.trades) {
    const trade = reviveTrade<StripeTrade>(kept);
    fileStripe(sandbox.stripe, trade);
    for (const notice of trade.notices) resume(sandbox, notice.status, stripeParcel(sandbox, trade, notice));
  }
}

function restoreUnionpay(sandbox: Sandbox, memory: NonNullable<Memory["unionpay"]>): void {
  sandbox.unionpay.root = memory.root;
  for (const merchant of memory.merchants) admitUnionpay(sandbox, merchant);
  for (const kept of memory.trades) {
    const trade = reviveTrade<UnionpayTrade>(kept);
    fileUnionpay(sandbox.unionpay, trade);
    for (const notice of trade.notices) resume(sandbox, notice.status, unionpayParcel(sandbox, trade, notice));
  }
}

function resume(sandbox: Sandbox, status: string, parcel: ReturnType<typeof wechatParcel>): void {
  if (status === "pending" && parcel !== undefined) sandbox.deliveries.resume(parcel);
}
