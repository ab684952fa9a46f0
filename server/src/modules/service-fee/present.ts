/** The wire shapes of invoices, their items, and of the prepaid balance. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { ReceivableChange } from "../../ledger/index.ts";
import { entryId, presentSource } from "../balance/index.ts";
import { type Billing, leftOf, type Standing } from "./billing.ts";
import { type Deposit, type FeePayment, type Invoice, itemTypeOf } from "./invoice.ts";

const instant = (at: number | null) => (at === null ? null : toRfc3339(at));

/** An invoice as the API and events show it. */
export function presentInvoice(invoice: Invoice) {
  const i = invoice;
  return {
    id: publicId("service_fee_invoice", i.id),
    object: "service_fee_invoice" as const,
    livemode: i.livemode,
    status: i.status,
    currency: i.currency,
    amount: Number(i.amount),
    amount_paid: Number(i.paid_amount),
    amount_due: i.status === "void" ? 0 : Number(i.amount - i.paid_amount),
    payments: { count: Number(i.payment_count), amount: Number(i.payment_amount) },
    fees: Number(i.fee_amount),
    refunds: { count: Number(i.refund_count), amount: Number(i.refund_amount) },
    fees_returned: Number(i.returned_amount),
    adjustments: { count: Number(i.adjustment_count), amount: Number(i.adjustment_amount) },
    brought_forward: Number(i.brought_forward),
    cycle: i.cycle,
    period_from: instant(i.period_from),
    period_to: toRfc3339(i.cut_off_at),
    pay_by: instant(i.pay_by),
    created_at: toRfc3339(i.created_at),
    issued_at: instant(i.issued_at),
    paid_at: instant(i.paid_at),
    voided_at: instant(i.voided_at),
  };
}

/** What a merchant knows a payment or refund by. */
export interface ItemNumbers {
  payment_id: string;
  out_trade_no: string;
  out_refund_no: string | null;
}

/** One payment, refund or correction of an invoice. Its id is that of its balance entry. */
export function presentItem(invoice: Invoice, change: ReceivableChange, numbers?: ItemNumbers) {
  return {
    id: entryId(change),
    object: "service_fee_invoice_item" as const,
    livemode: invoice.livemode,
    type: itemTypeOf(change.kind),
    currency: invoice.currency,
    amount: Number(change.amount),
    fee: Number(change.fee),
    source: presentSource(change.kind, change.source_id),
    payment: numbers ? publicId("payment", numbers.payment_id) : null,
    out_trade_no: numbers?.out_trade_no ?? null,
    out_refund_no: numbers?.out_refund_no ?? null,
    created_at: toRfc3339(change.occurred_at),
  };
}

/** What was paid of an invoice. */
export function presentFeePayment(payment: FeePayment) {
  return {
    id: publicId("service_fee_payment", payment.id),
    object: "service_fee_payment" as const,
    livemode: payment.livemode,
    invoice: publicId("service_fee_invoice", payment.invoice_id),
    source: payment.source,
    currency: payment.currency,
    amount: Number(payment.amount),
    reference: payment.reference,
    created_at: toRfc3339(payment.created_at),
  };
}

/** What was paid in advance, or given back. */
export function presentDeposit(deposit: Deposit) {
  return {
    id: publicId("service_fee_deposit", deposit.id),
    object: "service_fee_deposit" as const,
    livemode: deposit.livemode,
    type: deposit.kind,
    currency: deposit.currency,
    amount: Number(deposit.amount),
    reference: deposit.reference,
    created_at: toRfc3339(deposit.created_at),
  };
}

/** How a merchant is billed, and where it stands, as operators see it. */
export function presentBilling(billing: Billing, standing: Standing) {
  const b = billing;
  return {
    object: "service_fee_billing" as const,
    merchant: publicId("merchant", b.merchant_id),
    livemode: b.livemode,
    currency: b.currency,
    cycle: b.cycle,
    collection: b.collection,
    issue: b.issue,
    due_days: b.due_days,
    warn_below: numberOf(b.warn_below),
    stop_below: numberOf(b.stop_below),
    next_day: b.next_day,
    low: b.low_since !== null,
    stopped: b.stopped_at !== null,
    prepaid: Number(standing.prepaid),
    due: Number(standing.due),
    left: Number(leftOf(standing)),
    updated_at: toRfc3339(b.updated_at),
  };
}

const numberOf = (amount: bigint | null) => (amount === null ? null : Number(amount));

/** A prepaid balance as events show it. */
export function presentStanding(billing: Billing, standing: Standing) {
  return {
    object: "service_fee_balance" as const,
    merchant: publicId("merchant", billing.merchant_id),
    livemode: billing.livemode,
    currency: billing.currency,
    prepaid: Number(standing.prepaid),
    due: Number(standing.due),
    left: Number(leftOf(standing)),
    warn_below: numberOf(billing.warn_below),
    stop_below: numberOf(billing.stop_below),
    stopped: billing.stopped_at !== null,
  };
}
