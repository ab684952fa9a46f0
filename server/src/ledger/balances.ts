/** Reading one book: what its accounts hold, and the entries that brought them there. */
import { plainArray, textArray } from "../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../kit/sql/database.ts";
import { type Statement, tenantStatement } from "../kit/sql/statement.ts";
import { type Account, type AccountKind, accountKinds } from "./accounts.ts";
import { LedgerError } from "./errors.ts";
import { openAccount } from "./post.ts";
import type { TransactionKind } from "./posting.ts";
import { type BookKey, openAccounts, openBooks, takeBooks, updateBooks } from "./store.ts";

export interface Balance {
  kind: AccountKind;
  currency: string;
  /** The channel account, or `NO_SCOPE`. */
  scope: string;
  /** Minor units, positive on the account's own side. */
  balance: bigint;
  minimum: bigint | null;
}

const balancesStatement = tenantStatement(
  "ledger.balances",
  `select account_kind as kind, currency, scope, balance, minimum from ledger_balances
   where merchant_id = $1 and livemode = $2 order by currency, account_kind, scope`,
);

/** All accounts of a book that were ever posted to. */
export function getBalances(sql: Sql, book: BookKey): Promise<Balance[]> {
  return sql.query<Balance>(balancesStatement, [book.merchant_id, book.livemode]);
}

const balancesOfBooksStatement = tenantStatement(
  "ledger.balances_of_books",
  `select b.merchant_id, b.livemode, b.account_kind as kind, b.currency, b.scope, b.balance, b.minimum
   from ledger_balances b
   join unnest($1::uuid[], $2::boolean[]) as k (merchant_id, livemode)
     on k.merchant_id = b.merchant_id and k.livemode = b.livemode
   where b.account_kind = any ($3::text[])`,
);

/** What accounts of these kinds hold in several books, each named once. */
export function getBalancesOfBooks(
  sql: Sql,
  books: readonly BookKey[],
  kinds: readonly AccountKind[],
): Promise<(Balance & BookKey)[]> {
  const keys = [plainArray(books.map((book) => book.merchant_id)), plainArray(books.map((book) => book.livemode))];
  return sql.query<Balance & BookKey>(balancesOfBooksStatement, [...keys, textArray(kinds)]);
}

/**
 * Locks a book and gives what an account holds, so that it stays true until the transaction ends. 0 where there is no such
 * account, or no book to lock.
 */
export async function lockBalance(tx: Transaction, key: BookKey, account: Account): Promise<bigint> {
  const [balance] = await lockBalances(tx, [{ merchant_id: key.merchant_id, livemode: key.livemode, account }]);
  return balance!;
}

/** The same of several books, which are locked in the order in which all who post lock them; a book may come twice. */
export async function lockBalances(
  tx: Transaction,
  wanted: readonly (BookKey & { account: Account })[],
): Promise<bigint[]> {
  const nameOf = ({ merchant_id, livemode }: BookKey) => `${merchant_id} ${livemode ? 1 : 0}`;
  const keys = [...new Map(wanted.map((key) => [nameOf(key), key]))].sort(([a], [b]) => (a < b ? -1 : 1));
  const taken = await takeBooks(
    tx,
    keys.map(([, { merchant_id, livemode }]) => ({ merchant_id, livemode, forecast: undefined })),
  );
  const books = new Map(keys.map(([name], index) => [name, taken[index]]));
  return wanted.map((one) => {
    const book = books.get(nameOf(one));
    return book?.balances[book.accounts.indexOf(one.account.id)] ?? 0n;
  });
}

/** Where an entry stands in its book; entries are ordered by number, then line. */
export interface EntryPosition {
  /** The transaction's number in its book. */
  number: bigint;
  /** Counts from 1 within the transaction. */
  line: number;
}

export interface Entry extends EntryPosition {
  kind: AccountKind;
  currency: string;
  scope: string;
  /** The change of the account's balance. */
  amount: bigint;
  balance_after: bigint;
  transaction_kind: TransactionKind;
  source_id: string;
  occurred_at: number;
  posted_at: number;
}

export interface EntryFilter extends BookKey {
  /** Only accounts of these kinds. */
  kinds: readonly AccountKind[];
  limit: number;
  /** Entries older than this position, the newest first. */
  starting_after?: EntryPosition;
  /** Entries newer than this position, the nearest first. */
  ending_before?: EntryPosition;
}

const entryColumns = `number, line, account_kind as kind, currency, scope, amount, balance_after,
  transaction_kind::text, source_id, occurred_at, posted_at`;

type Direction = "older" | "newer";
/** Which part of the journal is read: all of it, or what an index finds between the payments. */
type Part = "all" | "not_payments";

// A book without such an account is not read at all. The condition on number alone lets an index find the place; the one
// on (number, line) is exact. Ordered by the whole key, though a book has one merchant and mode: otherwise a big book is
// read whole and sorted.
function entriesStatement(direction: Direction, part: Part): Statement {
  const [sign, order] = direction === "older" ? ["<", "desc"] : [">", "asc"];
  return tenantStatement(
    `ledger.entries_${direction}_${part}`,
    `select ${entryColumns} from ledger_entries
     where merchant_id = $1 and livemode = $2 and account_kind = any ($3::text[])
       and exists (select from ledger_accounts opened
         where opened.merchant_id = $1 and opened.livemode = $2 and opened.kind = any ($3::text[]))
       and number ${sign}= $4 and (number, line) ${sign} ($4, $5::int)
       ${part === "all" ? "" : "and transaction_kind <> 'payment_succeeded'"}
     order by merchant_id ${order}, livemode ${order}, number ${order}, line ${order} limit $6`,
  );
}

const entriesStatements: Readonly<Record<Direction, Readonly<Record<Part, Statement>>>> = {
  older: { all: entriesStatement("older", "all"), not_payments: entriesStatement("older", "not_payments") },
  newer: { all: entriesStatement("newer", "all"), not_payments: entriesStatement("newer", "not_payments") },
};

const END_OF_BOOK: EntryPosition = { number: 2n ** 63n - 1n, line: 0 };

/** Entries in the order that the filter's cursor asks for. */
export function listEntries(sql: Sql, filter: EntryFilter): Promise<Entry[]> {
  const { merchant_id, livemode, kinds, limit } = filter;
  const part = kinds.some((kind) => accountKinds[kind].moved_by_payments) ? "all" : "not_payments";
  const statement = entriesStatements[filter.ending_before ? "newer" : "older"][part];
  const from = filter.ending_before ?? filter.starting_after ?? END_OF_BOOK;
  return sql.query<Entry>(statement, [merchant_id, livemode, textArray(kinds), from.number, from.line, limit]);
}

/**
 * Sets how low a balance may fall: a credit line is a minimum below zero. Throws `LedgerError` when the balance is
 * below the new minimum already.
 */
export async function setMinimum(
  tx: Transaction,
  key: BookKey,
  account: Account,
  minimum: bigint | null,
): Promise<void> {
  await openBooks(tx, [key]);
  const [book] = await takeBooks(tx, [{ ...key, forecast: undefined }]);
  if (book === undefined) throw new LedgerError("conflict", "a book that was just opened is not there");
  const found = book.accounts.indexOf(account.id);
  const index = found === -1 ? openAccount(book, account) : found;
  if (minimum !== null && book.balances[index]! < minimum) {
    throw new LedgerError("shortfall", `${account.kind} holds less than the new minimum`);
  }
  book.minimums = book.minimums.with(index, minimum);
  await updateBooks(tx, [book]);
  if (book.opened.length > 0) await openAccounts(tx, [book]);
}
