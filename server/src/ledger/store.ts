/** SQL of the books: locking, finding, writing. Batches may span merchants; each row is of one. */
import { toRfc3339 } from "../kit/clock.ts";
import { plainArray, textArray } from "../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import type { Account } from "./accounts.ts";
import type { TransactionKind } from "./posting.ts";

/** A locked book. The three arrays run in parallel. */
export interface Book {
  readonly merchant_id: string;
  readonly livemode: boolean;
  number: bigint;
  /** Shared with other books until `opened` or a minimum changes: replaced, never changed in place. */
  accounts: readonly string[];
  minimums: readonly (bigint | null)[];
  readonly balances: bigint[];
  /** Accounts posted to for the first time; they stand at the end of `accounts`. */
  opened: readonly Account[];
  changed: boolean;
}

export interface BookKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
}

export interface TransactionKey {
  readonly merchant_id: string;
  readonly kind: TransactionKind;
  readonly source_id: string;
}

export interface FoundTransaction extends TransactionKey {
  livemode: boolean;
  number: bigint;
  /** `{{position,amount,balance after},…}`. */
  entries: string;
}

export interface NewTransaction extends TransactionKey {
  readonly livemode: boolean;
  readonly number: bigint;
  readonly occurred_at: number;
  readonly reverses: bigint | null;
  readonly entries: string;
}

// Sorted, so that two batches that share books lock them in the same order.
const lockBooksStatement = tenantStatement(
  "ledger.lock_books",
  `select b.merchant_id, b.livemode, b.number, b.accounts::text, b.balances::text, b.minimums::text
   from unnest($1::uuid[], $2::boolean[]) as k (merchant_id, livemode)
   join ledger_books b on b.merchant_id = k.merchant_id and b.livemode = k.livemode
   order by b.merchant_id, b.livemode for no key update of b`,
);

const openBooksStatement = tenantStatement(
  "ledger.open_books",
  `insert into ledger_books (merchant_id, livemode)
   select * from unnest($1::uuid[], $2::boolean[]) as k (merchant_id, livemode) order by merchant_id, livemode
   on conflict do nothing`,
);

const findTransactionsStatement = tenantStatement(
  "ledger.find_transactions",
  `select t.merchant_id, t.kind::text, t.source_id, t.livemode, t.number, t.entries::text
   from unnest($1::uuid[], $2::uuid[], $3::ledger_transaction_kind[]) as k (merchant_id, source_id, kind)
   join ledger_transactions t
     on t.merchant_id = k.merchant_id and t.source_id = k.source_id and t.kind = k.kind`,
);

const openAccountsStatement = tenantStatement(
  "ledger.open_accounts",
  `insert into ledger_accounts (merchant_id, livemode, position, id, kind, currency, scope)
   select * from unnest($1::uuid[], $2::boolean[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::uuid[])`,
);

const insertTransactionsStatement = tenantStatement(
  "ledger.insert_transactions",
  `insert into ledger_transactions
     (merchant_id, livemode, number, source_id, occurred_at, posted_at, kind, reverses, entries)
   select merchant_id, livemode, number, source_id, occurred_at, $1::timestamptz, kind, reverses, entries::bigint[]
   from unnest($2::uuid[], $3::boolean[], $4::bigint[], $5::uuid[], $6::timestamptz[], $7::ledger_transaction_kind[],
     $8::bigint[], $9::text[])
     as t (merchant_id, livemode, number, source_id, occurred_at, kind, reverses, entries)`,
);

const updateBalancesStatement = tenantStatement(
  "ledger.update_balances",
  `update ledger_books b set number = u.number, balances = u.balances::bigint[]
   from unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::text[]) as u (merchant_id, livemode, number, balances)
   where b.merchant_id = u.merchant_id and b.livemode = u.livemode`,
);

const updateBooksStatement = tenantStatement(
  "ledger.update_books",
  `update ledger_books b
   set number = u.number, accounts = u.accounts::bigint[], balances = u.balances::bigint[],
     minimums = u.minimums::bigint[]
   from unnest($1::uuid[], $2::boolean[], $3::bigint[], $4::text[], $5::text[], $6::text[])
     as u (merchant_id, livemode, number, accounts, balances, minimums)
   where b.merchant_id = u.merchant_id and b.livemode = u.livemode`,
);

interface BookRow extends BookKey {
  number: bigint;
  accounts: string;
  balances: string;
  minimums: string;
}

const NONE: readonly Account[] = [];

/** Locks the books that exist, in order. */
export async function lockBooks(tx: Transaction, keys: readonly BookKey[]): Promise<Book[]> {
  const rows = await tx.query<BookRow>(lockBooksStatement, bookArrays(keys));
  // Most books have the same accounts, so each different list is read once.
  const lists = new Map<string, string[]>();
  const limits = new Map<string, (bigint | null)[]>();
  return rows.map((row) => ({
    merchant_id: row.merchant_id,
    livemode: row.livemode,
    number: row.number,
    accounts: remember(lists, row.accounts, splitArray),
    minimums: remember(limits, row.minimums, readMinimums),
    balances: splitArray(row.balances).map(BigInt),
    opened: NONE,
    changed: false,
  }));
}

