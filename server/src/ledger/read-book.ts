/** A whole book, in the order in which it was written. */
import type { Sql } from "../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../kit/sql/statement.ts";
import type { BookAccount } from "./past.ts";
import type { TransactionKind } from "./posting.ts";
import type { BookKey } from "./store.ts";

const TRANSACTIONS_IN_PAGE = 5_000;

export interface BookTransaction {
  /** Counts from 1, without gaps. */
  readonly number: bigint;
  readonly kind: TransactionKind;
  readonly source_id: string;
  /** Epoch milliseconds, as is `posted_at`. */
  readonly occurred_at: number;
  readonly posted_at: number;
  /** The number of the transaction that it takes back, or null. */
  readonly reverses: bigint | null;
  /** Each is the account's position in the book, the change of its balance, and the balance after it. */
  readonly entries: readonly (readonly [position: number, amount: bigint, balance: bigint])[];
}

interface TransactionRow extends Omit<BookTransaction, "entries"> {
  /** Position, amount and balance after of each entry, one after another. */
  entries: string;
}

const transactionsStatement = tenantStatement(
  "ledger.book_transactions",
  `select number, kind::text, source_id, occurred_at, posted_at, reverses, array_to_string(entries, ',') as entries
   from ledger_transactions where merchant_id = $1 and livemode = $2 and number > $3
   order by number limit ${TRANSACTIONS_IN_PAGE}`,
);

/** Pages of the transactions after a number. Only a page and the next one are held at any time. */
export async function* readBook(sql: Sql, book: BookKey, after: bigint): AsyncGenerator<BookTransaction[]> {
  for (let last = after; ; ) {
    const rows = await sql.query<TransactionRow>(transactionsStatement, [book.merchant_id, book.livemode, last]);
    if (rows.length === 0) return;
    last = rows.at(-1)!.number;
    yield rows.map((row) => ({ ...row, entries: readEntries(row.entries) }));
  }
}

function readEntries(text: string): [number, bigint, bigint][] {
  const fields = text.split(",");
  const entries: [number, bigint, bigint][] = [];
  for (let at = 0; at < fields.length; at += 3) {
    entries.push([Number(fields[at]), BigInt(fields[at + 1]!), BigInt(fields[at + 2]!)]);
  }
  return entries;
}

const accountsStatement = tenantStatement(
  "ledger.book_accounts",
  `select position, kind, currency, scope from ledger_accounts where merchant_id = $1 and livemode = $2 order by position`,
);

/** The accounts of a book, in the order in which they were opened. */
export function readBookAccounts(sql: Sql, { merchant_id, livemode }: BookKey): Promise<BookAccount[]> {
  return sql.query<BookAccount>(accountsStatement, [merchant_id, livemode]);
}

/** How far a book has come. */
export interface BookEnd extends BookKey {
  /** Of its last transaction. */
  readonly number: bigint;
}

const booksStatement = platformStatement(
  "ledger.list_books",
  `select merchant_id, livemode, number from ledger_books
   where (merchant_id, livemode) > ($1::uuid, $2::boolean) order by merchant_id, livemode limit $3`,
);

/** Books of all merchants, after one and in order; from the first when there is none. */
export function listBooks(sql: Sql, after: BookKey | undefined, limit: number): Promise<BookEnd[]> {
  const { merchant_id, livemode } = after ?? { merchant_id: "00000000-0000-0000-0000-000000000000", livemode: true };
  return sql.query<BookEnd>(booksStatement, [merchant_id, livemode, limit]);
}
