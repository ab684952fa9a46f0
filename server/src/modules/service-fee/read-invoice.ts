/** Reading invoices, always within the caller's own book. */
import type { Caller } from "../../kit/http/api.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { listReceivableRange, type ReceivableChange } from "../../ledger/index.ts";
import { readEntryPlace } from "../balance/index.ts";
import { loadAttempts, loadPayments } from "../payment/index.ts";
import { loadRefunds } from "../refund/index.ts";
import { serviceFeeErrors } from "./errors.ts";
import { type Invoice, itemTypeOf } from "./invoice.ts";
import { loadInvoice } from "./invoice-store.ts";
import type { ItemNumbers } from "./present.ts";

/** The invoice of a public id. @throws service_fee_invoice.not_found */
export async function findInvoice(
  db: Sql,
  caller: Pick<Caller, "merchant_id" | "livemode">,
  public_id: string,
): Promise<Invoice> {
  const id = parsePublicId("service_fee_invoice", public_id);
  const invoice = id && (await loadInvoice(db, caller.merchant_id, id));
  if (!invoice || invoice.livemode !== caller.livemode) throw serviceFeeErrors["service_fee_invoice.not_found"]();
  return invoice;
}

export interface InvoiceItem {
  change: ReceivableChange;
  /** Undefined for a correction. */
  numbers: ItemNumbers | undefined;
}

/** A page of what an invoice consists of. */
export async function readItems(db: Sql, invoice: Invoice, page: Omit<Page, "limit">): Promise<InvoiceItem[]> {
  const { older_than, newer_than } = page;
  const below = older_than === null ? invoice.last_number : readEntryPlace(older_than).number - 1n;
  const above = newer_than === null ? invoice.first_number : readEntryPlace(newer_than).number + 1n;
  return readRange(db, invoice, { above, below }, page);
}

async function readRange(
  db: Sql,
  invoice: Invoice,
  { above, below }: { above: bigint; below: bigint },
  page: Pick<Page, "order" | "fetch">,
): Promise<InvoiceItem[]> {
  const first_number = above > invoice.first_number ? above : invoice.first_number;
  const last_number = below < invoice.last_number ? below : invoice.last_number;
  const changes = await listReceivableRange(db, { ...invoice, first_number, last_number }, page);
  const numbers = await findNumbers(db, invoice.merchant_id, changes);
  return changes.map((change) => ({ change, numbers: numbers.get(change.source_id) }));
}

const ITEMS_IN_PAGE = 500;

/** All items in the order of the book, a page at a time: the next is read when it is asked for. */
export async function* readItemPages(db: Sql, invoice: Invoice): AsyncGenerator<InvoiceItem[]> {
  for (let above = invoice.first_number; ; ) {
    const page = { order: "asc", fetch: ITEMS_IN_PAGE } as const;
    const items = await readRange(db, invoice, { above, below: invoice.last_number }, page);
    const last = items.at(-1);
    if (last === undefined) return;
    yield items;
    above = last.change.number + 1n;
  }
}

async function findNumbers(
  db: Sql,
  merchant_id: string,
  changes: readonly ReceivableChange[],
): Promise<Map<string, ItemNumbers>> {
  const keysOf = (ids: readonly string[]) => ids.map((id) => ({ merchant_id, id }));
  const sources = (type: "payment" | "refund") =>
    keysOf(changes.filter(({ kind }) => itemTypeOf(kind) === type).map(({ source_id }) => source_id));
  const [attempts, refunds] = await Promise.all([
    loadAttempts(db, sources("payment")),
    loadRefunds(db, sources("refund")),
  ]);
  const made = [...attempts.values(), ...refunds.values()];
  const payments = await loadPayments(db, keysOf([...new Set(made.map(({ payment_id }) => payment_id))]));
  return new Map(
    made.map((one) => {
      const out_refund_no = "out_refund_no" in one ? one.out_refund_no : null;
      const out_trade_no = payments.get(one.payment_id)!.out_trade_no;
      return [one.id, { payment_id: one.payment_id, out_trade_no, out_refund_no }];
    }),
  );
}
