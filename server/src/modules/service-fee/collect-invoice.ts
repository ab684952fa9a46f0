/** Takes what is due of an invoice out of what the merchant has with us, as far as it is there. */
import type { Transaction } from "../../kit/sql/database.ts";
import { type AccountKind, accountOf, lockBalance, post, serviceFeePaymentPosting } from "../../ledger/index.ts";
import { findStops } from "../account-operation/index.ts";
import type { Billing } from "./billing.ts";
import { type FeePayment, type FeeSource, type Invoice, isPayable, withPayment } from "./invoice.ts";
import { insertFeePayment, updateInvoice } from "./invoice-store.ts";
import { presentInvoice } from "./present.ts";
import type { Billing as Services } from "./services.ts";
import { tellApps } from "./tell-apps.ts";

/** How soon what was not there is looked for again. */
const AGAIN_MS = 3_600_000;

const accounts: Readonly<Record<Exclude<FeeSource, "bank">, AccountKind>> = {
  prepaid: "service_fee_prepaid",
  available: "merchant_available",
};

/** The invoice as it is afterwards. The caller has locked it. What is frozen is left alone. */
export async function collectInvoice(
  services: Services,
  tx: Transaction,
  billing: Billing,
  invoice: Invoice,
): Promise<Invoice> {
  const source = billing.collection;
  if (source === "bank" || !isPayable(invoice.status)) return invoice;
  if (source === "available" && (await findStops(tx, [invoice], "debit")).size > 0)
    return planAgain(services, tx, invoice);
  const balance = await lockBalance(tx, invoice, accountOf(accounts[source], invoice.currency));
  const due = invoice.amount - invoice.paid_amount;
  const amount = min(balance, due);
  const paid = amount > 0n ? await bookPayment(services, tx, invoice, { source, amount }) : undefined;
  return paid?.status === "paid" ? paid : planAgain(services, tx, paid ?? invoice);
}

const min = (a: bigint, b: bigint) => (a < b ? a : b);

/** Writes a payment of an invoice with its posting and what follows; undefined when the money is not there after all. */
export async function bookPayment(
  services: Services,
  tx: Transaction,
  invoice: Invoice,
  given: { source: FeeSource; amount: bigint; reference?: string; made_by?: string | null },
): Promise<Invoice | undefined> {
  const { merchant_id, livemode, currency } = invoice;
  const { source, amount, reference = null, made_by = null } = given;
  const now = services.clock.now();
  const id = services.ids.uuid();
  const booked = { merchant_id, livemode, payment_id: id, source, amount: { amount, currency }, occurred_at: now };
  const [posted] = await post(tx, [serviceFeePaymentPosting(booked)], now);
  if (posted?.kind !== "posted") return undefined;
  const payment: FeePayment = {
    ...{ merchant_id, livemode, currency, id, invoice_id: invoice.id, source, amount, reference, made_by },
    ...{ number: posted.number, created_at: now },
  };
  await insertFeePayment(tx, payment);
  const after = withPayment(invoice, amount, now);
  await updateInvoice(tx, after, invoice.status);
  if (after.status === "paid") {
    const data = presentInvoice(after);
    await tellApps(services, tx, after, { type: "service_fee_invoice.paid", object_id: after.id, data });
  }
  return after;
}

/** A worker comes back in an hour, or sooner where the invoice becomes overdue before. */
async function planAgain({ clock }: Services, tx: Transaction, invoice: Invoice): Promise<Invoice> {
  const again = clock.now() + AGAIN_MS;
  const isSooner = invoice.status !== "overdue" && invoice.pay_by !== null && invoice.pay_by < again;
  const planned = { ...invoice, due_at: isSooner ? invoice.pay_by : again };
  await updateInvoice(tx, planned, invoice.status);
  return planned;
}