function remember<Value>(memory: Map<string, Value>, text: string, read: (text: string) => Value): Value {
  const known = memory.get(text);
  if (known !== undefined) return known;
  const value = read(text);
  memory.set(text, value);
  return value;
}

const readMinimums = (text: string) => splitArray(text).map((element) => (element === "NULL" ? null : BigInt(element)));

/** Opens books that do not exist yet, however many do so at once. */
export async function openBooks(tx: Transaction, keys: readonly BookKey[]): Promise<void> {
  await tx.query(openBooksStatement, bookArrays(keys));
}

function bookArrays(keys: readonly BookKey[]): string[] {
  return [fullArray(keys.map((key) => key.merchant_id)), fullArray(keys.map((key) => key.livemode))];
}

/** Elements of a one-dimensional array of integers as PostgreSQL prints it. */
function splitArray(text: string): string[] {
  return text.length === 2 ? [] : text.slice(1, -1).split(",");
}

/** Those of the natural keys that are written. */
export function findTransactions(sql: Sql, keys: readonly TransactionKey[]): Promise<FoundTransaction[]> {
  return sql.query<FoundTransaction>(findTransactionsStatement, [
    fullArray(keys.map((key) => key.merchant_id)),
    fullArray(keys.map((key) => key.source_id)),
    fullArray(keys.map((key) => key.kind)),
  ]);
}

/** Writes transactions, the accounts they opened and their books' new balances, in one round trip. */
export async function writeBooks(
  tx: Transaction,
  books: readonly Book[],
  transactions: readonly NewTransaction[],
  posted_at: string,
): Promise<void> {
  const opening = books.filter((book) => book.opened.length > 0);
  const moving = opening.length > 0 ? books.filter((book) => book.opened.length === 0) : books;
  const pending = [insertTransactions(tx, transactions, posted_at), updateBalances(tx, moving)];
  if (opening.length > 0) pending.push(updateBooks(tx, opening), openAccounts(tx, opening));
  await Promise.all(pending);
}

function insertTransactions(tx: Transaction, rows: readonly NewTransaction[], posted_at: string): Promise<unknown> {
  return tx.query(insertTransactionsStatement, [
    posted_at,
    fullArray(rows.map((row) => row.merchant_id)),
    fullArray(rows.map((row) => row.livemode)),
    fullArray(rows.map((row) => row.number)),
    fullArray(rows.map((row) => row.source_id)),
    occurredArray(rows),
    fullArray(rows.map((row) => row.kind)),
    plainArray(rows.map((row) => row.reverses)),
    entriesArray(rows),
  ]);
}

/** As `plainArray`, for columns without nulls: these run for every posting, and nothing is copied but the text. */
function fullArray(values: readonly (string | bigint | boolean)[]): string {
  return `{${values.join(",")}}`;
}

/** `timestamptz[]`; a batch happened within a few milliseconds, so each is written out once. */
function occurredArray(rows: readonly NewTransaction[]): string {
  const texts = new Map<number, string>();
  const elements = rows.map(({ occurred_at }) => {
    let text = texts.get(occurred_at);
    if (text === undefined) {
      text = `"${toRfc3339(occurred_at)}"`;
      texts.set(occurred_at, text);
    }
    return text;
  });
  return `{${elements.join(",")}}`;
}

/** Array literals as elements of `text[]`; braces, commas and digits need no escape. */
function entriesArray(rows: readonly NewTransaction[]): string {
  return rows.length === 0 ? "{}" : `{"${rows.map((row) => row.entries).join('","')}"}`;
}

function updateBalances(tx: Transaction, books: readonly Book[]): Promise<unknown> {
  return tx.query(updateBalancesStatement, [
    ...bookArrays(books),
    fullArray(books.map((book) => book.number)),
    books.length === 0 ? "{}" : `{"{${books.map((book) => book.balances.join(",")).join('}","{')}}"}`,
  ]);
}

/** Writes all of locked books: their accounts and minimums too. */
export function updateBooks(tx: Transaction, books: readonly Book[]): Promise<unknown> {
  return tx.query(updateBooksStatement, [
    ...bookArrays(books),
    plainArray(books.map((book) => book.number)),
    textArray(books.map((book) => plainArray(book.accounts))),
    textArray(books.map((book) => plainArray(book.balances))),
    textArray(books.map((book) => plainArray(book.minimums))),
  ]);
}

/** Describes the accounts that books have opened. */
export function openAccounts(tx: Transaction, books: readonly Book[]): Promise<unknown> {
  const rows = books.flatMap((book) => {
    const before = book.accounts.length - book.opened.length;
    return book.opened.map((account, index) => ({ book, account, position: before + index + 1 }));
  });
  return tx.query(openAccountsStatement, [
    ...bookArrays(rows.map(({ book }) => book)),
    plainArray(rows.map(({ position }) => position)),
    plainArray(rows.map(({ account }) => account.id)),
    textArray(rows.map(({ account }) => account.kind)),
    textArray(rows.map(({ account }) => account.currency)),
    plainArray(rows.map(({ account }) => account.scope)),
  ]);
}
