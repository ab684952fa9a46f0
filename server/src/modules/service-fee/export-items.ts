/** An invoice's items as a file of any length, made while it is read. */
import { publicId } from "../../kit/id.ts";
import { localText } from "../../kit/local-day.ts";
import { money } from "../../kit/money.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { writeCsv } from "../../kit/table/csv.ts";
import type { Row } from "../../kit/table/table.ts";
import { entryId } from "../balance/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { type Invoice, itemTypeOf } from "./invoice.ts";
import { type InvoiceItem, readItemPages } from "./read-invoice.ts";
import { headings, type Language, typeWords } from "./words.ts";

/** CSV, oldest first. @throws merchant.not_found, before anything is written */
export async function exportItems(db: Sql, invoice: Invoice, language: Language): Promise<AsyncGenerator<Buffer>> {
  const { time_zone } = await getMerchant(db, invoice.merchant_id);
  const columns = headings.map(([words, width]) => ({ heading: words[language], width }));
  return writeCsv({ columns, pages: readRows(db, invoice, { time_zone, language }) });
}

async function* readRows(
  db: Sql,
  invoice: Invoice,
  where: { time_zone: string; language: Language },
): AsyncGenerator<readonly Row[]> {
  for await (const items of readItemPages(db, invoice)) yield items.map((item) => toRow(invoice, item, where));
}

function toRow(
  { currency }: Invoice,
  { change, numbers }: InvoiceItem,
  { time_zone, language }: { time_zone: string; language: Language },
): Row {
  return [
    { local: localText(change.occurred_at, time_zone) },
    typeWords[itemTypeOf(change.kind)][language],
    currency,
    money(change.amount, currency),
    money(change.fee, currency),
    numbers?.out_trade_no ?? null,
    numbers?.out_refund_no ?? null,
    numbers ? publicId("payment", numbers.payment_id) : null,
    entryId(change),
  ];
}
