/** All SQL on service fee invoices and what was paid of them. */
import { toRfc3339 } from "../../kit/clock.ts";
import { invariant } from "../../kit/error.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { BillingKey, FeePayment, Invoice, InvoiceStatus } from "./invoice.ts";
import { keyOf, timestampOrNull } from "./store.ts";

const ofKey = "merchant_id = $1 and livemode = $2 and currency = $3";

const insertStatement = tenantStatement(
  "service_fee_invoice.insert",
  `insert into service_fee_invoices (merchant_id, livemode, currency, id, cycle, period_from, cut_off_at, first_number,
     last_number, payment_count, payment_amount, fee_amount, refund_count, refund_amount, returned_amount,
     adjustment_count, adjustment_amount, brought_forward, amount, paid_amount, status, created_at)
   values ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
     $19, $20, $21, $22::timestamptz)`,
);

/** Writes an invoice that is open. */
export async function insertInvoice(tx: Transaction, invoice: Invoice): Promise<void> {
  const i = invoice;
  await tx.query(insertStatement, [
    ...[...keyOf(i), i.id, i.cycle, timestampOrNull(i.period_from), toRfc3339(i.cut_off_at), i.first_number],
    ...[i.last_number, i.payment_count, i.payment_amount, i.fee_amount, i.refund_count, i.refund_amount],
    ...[i.returned_amount, i.adjustment_count, i.adjustment_amount, i.brought_forward, i.amount, i.paid_amount],
    ...[i.status, toRfc3339(i.created_at)],
  ]);
}

const updateStatement = tenantStatement(
  "service_fee_invoice.update",
  `update service_fee_invoices set status = $4, paid_amount = $5, issued_at = $6::timestamptz, pay_by = $7::timestamptz,
     paid_at = $8::timestamptz, voided_at = $9::timestamptz, void_reason = $10, due_at = $11::timestamptz
   where merchant_id = $1 and id = $2 and status = $3 returning id`,
);

/** The guarded move of a locked invoice. */
export async function updateInvoice(tx: Transaction, invoice: Invoice, expected: InvoiceStatus): Promise<void> {
  const { merchant_id, id, status, paid_amount, void_reason } = invoice;
  const rows = await tx.query(updateStatement, [
    ...[merchant_id, id, expected, status, paid_amount],
    ...[invoice.issued_at, invoice.pay_by, invoice.paid_at, invoice.voided_at].map(timestampOrNull),
    ...[void_reason, timestampOrNull(invoice.due_at)],
  ]);
  invariant(rows.length === 1, "a service fee invoice changed under its lock");
}

const selectStatement = tenantStatement(
  "service_fee_invoice.select",
  "select * from service_fee_invoices where merchant_id = $1 and id = $2",
);
const lockStatement = tenantStatement(
  "service_fee_invoice.lock",
  "select * from service_fee_invoices where merchant_id = $1 and id = $2 for update",
);

export async function loadInvoice(sql: Sql, merchant_id: string, id: string): Promise<Invoice | undefined> {
  return (await sql.query<Invoice>(selectStatement, [merchant_id, id]))[0];
}

/** Whoever pays, issues or voids an invoice waits for the others. */
export async function lockInvoice(tx: Transaction, merchant_id: string, id: string): Promise<Invoice | undefined> {
  return (await tx.query<Invoice>(lockStatement, [merchant_id, id]))[0];
}

const lastStatement = tenantStatement(
  "service_fee_invoice.select_last",
  `select * from service_fee_invoices where ${ofKey}
   order by merchant_id desc, livemode desc, currency desc, first_number desc limit 1`,
);

/** The latest invoice, void ones too: the next begins where its range ends. */
export async function loadLastInvoice(sql: Sql, key: BillingKey): Promise<Invoice | undefined> {
  return (await sql.query<Invoice>(lastStatement, keyOf(key)))[0];
}

const voidedStatement = tenantStatement(
  "service_fee_invoice.lock_voided",
  `select * from service_fee_invoices where ${ofKey} and status = 'void' and taken_up_by is null order by id for update`,
);

/** Void invoices whose fees are in no later one yet. */
export function loadVoided(tx: Transaction, key: BillingKey): Promise<Invoice[]> {
  return tx.query<Invoice>(voidedStatement, keyOf(key));
}

