/**
 * Makes invoices: what fees came to up to a cut-off, once. Everything is one transaction under the lock of the merchant's
 * billing. The books do not move: that the fees are owed was booked with each payment.
 */
import type { Transaction } from "../../kit/sql/database.ts";
import { findNumberAt, sumReceivableRange } from "../../ledger/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { type Billing, payBy, plannedRun, runAfter, runFrom } from "./billing.ts";
import { collectInvoice } from "./collect-invoice.ts";
import { serviceFeeErrors } from "./errors.ts";
import { addUp, type BillingKey, type Invoice } from "./invoice.ts";
import { insertInvoice, loadLastInvoice, loadVoided, takeUpVoided, updateInvoice } from "./invoice-store.ts";
import { presentInvoice } from "./present.ts";
import type { Billing as Services } from "./services.ts";
import { lockBilling, scheduleBilling } from "./store.ts";
import { tellApps } from "./tell-apps.ts";

/** Bills everything up to now, whatever the cycle. Undefined when nothing is due. @throws service_fee.billing_missing */
export async function billNow(services: Services, key: BillingKey): Promise<Invoice | undefined> {
  const invoice = await services.db.transaction(async (tx) => {
    const billing = await lockBilling(tx, key);
    if (!billing) throw serviceFeeErrors["service_fee.billing_missing"]({ values: { currency: key.currency } });
    return billUpTo(services, tx, billing, services.clock.now());
  });
  services.kick.webhooks();
  return invoice;
}

/** Does the run that is due, if nobody has done it, and plans the next; one that an outage left out is made up for. */
export async function billDue(services: Services, key: BillingKey): Promise<void> {
  await services.db.transaction(async (tx) => {
    const billing = await lockBilling(tx, key);
    if (!billing) return;
    const { time_zone } = await getMerchant(tx, key.merchant_id);
    const now = services.clock.now();
    const planned = billing.next_day === null ? undefined : plannedRun(billing.next_day, time_zone);
    const isDue = planned !== undefined && planned.at <= now;
    if (isDue) await billUpTo(services, tx, billing, planned.cut_off_at);
    const next = isDue
      ? runAfter(billing.cycle, planned.day, time_zone)
      : (planned ?? runFrom(billing.cycle, now, time_zone));
    await scheduleBilling(tx, key, { next_day: next?.day ?? null, due_at: next?.at ?? null });
  });
  services.kick.webhooks();
}

async function billUpTo(
  services: Services,
  tx: Transaction,
  billing: Billing,
  cut_off_at: number,
): Promise<Invoice | undefined> {
  const { merchant_id, livemode, currency, cycle } = billing;
  const key = { merchant_id, livemode, currency };
  const last = await loadLastInvoice(tx, key);
  if (last && last.cut_off_at >= cut_off_at) return undefined;
  const first_number = (last?.last_number ?? 0n) + 1n;
  const last_number = await findNumberAt(tx, key, cut_off_at - 1);
  if (last_number < first_number) return undefined;
  const figures = addUp(await sumReceivableRange(tx, { ...key, first_number, last_number }));
  const voided = await loadVoided(tx, key);
  const brought_forward = voided.reduce((sum, { amount }) => sum + amount, 0n);
  const { fee_amount, returned_amount, adjustment_amount } = figures;
  const amount = fee_amount + returned_amount + adjustment_amount + brought_forward;
  // Where more came back than was charged, the range waits for the next run, which then counts it.
  if (amount <= 0n) return undefined;
  const invoice: Invoice = {
    ...{ ...key, ...figures, id: services.ids.uuid(), cycle, cut_off_at, first_number, last_number },
    ...{ period_from: last?.cut_off_at ?? null, brought_forward, amount, paid_amount: 0n, status: "open" },
    ...{ created_at: services.clock.now(), issued_at: null, pay_by: null, paid_at: null, voided_at: null },
    ...{ void_reason: null, taken_up_by: null, due_at: null },
  };
  await insertInvoice(tx, invoice);
  await takeUpVoided(tx, voided, invoice.id);
  return billing.issue === "automatic" ? issue(services, tx, billing, invoice) : invoice;
}

/** From here on the merchant owes it by a day; where it is collected, that is tried at once. */
export async function issue(services: Services, tx: Transaction, billing: Billing, open: Invoice): Promise<Invoice> {
  const { time_zone } = await getMerchant(tx, open.merchant_id);
  const now = services.clock.now();
  const pay_by = payBy(now, billing.due_days, time_zone);
  const issued: Invoice = { ...open, status: "issued", issued_at: now, pay_by, due_at: pay_by };
  await updateInvoice(tx, issued, open.status);
  const data = presentInvoice(issued);
  await tellApps(services, tx, issued, { type: "service_fee_invoice.issued", object_id: issued.id, data });
  return collectInvoice(services, tx, billing, issued);
}
