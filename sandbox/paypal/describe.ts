/** Orders, captures, refunds and disputes as PayPal's REST API and its webhooks show them. */
import type { Sandbox } from "../context.ts";
import { feeOf, writeValue } from "./money.ts";
import type { PaypalCapture, PaypalDispute, PaypalRefund, PaypalTrade } from "./state.ts";

const iso = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function link(sandbox: Sandbox, path: string, rel: string, method = "GET") {
  return { href: `${sandbox.public_url}${path}`, rel, method };
}

function orderLinks(sandbox: Sandbox, trade: PaypalTrade) {
  const path = `/v2/checkout/orders/${trade.order_id}`;
  const self = link(sandbox, path, "self");
  if (trade.status === "COMPLETED" || trade.status === "VOIDED") return [self];
  const rel = trade.named_source ? "payer-action" : "approve";
  return [
    self,
    link(sandbox, `/checkoutnow?token=${trade.order_id}`, rel),
    link(sandbox, path, "update", "PATCH"),
    ...(trade.status === "APPROVED" || !trade.named_source
      ? [link(sandbox, `${path}/capture`, "capture", "POST")]
      : []),
  ];
}

/** Number, state and links: what PayPal answers unless the whole is asked for. */
export function describeOrderBriefly(sandbox: Sandbox, trade: PaypalTrade) {
  return { id: trade.order_id, status: trade.status, links: orderLinks(sandbox, trade) };
}

/** An order in full. PayPal tells a time of updating from the payer's approval on. */
export function describeOrder(sandbox: Sandbox, trade: PaypalTrade) {
  const payer = trade.payer === undefined ? undefined : describePayer(trade.payer);
  return {
    id: trade.order_id,
    intent: "CAPTURE",
    status: trade.status,
    ...(trade.named_source || payer ? { payment_source: { paypal: payer ?? {} } } : {}),
    purchase_units: [describeUnit(sandbox, trade)],
    ...(payer && { payer: { payer_id: payer.account_id, email_address: payer.email_address, name: payer.name } }),
    create_time: iso(trade.created_at_ms),
    ...(trade.approved_at_ms === undefined ? {} : { update_time: iso(trade.updated_at_ms) }),
    links: orderLinks(sandbox, trade),
  };
}

function describePayer(payer: string) {
  return {
    account_id: payer,
    email_address: `${payer.toLowerCase()}@personal.example.com`,
    account_status: "VERIFIED",
    name: { given_name: "John", surname: "Doe" },
  };
}

function describePayee(sandbox: Sandbox, { client_id }: PaypalTrade) {
  const merchant_id = sandbox.paypal.members.get(client_id)?.merchant_id;
  return { email_address: "merchant@business.example.com", merchant_id };
}

function describeUnit(sandbox: Sandbox, trade: PaypalTrade) {
  const { capture, refunds } = trade;
  return {
    reference_id: trade.reference_id,
    amount: writeValue(trade.total, trade.currency),
    payee: describePayee(sandbox, trade),
    ...(trade.subject === "" ? {} : { description: trade.subject }),
    ...numbersOf(trade),
    ...(capture && {
      payments: {
        captures: [describeCapture(sandbox, trade, capture, false)],
        ...(refunds.length > 0 && { refunds: refunds.map((refund) => describeRefund(sandbox, trade, refund)) }),
      },
    }),
  };
}

function numbersOf({ custom_id, invoice_id }: { custom_id?: string; invoice_id?: string }) {
  return { ...(custom_id && { custom_id }), ...(invoice_id && { invoice_id }) };
}

const sumOf = (refunds: readonly PaypalRefund[]) =>
  refunds.reduce((sum, { amount, status }) => (status === "COMPLETED" ? sum + amount : sum), 0n);

/** A capture says of its refunds only whether they are all of it. */
export function statusOfCapture({ capture, refunds, total }: PaypalTrade): string {
  if (capture?.status !== "COMPLETED") return capture?.status ?? "";
  const refunded = sumOf(refunds);
  return refunded === 0n ? "COMPLETED" : refunded < total ? "PARTIALLY_REFUNDED" : "REFUNDED";
}

