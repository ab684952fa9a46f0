/** Trades as the control plane and the wallet show them, the same for every channel. */
import { formatYuan } from "../alipay/money.ts";
import { sharedAmount } from "../alipay/settle.ts";
import { refreshTrade as refreshAlipay } from "../alipay/trade.ts";
import type { Sandbox } from "../context.ts";
import type { Notice } from "../kit/deliveries.ts";
import type { Fields } from "../kit/input.ts";
import { statusOfCapture } from "../paypal/describe.ts";
import { writeValue } from "../paypal/money.ts";
import { isPayable as isApprovable } from "../paypal/order.ts";
import { showAmount } from "../stripe/money.ts";
import { refreshTrade as refreshStripe } from "../stripe/session.ts";
import { isPayable } from "../unionpay/order.ts";
import { isUnpaid, refreshTrade as refreshWechat } from "../wechat/pay.ts";
import { sharedAmount as sharedWechat } from "../wechat/sharing.ts";
import type { Found } from "./resolve.ts";

const iso = (ms: number | undefined) => (ms === undefined ? undefined : new Date(ms).toISOString());

function showNotice(notice: Notice): Fields {
  const { id, event, refund_no, attempts, status, next_at_ms } = notice;
  return { id, event, refund: refund_no, attempts, status, next_at: iso(next_at_ms) };
}

/** Fen as a JSON number. */
function fen(amount: bigint): number {
  return Number(amount);
}

function showWechat(sandbox: Sandbox, { trade }: Extract<Found, { channel: "wechat" }>): Fields {
  refreshWechat(sandbox, trade);
  return {
    channel: "wechat",
    merchant: trade.mchid,
    appid: trade.appid,
    out_trade_no: trade.out_trade_no,
    transaction_id: trade.transaction_id,
    kind: trade.kind,
    state: trade.state,
    subject: trade.description,
    amount: fen(trade.total),
    currency: "CNY",
    prepay_id: trade.prepay_id,
    payer: trade.payer,
    created_at: iso(trade.created_at_ms),
    expires_at: iso(trade.expires_at_ms),
    paid_at: iso(trade.paid_at_ms),
    notify_url: trade.notify_url,
    refunds: trade.refunds.map((refund) => ({
      refund: refund.out_refund_no,
      refund_id: refund.refund_id,
      amount: fen(refund.amount),
      status: refund.status,
      notify_url: refund.notify_url,
    })),
    frozen: trade.profit_sharing === true && trade.unfrozen !== true,
    shared: sharedWechat(trade),
    notices: trade.notices.map(showNotice),
  };
}

function showAlipay(sandbox: Sandbox, { trade }: Extract<Found, { channel: "alipay" }>): Fields {
  refreshAlipay(sandbox, trade);
  return {
    channel: "alipay",
    merchant: trade.app_id,
    out_trade_no: trade.out_trade_no,
    transaction_id: trade.trade_no,
    kind: trade.kind,
    state: trade.state,
    subject: trade.subject,
    amount: fen(trade.total),
    currency: "CNY",
    payer: trade.buyer_id,
    created_at: iso(trade.created_at_ms),
    expires_at: iso(trade.expires_at_ms),
    paid_at: iso(trade.paid_at_ms),
    notify_url: trade.notify_url,
    return_url: trade.return_url,
    refunds: trade.refunds.map((refund) => ({
      refund: refund.out_request_no,
      amount: fen(refund.amount),
      status: refund.status,
    })),
    frozen: trade.frozen === true && !trade.settles.some((settle) => settle.finish),
    shared: fen(sharedAmount(sandbox, trade)),
    notices: trade.notices.map(showNotice),
  };
}

function showUnionpay({ trade }: Extract<Found, { channel: "unionpay" }>): Fields {
  return {
    channel: "unionpay",
    merchant: trade.mer_id,
    out_trade_no: trade.out_trade_no,
    txn_time: trade.txn_time,
    transaction_id: trade.query_id,
    kind: trade.kind,
    state: trade.state,
    failure_code: trade.failure_code,
    subject: trade.subject,
    amount: fen(trade.total),
    currency: "CNY",
    payer: trade.payer,
    created_at: iso(trade.created_at_ms),
    expires_at: iso(trade.expires_at_ms),
    paid_at: iso(trade.paid_at_ms),
    notify_url: trade.notify_url,
    return_url: trade.front_url,
    refunds: trade.refunds.map((refund) => ({
      refund: refund.order_id,
      refund_id: refund.query_id,
      type: refund.txn_type,
      amount: fen(refund.amount),
      status: refund.status,
      notify_url: refund.notify_url,
    })),
    notices: trade.notices.map(showNotice),
  };
}

function showStripe(sandbox: Sandbox, { trade }: Extract<Found, { channel: "stripe" }>): Fields {
  refreshStripe(sandbox, trade);
  return {
    channel: "stripe",
    merchant: trade.account_id,
    out_trade_no: trade.out_trade_no,
    session: trade.session_id,
    transaction_id: trade.payment_intent,
    kind: "checkout",
    state: trade.status,
    failure_code: trade.decline?.decline_code ?? trade.decline?.code,
    subject: trade.subject,
    amount: Number(trade.total),
    currency: trade.currency.toUpperCase(),
    payer: trade.payer,
    created_at: iso(trade.created_at_ms),
    expires_at: iso(trade.expires_at_ms),
    paid_at: iso(trade.paid_at_ms),
    return_url: trade.success_url,
    refunds: trade.refunds.map((refund) => ({
      refund: refund.id,
      amount: Number(refund.amount),
      status: refund.status,
      metadata: refund.metadata,
    })),
    disputes: trade.disputes.map(({ id, amount, reason, status }) => ({ id, amount: Number(amount), reason, status })),
    notices: trade.notices.map(showNotice),
  };
}

