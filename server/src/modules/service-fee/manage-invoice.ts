/** What operators and workers do with an invoice that is there. */
import type { Transaction } from "../../kit/sql/database.ts";
import { bookPayment, collectInvoice } from "./collect-invoice.ts";
import { serviceFeeErrors } from "./errors.ts";
import { type Invoice, invoiceTransitions, isPayable } from "./invoice.ts";
import { findBankPayment, lockInvoice, updateInvoice } from "./invoice-store.ts";
import { issue } from "./make-invoice.ts";
import { presentInvoice } from "./present.ts";
import type { Billing as Services } from "./services.ts";
import { loadBilling } from "./store.ts";
import { tellApps } from "./tell-apps.ts";

export interface InvoiceKey {
  readonly merchant_id: string;
  readonly id: string;
}

/** Runs `act` on the locked invoice and tells the workers. @throws service_fee_invoice.not_found */
async function onInvoice(
  services: Services,
  key: InvoiceKey,
  act: (tx: Transaction, invoice: Invoice) => Promise<Invoice>,
): Promise<Invoice> {
  const result = await services.db.transaction(async (tx) => act(tx, await requireInvoice(tx, key)));
  services.kick.webhooks();
  return result;
}

async function requireInvoice(tx: Transaction, { merchant_id, id }: InvoiceKey): Promise<Invoice> {
  const invoice = await lockInvoice(tx, merchant_id, id);
  if (!invoice) throw serviceFeeErrors["service_fee_invoice.not_found"]();
  return invoice;
}

function wrongState({ status }: Invoice) {
  return serviceFeeErrors["service_fee.invoice_state"]({ values: { status } });
}

/** Issues an invoice that waited for an operator. @throws service_fee_invoice.not_found, service_fee.invoice_state */
export function issueInvoice(services: Services, key: InvoiceKey): Promise<Invoice> {
  return onInvoice(services, key, async (tx, invoice) => {
    if (invoice.status !== "open") throw wrongState(invoice);
    const billing = await loadBilling(tx, invoice);
    if (!billing) throw serviceFeeErrors["service_fee.billing_missing"]({ values: { currency: invoice.currency } });
    return issue(services, tx, billing, invoice);
  });
}

/**
 * Makes an invoice void of which nothing was paid. The fees are owed all the same: the next invoice brings them forward.
 * @throws service_fee_invoice.not_found, service_fee.invoice_state
 */
export function voidInvoice(services: Services, key: InvoiceKey, reason: string): Promise<Invoice> {
  return onInvoice(services, key, async (tx, invoice) => {
    const allowed: readonly string[] = invoiceTransitions[invoice.status];
    if (!allowed.includes("void") || invoice.paid_amount > 0n) throw wrongState(invoice);
    const voided: Invoice = {
      ...{ ...invoice, status: "void", voided_at: services.clock.now(), void_reason: reason, due_at: null },
    };
    await updateInvoice(tx, voided, invoice.status);
    return voided;
  });
}

/**
 * Records a bank transfer that paid an invoice, or a part of it, in the caller's transaction. The same reference with the
 * same amount again changes nothing.
 * @throws service_fee_invoice.not_found, service_fee.invoice_state, service_fee.amount_exceeds_due, service_fee.reference_used
 */
export async function recordBankPayment(
  services: Services,
  tx: Transaction,
  key: InvoiceKey,
  given: { amount: bigint; reference: string; made_by: string | null },
): Promise<Invoice> {
  const invoice = await requireInvoice(tx, key);
  const { amount, reference } = given;
  const earlier = await findBankPayment(tx, invoice, reference);
  if (earlier?.amount === amount) return invoice;
  if (earlier) throw serviceFeeErrors["service_fee.reference_used"]({ values: { reference } });
  if (!isPayable(invoice.status)) throw wrongState(invoice);
  const due = invoice.amount - invoice.paid_amount;
  if (amount <= 0n || amount > due) throw serviceFeeErrors["service_fee.amount_exceeds_due"]({ values: { due } });
  return (await bookPayment(services, tx, invoice, { ...given, source: "bank" }))!;
}

/** A worker's look at an invoice that is due: what can be collected is, and what is late is overdue. */
export async function workOnInvoice(services: Services, key: InvoiceKey): Promise<void> {
  await onInvoice(services, key, async (tx, locked) => {
    let invoice = locked;
    if (!isPayable(invoice.status)) return invoice;
    const billing = await loadBilling(tx, invoice);
    const isLate = invoice.pay_by !== null && invoice.pay_by <= services.clock.now();
    // Who has paid in advance is not told off first.
    if (billing) invoice = await collectInvoice(services, tx, billing, invoice);
    const isBank = !billing || billing.collection === "bank";
    if (isLate && isPayable(invoice.status) && invoice.status !== "overdue") {
      const overdue: Invoice = { ...invoice, status: "overdue", due_at: isBank ? null : invoice.due_at };
      await updateInvoice(tx, overdue, invoice.status);
      const data = presentInvoice(overdue);
      await tellApps(services, tx, overdue, { type: "service_fee_invoice.overdue", object_id: overdue.id, data });
      return overdue;
    }
    if (isBank && isPayable(invoice.status)) {
      await updateInvoice(
        tx,
        { ...invoice, due_at: invoice.status === "overdue" ? null : invoice.pay_by },
        invoice.status,
      );
    }
    return invoice;
  });
}
