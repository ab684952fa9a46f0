/**
 * Checks that service fee invoices adjoin, that each is what the books say became due, and that its payments are its own.
 * Up to the end of an invoice's range, all fees that ever became due are what is still due at that point and what had been
 * paid by then: so an invoice costs one look at the journal, however long its range.
 */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

const INVOICES_IN_PAGE = 2_000;

interface InvoiceRow {
  merchant_id: string;
  livemode: boolean;
  currency: string;
  id: string;
  first_number: bigint;
  last_number: bigint;
  amount: bigint;
  brought_forward: bigint;
  paid_amount: bigint;
  /** The sum of its payments. */
  paid: bigint;
  /** The sum of the void invoices that it took up. */
  taken_up: bigint;
  /** What was due after the last transaction of the range; null when nothing ever was. */
  due_after: bigint | null;
  /** What payments of any invoice had taken of it by then. */
  paid_before: bigint;
}

const invoicesStatement = platformStatement(
  "ledger.verify_service_fees",
  `select i.merchant_id, i.livemode, i.currency, i.id, i.first_number, i.last_number, i.amount, i.brought_forward,
     i.paid_amount, (
       select coalesce(sum(p.amount), 0)::bigint from service_fee_payments p
       where p.merchant_id = i.merchant_id and p.invoice_id = i.id
     ) as paid, (
       select coalesce(sum(v.amount), 0)::bigint from service_fee_invoices v
       where v.merchant_id = i.merchant_id and v.taken_up_by = i.id
     ) as taken_up, (
       select t.entries[line][3]
       from ledger_accounts a
       join ledger_transactions t on t.merchant_id = i.merchant_id and t.livemode = i.livemode
       cross join generate_subscripts(t.entries, 1) as line
       where a.merchant_id = i.merchant_id and a.livemode = i.livemode and a.currency = i.currency
         and a.kind = 'service_fee_receivable' and t.number <= i.last_number and t.entries[line][1] = a.position
       order by t.merchant_id desc, t.livemode desc, t.number desc, line desc limit 1
     ) as due_after, (
       select coalesce(sum(p.amount), 0)::bigint from service_fee_payments p
       where p.merchant_id = i.merchant_id and p.livemode = i.livemode and p.currency = i.currency
         and p.number <= i.last_number
     ) as paid_before
   from service_fee_invoices i
   where ($5::timestamptz is null or exists (
       select from service_fee_invoices c
       where c.merchant_id = i.merchant_id and c.livemode = i.livemode and c.currency = i.currency and c.created_at >= $5
     ) or exists (
       select from service_fee_payments p
       where p.merchant_id = i.merchant_id and p.livemode = i.livemode and p.currency = i.currency and p.created_at >= $5))
     and (i.merchant_id, i.livemode, i.currency, i.first_number) > ($1::uuid, $2::boolean, $3::text, $4)
   order by i.merchant_id, i.livemode, i.currency, i.first_number limit ${INVOICES_IN_PAGE}`,
);

/** What is known of a merchant's earlier invoices of one currency. */
interface Chain {
  readonly name: string;
  readonly last_number: bigint;
  /** All fees that they are about. */
  readonly invoiced: bigint;
}

/**
 * Compares invoices with each other, with their payments and with the books: all, or those of merchants who were billed or
 * have paid since an instant.
 */
export async function verifyServiceFees(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  let place = { merchant_id: "00000000-0000-0000-0000-000000000000", livemode: false, currency: "", first_number: 0n };
  for (let chain: Chain | undefined; ; ) {
    const values = [place.merchant_id, place.livemode, place.currency, place.first_number, since];
    const rows = await sql.query<InvoiceRow>(invoicesStatement, values);
    for (const row of rows) chain = checkInvoice(findings, row, chain);
    const last = rows.at(-1);
    if (last === undefined) return;
    place = last;
  }
}

function checkInvoice(findings: Findings, row: InvoiceRow, before: Chain | undefined): Chain {
  findings.service_fee_invoices += 1;
  const name = `${row.merchant_id} ${row.livemode} ${row.currency}`;
  const chain: Chain = before?.name === name ? before : { name, last_number: 0n, invoiced: 0n };
  const label = publicId("service_fee_invoice", row.id);
  const find = (code: "wrong_range" | "wrong_invoice", sentence: string) =>
    report(findings, code, row.merchant_id, `${label} ${sentence}`);
  if (row.first_number !== chain.last_number + 1n) {
    find("wrong_range", `begins at ${row.first_number}, but the one before ends at ${chain.last_number}.`);
  }
  if (row.brought_forward !== row.taken_up) {
    find(
      "wrong_range",
      `brings ${row.brought_forward} forward, but the void ones that it took up make ${row.taken_up}.`,
    );
  }
  if (row.paid_amount !== row.paid) {
    find("wrong_invoice", `says ${row.paid_amount} paid, but its payments make ${row.paid}.`);
  }
  const invoiced = chain.invoiced + row.amount - row.brought_forward;
  const became = (row.due_after ?? 0n) + row.paid_before;
  if (became !== invoiced) {
    find("wrong_invoice", `makes ${invoiced} invoiced in all, but by its end ${became} had become due.`);
  }
  return { name, last_number: row.last_number, invoiced };
}
