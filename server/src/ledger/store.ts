/** SQL of the books: locking, finding, writing. Batches may span merchants; each row is of one. */
import { plainArray, textArray } from "../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import type { Account } from "./accounts.ts";
import { type Matrix, makeMatrix, timestamptzArray, uuidArray } from "./binary-arrays.ts";
import { type NewPosting, type TransactionKind, transactionKinds } from "./posting.ts";

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
  /** The number that its row has, and with it the balances, once its forecast was applied. */
  readonly stored_number: bigint;
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

export interface NewTransaction {
  readonly posting: NewPosting;
  /** Where its book's merchant and its source stand in the keys of the batch, counted from 1. */
  readonly book_place: number;
  readonly source_place: number;
  /** The number in its book. */
  readonly number: bigint;
  readonly reverses: bigint | null;
  /** Rows of its entries in the batch's matrix, counted from 1. */
  readonly first: number;
  readonly last: number;
}

/** What a batch will do to a book if all of it is posted. */
export interface Forecast {
  /** How many accounts the book is believed to have. */
  readonly accounts: readonly string[];
  readonly count: number;
  /** For each account; none is below zero, so no minimum needs to be asked. */
  readonly changes: readonly bigint[];
}

export interface Claim extends BookKey {
  /** Without one the book is locked and stays as it is. */
  readonly forecast: Forecast | undefined;
}

/** Up to here the sums of a book's balances are written out; more accounts are summed by a subquery. */
const ACCOUNTS_WRITTEN_OUT = 8;
const upTo = (length: number) => Array.from({ length }, (_, index) => index + 1);
const sums = upTo(ACCOUNTS_WRITTEN_OUT).map((length) => {
  const elements = upTo(length).map((k) => `b.balances[${k}] + ($3::bigint[])[i][${k + 3}]`);
  return `when ${length} then array[${elements.join(", ")}]`;
});

/** The uuids of a batch, encoded once for all of its statements. */
export interface BatchKeys {
  readonly merchants: Buffer;
  readonly sources: Buffer;
  /** For each source the place of its merchant, counted from 1, as a matrix of one column. */
  readonly merchant_places: Buffer;
  readonly source_count: number;
}

// Locks each book and applies its forecast, if the book has as many accounts as the forecast believes. Books are visited
// in the order of the arrays, so that two batches that share books lock them in the same order. A row of $3 is livemode,
// the number of accounts (-1: no forecast), the number of transactions, and the change of each balance.
const takeBooksStatement = tenantStatement(
  "ledger.take_books",
  `update ledger_books b
   set number = case cardinality(b.accounts) when ($3::bigint[])[i][2] then b.number + ($3::bigint[])[i][3] else b.number end,
     balances = case when cardinality(b.accounts) <> ($3::bigint[])[i][2] then b.balances
       else case cardinality(b.accounts) ${sums.join(" ")} else array(
         select b.balances[k] + ($3::bigint[])[i][k + 3] from generate_series(1, cardinality(b.accounts)) k order by k
       ) end end
   from generate_series(1, $1::integer) i
   where b.merchant_id = ($2::uuid[])[i] and b.livemode = (($3::bigint[])[i][1] = 1)
   returning i as place, b.number, b.accounts::text, b.balances::text, b.minimums::text`,
);

const openBooksStatement = tenantStatement(
  "ledger.open_books",
  `insert into ledger_books (merchant_id, livemode)
   select * from unnest($1::uuid[], $2::boolean[]) as k (merchant_id, livemode) order by merchant_id, livemode
   on conflict do nothing`,
);

// By source alone: one has a transaction or two.
const findTransactionsStatement = tenantStatement(
  "ledger.find_transactions",
  `select t.merchant_id, t.kind::text, t.source_id, t.livemode, t.number, t.entries::text
   from generate_series(1, $1::integer) i
   join ledger_transactions t
     on t.merchant_id = ($2::uuid[])[($4::bigint[])[i][1]] and t.source_id = ($3::uuid[])[i]`,
);

const openAccountsStatement = tenantStatement(
  "ledger.open_accounts",
  `insert into ledger_accounts (merchant_id, livemode, position, id, kind, currency, scope)
   select * from unnest($1::uuid[], $2::boolean[], $3::integer[], $4::bigint[], $5::text[], $6::text[], $7::uuid[])`,
);

const kinds = Object.keys(transactionKinds);
const kindNumbers = new Map(kinds.map((kind, index) => [kind, index + 1]));

