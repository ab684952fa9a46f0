/** What an invoice of service fees is, and how its figures are added up. Amounts in minor units, instants in epoch milliseconds. */
import type { Transitions } from "../../kit/state-machine.ts";
import type { ReceivableSum, TransactionKind } from "../../ledger/index.ts";

/** What a merchant is billed in: one of its books and a currency. */
export interface BillingKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

export const invoiceTransitions = {
  /** Made, and not issued yet: an operator looks first. */
  open: ["issued", "void"],
  issued: ["partly_paid", "paid", "overdue", "void"],
  partly_paid: ["paid", "overdue"],
  paid: [],
  /** Not paid by its day; it may be paid in part. */
  overdue: ["paid", "void"],
  /** Made by mistake: its fees are in a later one. */
  void: [],
} as const satisfies Transitions<string>;

export type InvoiceStatus = keyof typeof invoiceTransitions;

/** Whether money may be booked for it. */
export function isPayable(status: InvoiceStatus): boolean {
  return status === "issued" || status === "partly_paid" || status === "overdue";
}

/** What an invoice consists of. */
export interface InvoiceFigures {
  /** Payments that made fees, and what they were of. */
  readonly payment_count: bigint;
  readonly payment_amount: bigint;
  readonly fee_amount: bigint;
  /** Refunds that gave fees back (negative), less those that failed. */
  readonly refund_count: bigint;
  readonly refund_amount: bigint;
  readonly returned_amount: bigint;
  readonly adjustment_count: bigint;
  readonly adjustment_amount: bigint;
}

/** `brought_forward`, fees, what came back and adjustments sum to the amount. */
export interface Invoice extends BillingKey, InvoiceFigures {
  readonly id: string;
  readonly cycle: string;
  /** Where the invoice before ended; null for the first. */
  readonly period_from: number | null;
  readonly cut_off_at: number;
  /** The book's transactions that it is about, both included. */
  readonly first_number: bigint;
  readonly last_number: bigint;
  /** Of invoices that were made void. */
  readonly brought_forward: bigint;
  /** Above zero. */
  readonly amount: bigint;
  readonly paid_amount: bigint;
  readonly status: InvoiceStatus;
  readonly created_at: number;
  readonly issued_at: number | null;
  /** Overdue from then on. */
  readonly pay_by: number | null;
  readonly paid_at: number | null;
  readonly voided_at: number | null;
  readonly void_reason: string | null;
  readonly taken_up_by: string | null;
  readonly due_at: number | null;
}

export type FeeSource = "bank" | "prepaid" | "available";

/** What was paid of an invoice, once. */
export interface FeePayment extends BillingKey {
  readonly id: string;
  readonly invoice_id: string;
  readonly source: FeeSource;
  readonly amount: bigint;
  /** The bank's; null for what was taken of a balance. */
  readonly reference: string | null;
  /** UUID of the operator; null for what a worker did. */
  readonly made_by: string | null;
  readonly number: bigint;
  readonly created_at: number;
}

/** What was paid in advance, or given back of it. */
export interface Deposit extends BillingKey {
  readonly id: string;
  readonly kind: "top_up" | "return";
  readonly amount: bigint;
  readonly reference: string;
  readonly made_by: string | null;
  readonly number: bigint;
  readonly created_at: number;
}

export type ItemType = "payment" | "refund" | "adjustment";

/** Where a transaction is listed. */
export function itemTypeOf(kind: TransactionKind): ItemType {
  if (kind === "payment_succeeded") return "payment";
  return kind === "refund_initiated" || kind === "refund_failed" ? "refund" : "adjustment";
}

/** Adds up what a range of the book did to the fees that are due. */
export function addUp(sums: readonly ReceivableSum[]): InvoiceFigures {
  const total = (type: ItemType, pick: (sum: ReceivableSum) => bigint) =>
    sums.filter(({ kind }) => itemTypeOf(kind) === type).reduce((sum, one) => sum + pick(one), 0n);
  return {
    payment_count: total("payment", ({ count }) => count),
    payment_amount: total("payment", ({ amount }) => amount),
    fee_amount: total("payment", ({ fee }) => fee),
    refund_count: total("refund", ({ count }) => count),
    refund_amount: total("refund", ({ amount }) => amount),
    returned_amount: total("refund", ({ fee }) => fee),
    adjustment_count: total("adjustment", ({ count }) => count),
    adjustment_amount: total("adjustment", ({ fee }) => fee),
  };
}

/** The invoice after so much more was paid. */
export function withPayment(invoice: Invoice, amount: bigint, now: number): Invoice {
  const paid_amount = invoice.paid_amount + amount;
  if (paid_amount === invoice.amount) return { ...invoice, paid_amount, status: "paid", paid_at: now, due_at: null };
  return { ...invoice, paid_amount, status: invoice.status === "overdue" ? "overdue" : "partly_paid" };
}
