import { cutPage, type PageQuery, readPage } from "../../kit/http/pagination.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { type BookKey, listEntries } from "../../ledger/index.ts";
import { kindsOf, type ShownName } from "./account.ts";
import { type EntryView, presentEntry, readEntryPlace } from "./present.ts";

/** A page of a book's entries as they are shown, the newest first. Throws what `readPage` throws. */
export async function readEntries(
  sql: Sql,
  { merchant_id, livemode }: BookKey,
  query: PageQuery & { account?: ShownName },
): Promise<{ entries: EntryView[]; has_more: boolean }> {
  const page = readPage(query, "ledger_transaction");
  const found = await listEntries(sql, {
    merchant_id,
    livemode,
    kinds: kindsOf(query.account),
    limit: page.fetch,
    ...(page.older_than !== null && { starting_after: readEntryPlace(page.older_than) }),
    ...(page.newer_than !== null && { ending_before: readEntryPlace(page.newer_than) }),
  });
  const { rows, has_more } = cutPage(page, found);
  return { entries: rows.map((entry) => presentEntry(livemode, entry)), has_more };
}