/** A capture. Asked for by itself it names its order and its payee, too, which an order's own captures do not. */
export function describeCapture(sandbox: Sandbox, trade: PaypalTrade, capture: PaypalCapture, alone: boolean) {
  const { currency, total } = trade;
  const path = `/v2/payments/captures/${capture.id}`;
  const fee = feeOf(total, currency);
  return {
    id: capture.id,
    status: statusOfCapture(trade),
    ...(capture.reason && { status_details: { reason: capture.reason } }),
    amount: writeValue(total, currency),
    final_capture: true,
    seller_protection: { status: "ELIGIBLE", dispute_categories: ["ITEM_NOT_RECEIVED", "UNAUTHORIZED_TRANSACTION"] },
    ...(capture.status === "COMPLETED" && {
      seller_receivable_breakdown: {
        gross_amount: writeValue(total, currency),
        paypal_fee: writeValue(fee, currency),
        net_amount: writeValue(total - fee, currency),
      },
    }),
    ...numbersOf(trade),
    ...(alone && {
      payee: describePayee(sandbox, trade),
      supplementary_data: { related_ids: { order_id: trade.order_id } },
    }),
    create_time: iso(capture.created_at_ms),
    update_time: iso(capture.updated_at_ms),
    links: [
      link(sandbox, path, "self"),
      link(sandbox, `${path}/refund`, "refund", "POST"),
      link(sandbox, `/v2/checkout/orders/${trade.order_id}`, "up"),
    ],
  };
}

/** A refund; the fee of a payment is not given back. */
export function describeRefund(sandbox: Sandbox, trade: PaypalTrade, refund: PaypalRefund) {
  const { currency } = trade;
  const gross = writeValue(refund.amount, currency);
  return {
    id: refund.id,
    status: refund.status,
    ...(refund.status === "PENDING" && { status_details: { reason: "ECHECK" } }),
    amount: gross,
    ...numbersOf(refund),
    ...(refund.note_to_payer && { note_to_payer: refund.note_to_payer }),
    seller_payable_breakdown: {
      gross_amount: gross,
      paypal_fee: writeValue(0n, currency),
      net_amount: gross,
      total_refunded_amount: writeValue(sumOf(trade.refunds), currency),
    },
    payer: describePayee(sandbox, trade),
    create_time: iso(refund.created_at_ms),
    update_time: iso(refund.updated_at_ms),
    links: [
      link(sandbox, `/v2/payments/refunds/${refund.id}`, "self"),
      link(sandbox, `/v2/payments/captures/${trade.capture_id}`, "up"),
    ],
  };
}

/** A dispute, as the Disputes API and its webhooks show it. */
export function describeDispute(sandbox: Sandbox, trade: PaypalTrade, dispute: PaypalDispute) {
  const amount = writeValue(trade.total, trade.currency);
  const seller = { merchant_id: describePayee(sandbox, trade).merchant_id, name: "Simulated merchant" };
  return {
    dispute_id: dispute.id,
    create_time: iso(dispute.created_at_ms),
    update_time: iso(dispute.updated_at_ms),
    disputed_transactions: [
      {
        seller_transaction_id: trade.capture_id,
        buyer_transaction_id: `B${trade.capture_id.slice(1)}`,
        gross_amount: writeValue(trade.total, trade.currency),
        ...(trade.invoice_id && { invoice_number: trade.invoice_id }),
        ...(trade.custom_id && { custom: trade.custom_id }),
        seller,
        items: [],
        seller_protection_eligible: true,
      },
    ],
    reason: dispute.reason,
    status: dispute.status,
    dispute_amount: amount,
    ...(dispute.outcome && { dispute_outcome: { outcome_code: dispute.outcome, amount_refunded: amount } }),
    dispute_life_cycle_stage: dispute.status === "OPEN" ? "INQUIRY" : "CHARGEBACK",
    dispute_channel: "INTERNAL",
    ...(dispute.respond_by_ms === undefined ? {} : { seller_response_due_date: iso(dispute.respond_by_ms) }),
    links: [link(sandbox, `/v1/customer/disputes/${dispute.id}`, "self")],
  };
}