function showPaypal({ trade }: Extract<Found, { channel: "paypal" }>): Fields {
  return {
    channel: "paypal",
    merchant: trade.client_id,
    out_trade_no: trade.out_trade_no,
    order_id: trade.order_id,
    transaction_id: trade.capture?.id,
    kind: "checkout",
    state: trade.status,
    capture: trade.capture && statusOfCapture(trade),
    subject: trade.subject,
    amount: fen(trade.total),
    currency: trade.currency,
    payer: trade.payer,
    created_at: iso(trade.created_at_ms),
    paid_at: iso(trade.paid_at_ms),
    return_url: trade.return_url,
    refunds: trade.refunds.map((refund) => ({
      refund: refund.invoice_id ?? refund.id,
      refund_id: refund.id,
      amount: fen(refund.amount),
      status: refund.status,
    })),
    disputes: trade.disputes.map(({ id, reason, status, outcome }) => ({ id, reason, status, outcome })),
    notices: trade.notices.map(showNotice),
  };
}

/** The whole of a trade: numbers, state, amounts in the smallest unit, refunds, and how its notices fare. */
export function showTrade(sandbox: Sandbox, found: Found): Fields {
  if (found.channel === "wechat") return showWechat(sandbox, found);
  if (found.channel === "stripe") return showStripe(sandbox, found);
  if (found.channel === "paypal") return showPaypal(found);
  return found.channel === "alipay" ? showAlipay(sandbox, found) : showUnionpay(found);
}

/** The newest trades of all channels, newest first. */
export function listTrades(sandbox: Sandbox, limit: number): Found[] {
  const found: Found[] = [
    ...[...sandbox.wechat.trades.values()].slice(-limit).map((trade): Found => ({ channel: "wechat", trade })),
    ...[...sandbox.alipay.trades.values()].slice(-limit).map((trade): Found => ({ channel: "alipay", trade })),
    ...[...sandbox.unionpay.trades.values()].slice(-limit).map((trade): Found => ({ channel: "unionpay", trade })),
    ...[...sandbox.stripe.trades.values()].slice(-limit).map((trade): Found => ({ channel: "stripe", trade })),
    ...[...sandbox.paypal.trades.values()].slice(-limit).map((trade): Found => ({ channel: "paypal", trade })),
  ];
  return found.sort((a, b) => b.trade.created_at_ms - a.trade.created_at_ms).slice(0, limit);
}

/** What a wallet tells the payer about a trade. */
export type Bill = {
  merchant: string;
  subject: string;
  /** With its currency. */
  amount: string;
  channel: Found["channel"];
  open: boolean;
  paid: boolean;
};

export function describeBill(sandbox: Sandbox, found: Found): Bill {
  const paid = found.trade.paid_at_ms !== undefined;
  return { ...describeOrder(sandbox, found), amount: sumOf(found), channel: found.channel, paid };
}

function sumOf({ channel, trade }: Found): string {
  if (channel === "stripe") return showAmount(trade.total, trade.currency);
  if (channel === "paypal") return `${trade.currency} ${writeValue(trade.total, trade.currency).value}`;
  return `¥${formatYuan(trade.total)}`;
}

function describeOrder(sandbox: Sandbox, found: Found): Pick<Bill, "merchant" | "subject" | "open"> {
  switch (found.channel) {
    case "wechat": {
      const { trade } = found;
      refreshWechat(sandbox, trade);
      const merchant = sandbox.wechat.members.get(trade.mchid)?.merchant.name ?? trade.mchid;
      return { merchant, subject: trade.description, open: isUnpaid(trade) };
    }
    case "unionpay": {
      const { trade } = found;
      const merchant = sandbox.unionpay.members.get(trade.mer_id)?.merchant.name ?? trade.mer_id;
      return { merchant, subject: trade.subject, open: isPayable(sandbox, trade) };
    }
    case "stripe": {
      const { trade } = found;
      refreshStripe(sandbox, trade);
      const merchant = sandbox.stripe.members.get(trade.account_id)?.name ?? trade.account_id;
      return { merchant, subject: trade.subject, open: trade.status === "open" };
    }
    case "paypal": {
      const { trade } = found;
      const merchant = sandbox.paypal.members.get(trade.client_id)?.name ?? trade.client_id;
      return { merchant, subject: trade.subject, open: isApprovable(sandbox, trade) };
    }
    case "alipay": {
      const { trade } = found;
      refreshAlipay(sandbox, trade);
      const merchant = sandbox.alipay.members.get(trade.app_id)?.merchant.name ?? trade.app_id;
      return { merchant, subject: trade.subject, open: trade.state === "ABSENT" || trade.state === "WAIT_BUYER_PAY" };
    }
  }
}