// A row of $6 is livemode, number, kind, what it reverses (0 for nothing), the first and last row of its entries in $7,
// and the places of its merchant and source.
const insertTransactionsStatement = tenantStatement(
  "ledger.insert_transactions",
  `insert into ledger_transactions
     (merchant_id, livemode, number, source_id, occurred_at, posted_at, kind, reverses, entries)
   select ($3::uuid[])[($6::bigint[])[i][7]], ($6::bigint[])[i][1] = 1, ($6::bigint[])[i][2],
     ($4::uuid[])[($6::bigint[])[i][8]], ($5::timestamptz[])[i],
     $2::timestamptz, ('{${kinds.join(",")}}'::ledger_transaction_kind[])[($6::bigint[])[i][3]],
     nullif(($6::bigint[])[i][4], 0), ($7::bigint[])[($6::bigint[])[i][5]:($6::bigint[])[i][6]]
   from generate_series(1, $1::integer) i`,
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

interface BookRow {
  place: number;
  number: bigint;
  accounts: string;
  balances: string;
  minimums: string;
}

const NONE: readonly Account[] = [];

/**
 * Locks the books that exist, in the order of the claims, which is that of merchant and mode, and applies forecasts.
 * Gives each book as it was before its forecast, at its claim's index, and nothing where there is no book.
 */
export async function takeBooks(
  tx: Transaction,
  claims: readonly Claim[],
  merchants: Buffer = uuidArray(claims, ({ merchant_id }) => merchant_id),
): Promise<(Book | undefined)[]> {
  const width = Math.max(0, ...claims.map(({ forecast }) => forecast?.changes.length ?? 0));
  const plans = makeMatrix(claims.length, 3 + width);
  for (const { livemode, forecast } of claims) {
    plans.add(livemode ? 1 : 0);
    plans.add(forecast ? forecast.changes.length : -1);
    plans.add(forecast?.count ?? 0);
    for (let index = 0; index < width; index += 1) plans.add(forecast?.changes[index] ?? 0);
  }
  const rows = await tx.query<BookRow>(takeBooksStatement, [claims.length, merchants, plans.finish()]);
  const books: (Book | undefined)[] = Array(claims.length).fill(undefined);
  for (const row of rows) books[row.place - 1] = readBook(claims[row.place - 1]!, row);
  return books;
}

function readBook(claim: Claim, row: BookRow): Book {
  const { merchant_id, livemode, forecast } = claim;
  const accounts = remember(accountLists, row.accounts, splitArray);
  const applied = forecast?.changes.length === accounts.length ? forecast : undefined;
  const balances = splitArray(row.balances).map(BigInt);
  if (applied) for (const [index, change] of applied.changes.entries()) balances[index]! -= change;
  if (forecast?.accounts !== accounts) noteAccounts(claim, accounts);
  return {
    merchant_id,
    livemode,
    number: applied ? row.number - BigInt(applied.count) : row.number,
    accounts,
    minimums: remember(minimumLists, row.minimums, readMinimums),
    balances,
    opened: NONE,
    // A forecast for other accounts, of which there are as many, has moved the wrong ones: no number is right.
    stored_number: applied && applied.accounts !== accounts ? -1n : row.number,
  };
}

// Most books have the same accounts and minimums, so each different list is read once.
const accountLists = new Map<string, readonly string[]>();
const minimumLists = new Map<string, readonly (bigint | null)[]>();
const LISTS_MAX = 10_000;

function remember<Value>(memory: Map<string, Value>, text: string, read: (text: string) => Value): Value {
  const known = memory.get(text);
  if (known !== undefined) return known;
  if (memory.size >= LISTS_MAX) memory.clear();
  const value = read(text);
  memory.set(text, value);
  return value;
}

/** Which accounts books had when they were last seen, by merchant; only forecasts believe it, and they are checked. */
const lastSeen = { live: new Map<string, readonly string[]>(), test: new Map<string, readonly string[]>() };
const SEEN_MAX = 50_000;

/** The accounts that a book is believed to have. */
export function recallAccounts({ merchant_id, livemode }: BookKey): readonly string[] | undefined {
  return (livemode ? lastSeen.live : lastSeen.test).get(merchant_id);
}

function noteAccounts({ merchant_id, livemode }: BookKey, accounts: readonly string[]): void {
  const seen = livemode ? lastSeen.live : lastSeen.test;
  if (seen.size >= SEEN_MAX) seen.clear();
  seen.set(merchant_id, accounts);
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

/** Transactions of any kind of the sources. */
export function findTransactions(sql: Sql, keys: BatchKeys): Promise<FoundTransaction[]> {
  const { merchants, sources, merchant_places, source_count } = keys;
  return sql.query<FoundTransaction>(findTransactionsStatement, [source_count, merchants, sources, merchant_places]);
}

/** Writes transactions, the accounts they opened and their books where forecasts were wrong, in one round trip. */
export async function writeBooks(
  tx: Transaction,
  books: readonly Book[],
  transactions: readonly NewTransaction[],
  entries: Matrix,
  keys: BatchKeys,
  posted_at: string,
): Promise<void> {
  const pending: Promise<unknown>[] = [];
  if (transactions.length > 0) pending.push(insertTransactions(tx, transactions, entries, keys, posted_at));
  const opening = books.filter((book) => book.opened.length > 0);
  const moving = books.filter((book) => book.opened.length === 0 && book.number !== book.stored_number);
  if (moving.length > 0) pending.push(updateBalances(tx, moving));
  if (opening.length > 0) pending.push(updateBooks(tx, opening), openAccounts(tx, opening));
  await Promise.all(pending);
}

function insertTransactions(
  tx: Transaction,
  rows: readonly NewTransaction[],
  entries: Matrix,
  keys: BatchKeys,
  posted_at: string,
): Promise<unknown> {
  const heads = makeMatrix(rows.length, 8);
  for (const row of rows) {
    heads.add(row.posting.livemode ? 1 : 0);
    heads.add(row.number);
    heads.add(kindNumbers.get(row.posting.kind)!);
    heads.add(row.reverses ?? 0);
    heads.add(row.first);
    heads.add(row.last);
    heads.add(row.book_place);
    heads.add(row.source_place);
  }
  const occurred = timestamptzArray(rows, ({ posting }) => posting.occurred_at);
  const { merchants, sources } = keys;
  const values = [rows.length, posted_at, merchants, sources, occurred, heads.finish(), entries.finish()];
  return tx.query(insertTransactionsStatement, values);
}

/** As `plainArray`, for columns without nulls: these run for every posting, and nothing is copied but the text. */
function fullArray(values: readonly (string | bigint | boolean)[]): string {
  return `{${values.join(",")}}`;
}

function updateBalances(tx: Transaction, books: readonly Book[]): Promise<unknown> {
  return tx.query(updateBalancesStatement, [
    ...bookArrays(books),
    fullArray(books.map((book) => book.number)),
    `{"{${books.map((book) => book.balances.join(",")).join('}","{')}}"}`,
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
