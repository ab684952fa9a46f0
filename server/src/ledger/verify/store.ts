/** SQL of verification: pages in the order of primary keys, across all merchants. Reads other rooms' tables on purpose. */
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";

export const FIRST_UUID = "00000000-0000-0000-0000-000000000000";
export const LAST_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** Past every number of a book. */
export const LAST_NUMBER = 2n ** 63n - 1n;

const BOOKS_IN_PAGE = 1_000;
const TRANSACTIONS_IN_PAGE = 4_000;

export interface BookPlace {
  merchant_id: string;
  livemode: boolean;
}

export interface BookRow extends BookPlace {
  number: bigint;
  accounts: string;
  balances: string;
  minimums: string;
}

const booksStatement = platformStatement(
  "ledger.verify_books",
  `select merchant_id, livemode, number, accounts::text, balances::text, minimums::text from ledger_books
   where (merchant_id, livemode) > ($1::uuid, $2::boolean) order by merchant_id, livemode limit ${BOOKS_IN_PAGE}`,
);

/** The next page of books; fewer than a page's worth is the last. */
export async function readBooks(sql: Sql, after: BookPlace): Promise<{ books: BookRow[]; last: boolean }> {
  const books = await sql.query<BookRow>(booksStatement, [after.merchant_id, after.livemode]);
  return { books, last: books.length < BOOKS_IN_PAGE };
}

export interface AccountRow extends BookPlace {
  position: number;
  id: bigint;
  kind: string;
  currency: string;
  scope: string;
}

const accountsStatement = platformStatement(
  "ledger.verify_accounts",
  `select merchant_id, livemode, position, id, kind, currency, scope from ledger_accounts
   where (merchant_id, livemode) > ($1::uuid, $2::boolean) and (merchant_id, livemode) <= ($3::uuid, $4::boolean)
   order by merchant_id, livemode, position`,
);

/** Descriptions of accounts of the books after one place up to and including another. */
export function readAccounts(sql: Sql, after: BookPlace, until: BookPlace): Promise<AccountRow[]> {
  return sql.query(accountsStatement, [after.merchant_id, after.livemode, until.merchant_id, until.livemode]);
}

export interface TransactionRow extends BookPlace {
  number: bigint;
  kind: string;
  source_id: string;
  /** Position, amount and balance after of each entry, in PostgreSQL's binary form: half the cost of its text. */
  entries: Buffer;
}

const transactionsStatement = platformStatement(
  "ledger.verify_transactions",
  `select merchant_id, livemode, number, kind::text, source_id, array_send(entries) as entries from ledger_transactions
   where (merchant_id, livemode, number) > ($1::uuid, $2::boolean, $3) and (merchant_id, livemode) <= ($4::uuid, $5::boolean)
   order by merchant_id, livemode, number limit ${TRANSACTIONS_IN_PAGE}`,
);

/** Pages of transactions after one place up to and including the books at another. */
export async function* readTransactions(
  sql: Sql,
  after: BookPlace,
  until: BookPlace,
): AsyncGenerator<TransactionRow[]> {
  const read = (from: BookPlace, number: bigint) =>
    sql.query<TransactionRow>(transactionsStatement, [
      from.merchant_id,
      from.livemode,
      number,
      until.merchant_id,
      until.livemode,
    ]);
  let pending = read(after, LAST_NUMBER);
  for (;;) {
    const page = await pending;
    const end = page.at(-1);
    if (end === undefined) return;
    // The database reads the next page while this one is checked.
    pending = read(end, end.number);
    pending.catch(() => undefined);
    yield page;
  }
}
