/** SQL of verification: books, the journal and what was proved of them, across all merchants. */
import { plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";

const FIRST_UUID = "00000000-0000-0000-0000-000000000000";
/** Past every number of a book. */
const LAST_NUMBER = 2n ** 63n - 1n;

const BOOKS_IN_PAGE = 1_000;
export const TRANSACTIONS_IN_BATCH = 4_000;

export interface BookPlace {
  merchant_id: string;
  livemode: boolean;
}

/** A point of a book's journal, and its balances there, by position of the account. */
export interface ProvedPoint extends BookPlace {
  number: bigint;
  balances: readonly bigint[];
}

export interface BookRow extends BookPlace {
  number: bigint;
  accounts: string;
  balances: string;
  minimums: string;
  /** Of the last transaction of the journal; null when there is none. */
  last_number: bigint | null;
  /** Where the run before ended; null in a full run, and for a new book. */
  proved_number: bigint | null;
  proved_balances: string | null;
}

const booksStatement = platformStatement(
  "ledger.verify_books",
  `select b.merchant_id, b.livemode, b.number, b.accounts::text, b.balances::text, b.minimums::text,
     t.number as last_number, v.number as proved_number, v.balances::text as proved_balances
   from ledger_books b
   left join lateral (
     select number from ledger_transactions t where t.merchant_id = b.merchant_id and t.livemode = b.livemode
     order by number desc limit 1
   ) t on true
   left join ledger_verified_books v on v.merchant_id = b.merchant_id and v.livemode = b.livemode and $3
   where (b.merchant_id, b.livemode) > ($1::uuid, $2::boolean)
     and (t.number, b.number, b.balances) is distinct from (v.number, v.number, v.balances)
   order by b.merchant_id, b.livemode limit ${BOOKS_IN_PAGE}`,
);

/** Pages of books: all, or those that are not as they were proved. */
export async function* readBooks(sql: Sql, incremental: boolean): AsyncGenerator<BookRow[]> {
  for (let after: BookPlace = { merchant_id: FIRST_UUID, livemode: true }; ; ) {
    const books = await sql.query<BookRow>(booksStatement, [after.merchant_id, after.livemode, incremental]);
    const last = books.at(-1);
    if (last === undefined) return;
    yield books;
    after = last;
  }
}

const lostBooksStatement = platformStatement(
  "ledger.verify_lost_books",
  `select merchant_id, livemode, max(number) as last_number from ledger_transactions t
   where not exists (
     select from ledger_books b where b.merchant_id = t.merchant_id and b.livemode = t.livemode)
   group by merchant_id, livemode order by merchant_id, livemode`,
);

/** Books that the journal knows but that are not there. */
export function readLostBooks(sql: Sql): Promise<(BookPlace & { last_number: bigint })[]> {
  return sql.query(lostBooksStatement);
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
  `select a.merchant_id, a.livemode, a.position, a.id, a.kind, a.currency, a.scope
   from unnest($1::uuid[], $2::boolean[]) as k (merchant_id, livemode)
   join ledger_accounts a on a.merchant_id = k.merchant_id and a.livemode = k.livemode
   order by a.merchant_id, a.livemode, a.position`,
);

const lostAccountsStatement = platformStatement(
  "ledger.verify_lost_accounts",
  `select merchant_id, livemode, position, id, kind, currency, scope from ledger_accounts a
   where not exists (
     select from ledger_books b where b.merchant_id = a.merchant_id and b.livemode = a.livemode)`,
);

/** Descriptions of the books' accounts. */
export function readAccounts(sql: Sql, books: readonly BookPlace[]): Promise<AccountRow[]> {
  return sql.query(accountsStatement, keysOf(books));
}

/** Descriptions of accounts of books that are not there. */
export function readLostAccounts(sql: Sql): Promise<AccountRow[]> {
  return sql.query(lostAccountsStatement);
}

const keysOf = (books: readonly BookPlace[]) => [
  plainArray(books.map((book) => book.merchant_id)),
  plainArray(books.map((book) => book.livemode)),
];

/** Transactions of a book after one number, up to and including another. */
export interface JournalRange extends BookPlace {
  after: bigint;
  until: bigint;
}

/** What lies between two numbers, in ranges of a batch's size; what is past the book's own number is one of them. */
export function* rangesOf(
  book: BookPlace & { number: bigint; last_number: bigint | null },
  from: bigint,
): Generator<JournalRange & { count: number }> {
  const { merchant_id, livemode, number, last_number } = book;
  if (last_number === null) return;
  const isPast = last_number > number;
  const end = isPast ? number : last_number;
  for (let after = from; after < end; ) {
    const until = end - after > TRANSACTIONS_IN_BATCH ? after + BigInt(TRANSACTIONS_IN_BATCH) : end;
    yield { merchant_id, livemode, after, until, count: Number(until - after) };
    after = until;
  }
  if (isPast) {
    yield { merchant_id, livemode, after: end < from ? from : end, until: LAST_NUMBER, count: TRANSACTIONS_IN_BATCH };
  }
}

/**
 * The transactions of `$1 … $4`, which are ranges, as `t`. The limits keep the planner to look-ups by key: it knows
 * nothing of how much lies in a range. So rows come in order, but nothing says that they must: `byPlace` sees to it, at
 * a tenth of the cost of sorting in the database what is sorted.
 */
export const rangesSql = (columns: string) => `(
    select t.* from unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::bigint[]) as k (merchant_id, livemode, after, until)
    cross join lateral (
      select ${columns} from ledger_transactions t
      where t.merchant_id = k.merchant_id and t.livemode = k.livemode and t.number > k.after and t.number <= k.until
      order by t.number limit ${TRANSACTIONS_IN_BATCH}
    ) t
    limit ${2 * TRANSACTIONS_IN_BATCH}
  ) t`;

type Place = BookPlace & { number: bigint };

/** The order of the journal. */
export function byPlace(a: Place, b: Place): number {
  if (a.merchant_id !== b.merchant_id) return a.merchant_id < b.merchant_id ? -1 : 1;
  if (a.livemode !== b.livemode) return a.livemode ? 1 : -1;
  return a.number < b.number ? -1 : 1;
}

/** Ranges as the values of `rangesSql`. */
export const rangeValues = (ranges: readonly JournalRange[]) => [
  ...keysOf(ranges),
  plainArray(ranges.map(({ after }) => after)),
  plainArray(ranges.map(({ until }) => until)),
];

export interface TransactionRow extends BookPlace {
  number: bigint;
  kind: string;
  source_id: string;
  /** Position, amount and balance after of each entry, in PostgreSQL's binary form: half the cost of its text. */
  entries: Buffer;
}

const transactionsStatement = platformStatement(
  "ledger.verify_transactions",
  `select * from ${rangesSql("merchant_id, livemode, number, kind::text, source_id, array_send(entries) as entries")}`,
);

/** The transactions of some ranges, in the order of books and numbers. */
export async function readTransactions(sql: Sql, ranges: readonly JournalRange[]): Promise<TransactionRow[]> {
  const rows = await sql.query<TransactionRow>(transactionsStatement, rangeValues(ranges));
  return rows.sort(byPlace);
}

const saveStatement = platformStatement(
  "ledger.save_proved_books",
  `insert into ledger_verified_books as v (merchant_id, livemode, number, balances)
   select merchant_id, livemode, number, balances::bigint[]
   from unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::text[]) as u (merchant_id, livemode, number, balances)
   on conflict (merchant_id, livemode) do update set number = excluded.number, balances = excluded.balances`,
);

/** Remembers how far books were proved. */
export async function saveProvedPoints(sql: Sql, points: readonly ProvedPoint[]): Promise<void> {
  await sql.query(saveStatement, [
    ...keysOf(points),
    plainArray(points.map(({ number }) => number)),
    textArray(points.map(({ balances }) => `{${balances.join()}}`)),
  ]);
}