const takeUpStatement = tenantStatement(
  "service_fee_invoice.take_up",
  `update service_fee_invoices set taken_up_by = $3
   where merchant_id = $1 and id = any ($2::uuid[]) and taken_up_by is null returning id`,
);

/** Says which invoice brings them forward. */
export async function takeUpVoided(tx: Transaction, voided: readonly Invoice[], taken_up_by: string): Promise<void> {
  const [first] = voided;
  if (!first) return;
  const ids = plainArray(voided.map(({ id }) => id));
  const rows = await tx.query(takeUpStatement, [first.merchant_id, ids, taken_up_by]);
  invariant(rows.length === voided.length, "a void invoice was taken up twice");
}

export interface InvoiceFilter {
  merchant_id: string;
  livemode: boolean;
  /** Null is every one. */
  currency: string | null;
  status: InvoiceStatus | null;
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const listStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `service_fee_invoice.list_${order}`,
    `select * from service_fee_invoices
     where merchant_id = $1 and livemode = $2 and ($3::text is null or currency = $3)
       and ($4::text is null or status = $4) and id > $5 and id < $6
     order by id ${order} limit $7`,
  ),
);

/** Invoices in the page's order. They are few: one a day and currency at most. */
export function listInvoices(sql: Sql, filter: InvoiceFilter): Promise<Invoice[]> {
  const { merchant_id, livemode, currency, status, page } = filter;
  const [newestFirst, oldestFirst] = listStatements;
  const values = [merchant_id, livemode, currency, status, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX];
  return sql.query<Invoice>(page.order === "desc" ? newestFirst! : oldestFirst!, [...values, page.fetch]);
}

const claimStatement = platformStatement(
  "service_fee_invoice.claim",
  `update service_fee_invoices i set due_at = $2::timestamptz
   from (
     select merchant_id, id from service_fee_invoices where due_at <= $1::timestamptz
     order by due_at limit $3 for update skip locked
   ) due
   where i.merchant_id = due.merchant_id and i.id = due.id
   returning i.merchant_id, i.id`,
);

/** Claims invoices that are to be collected or have become overdue, until the lease runs out. */
export function claimInvoices(
  sql: Sql,
  now: number,
  lease_until: number,
  limit: number,
): Promise<{ merchant_id: string; id: string }[]> {
  return sql.query(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const hurryStatement = tenantStatement(
  "service_fee_invoice.hurry",
  `update service_fee_invoices set due_at = $4::timestamptz
   where ${ofKey} and status in ('issued', 'partly_paid', 'overdue')`,
);

/** Has a worker look at the unpaid invoices now. */
export async function hurryInvoices(tx: Transaction, key: BillingKey, now: number): Promise<void> {
  await tx.query(hurryStatement, [...keyOf(key), toRfc3339(now)]);
}

const insertPaymentStatement = tenantStatement(
  "service_fee_payment.insert",
  `insert into service_fee_payments (merchant_id, livemode, currency, id, invoice_id, source, amount, reference, made_by,
     number, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::timestamptz)`,
);

export async function insertFeePayment(tx: Transaction, payment: FeePayment): Promise<void> {
  const { id, invoice_id, source, amount, reference, made_by, number, created_at } = payment;
  const values = [id, invoice_id, source, amount, reference, made_by, number, toRfc3339(created_at)];
  await tx.query(insertPaymentStatement, [...keyOf(payment), ...values]);
}

const findBankPaymentStatement = tenantStatement(
  "service_fee_payment.find",
  "select * from service_fee_payments where merchant_id = $1 and invoice_id = $2 and reference = $3",
);

export async function findBankPayment(sql: Sql, invoice: Invoice, reference: string): Promise<FeePayment | undefined> {
  const values = [invoice.merchant_id, invoice.id, reference];
  return (await sql.query<FeePayment>(findBankPaymentStatement, values))[0];
}

const paymentsStatement = tenantStatement(
  "service_fee_payment.list",
  "select * from service_fee_payments where merchant_id = $1 and invoice_id = $2 order by number",
);

/** What was paid of an invoice, in order. */
export function listFeePayments(sql: Sql, { merchant_id, id }: Invoice): Promise<FeePayment[]> {
  return sql.query<FeePayment>(paymentsStatement, [merchant_id, id]);
}
