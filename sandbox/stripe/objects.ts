/** Stripe's objects as its API and its events show them. Times are whole seconds. */
import type { Sandbox } from "../context.ts";
import type { Fields } from "../kit/input.ts";
import type { StripeDispute, StripeRefund, StripeTrade } from "./state.ts";

const seconds = (ms: number) => Math.floor(ms / 1000);

export function checkoutUrl(sandbox: Sandbox, trade: StripeTrade): string {
  return `${sandbox.public_url}/c/pay/${trade.token}`;
}

function card(trade: StripeTrade): Fields {
  return { type: "card", card: { brand: "visa", country: "US", funding: "credit", last4: trade.card_last4 ?? "4242" } };
}

/** `expand` holds the paths that the caller wants as objects, from here on. */
export function showSession(sandbox: Sandbox, trade: StripeTrade, expand: readonly string[] = []): Fields {
  const open = trade.status === "open";
  const payment = wants(expand, "payment_intent")
    ? showPaymentIntent(trade, below(expand, "payment_intent"))
    : undefined;
  return {
    id: trade.session_id,
    object: "checkout.session",
    adaptive_pricing: { enabled: false },
    allowed_payment_method_types: trade.payment_method_types,
    amount_subtotal: trade.total,
    amount_total: trade.total,
    automatic_tax: { enabled: false, liability: null, provider: null, status: null },
    cancel_url: trade.cancel_url ?? null,
    client_reference_id: trade.client_reference_id ?? null,
    created: seconds(trade.created_at_ms),
    currency: trade.currency,
    customer: null,
    customer_details:
      trade.payer === undefined ? null : { email: trade.payer, name: "Jenny Rosen", phone: null, address: null },
    customer_email: null,
    expires_at: seconds(trade.expires_at_ms),
    livemode: false,
    locale: null,
    metadata: trade.metadata,
    mode: "payment",
    payment_intent: payment ?? trade.payment_intent ?? null,
    payment_method_types: trade.payment_method_types,
    payment_status: trade.paid_at_ms === undefined ? "unpaid" : "paid",
    status: trade.status,
    success_url: trade.success_url,
    total_details: { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    ui_mode: "hosted_page",
    url: open ? checkoutUrl(sandbox, trade) : null,
  };
}

function wants(expand: readonly string[], name: string): boolean {
  return expand.some((path) => path === name || path.startsWith(`${name}.`));
}

/** The rest of the paths that begin with `name`. */
export function below(expand: readonly string[], name: string): string[] {
  return expand.filter((path) => path.startsWith(`${name}.`)).map((path) => path.slice(name.length + 1));
}

function statusOfPayment(trade: StripeTrade): string {
  if (trade.paid_at_ms !== undefined) return "succeeded";
  if (trade.status === "expired") return "canceled";
  return trade.challenged === undefined ? "requires_payment_method" : "requires_action";
}

export function showPaymentIntent(trade: StripeTrade, expand: readonly string[] = []): Fields | null {
  if (trade.payment_intent === undefined) return null;
  const { decline } = trade;
  return {
    id: trade.payment_intent,
    object: "payment_intent",
    amount: trade.total,
    amount_received: trade.paid_at_ms === undefined ? 0 : trade.total,
    capture_method: "automatic_async",
    created: seconds(trade.paid_at_ms ?? trade.created_at_ms),
    currency: trade.currency,
    description: trade.description ?? null,
    last_payment_error: decline === undefined ? null : { type: "card_error", ...decline },
    latest_charge: wants(expand, "latest_charge") ? showCharge(trade) : (trade.charge ?? null),
    livemode: false,
    metadata: trade.payment_metadata,
    payment_method_types: trade.payment_method_types,
    status: statusOfPayment(trade),
  };
}

export function showCharge(trade: StripeTrade): Fields | null {
  if (trade.charge === undefined || trade.paid_at_ms === undefined) return null;
  const given = trade.refunds.filter(({ status }) => status !== "failed");
  const amount_refunded = given.reduce((sum, { amount }) => sum + amount, 0n);
  return {
    id: trade.charge,
    object: "charge",
    amount: trade.total,
    amount_captured: trade.total,
    amount_refunded,
    billing_details: { email: trade.payer ?? null, name: "Jenny Rosen" },
    captured: true,
    created: seconds(trade.paid_at_ms),
    currency: trade.currency,
    disputed: trade.disputes.length > 0,
    livemode: false,
    metadata: trade.payment_metadata,
    paid: true,
    payment_intent: trade.payment_intent,
    payment_method_details: card(trade),
    refunded: amount_refunded === trade.total,
    status: "succeeded",
  };
}

export function showRefund(trade: StripeTrade, refund: StripeRefund): Fields {
  return {
    id: refund.id,
    object: "refund",
    amount: refund.amount,
    balance_transaction: null,
    charge: trade.charge ?? null,
    created: seconds(refund.created_at_ms),
    currency: trade.currency,
    metadata: refund.metadata,
    payment_intent: trade.payment_intent ?? null,
    reason: refund.reason ?? null,
    receipt_number: null,
    ...(refund.status === "pending" ? { pending_reason: "processing" } : {}),
    ...(refund.failure_reason === undefined ? {} : { failure_reason: refund.failure_reason }),
    status: refund.status,
  };
}

export function showDispute(trade: StripeTrade, dispute: StripeDispute): Fields {
  const open = dispute.status === "needs_response";
  return {
    id: dispute.id,
    object: "dispute",
    amount: Number(dispute.amount),
    balance_transactions: [],
    charge: trade.charge ?? null,
    created: seconds(dispute.created_at_ms),
    currency: trade.currency,
    evidence_details: {
      due_by: seconds(dispute.due_at_ms),
      has_evidence: !open,
      past_due: false,
      submission_count: open ? 0 : 1,
    },
    is_charge_refundable: open,
    livemode: false,
    metadata: {},
    payment_intent: trade.payment_intent ?? null,
    reason: dispute.reason,
    status: dispute.status,
  };
}

/** A page of a list, newest first; `rows` come newest first. */
export function showList(url: string, rows: Fields[], limit: number, starting_after: string | undefined): Fields {
  const from = starting_after === undefined ? 0 : rows.findIndex((row) => row.id === starting_after) + 1;
  const data = rows.slice(from, from + limit);
  return { object: "list", url, has_more: from + limit < rows.length, data };
}
