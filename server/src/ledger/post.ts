/** The only way into the books. */
import { toRfc3339 } from "../kit/clock.ts";
import type { Transaction } from "../kit/sql/database.ts";
import type { Account } from "./accounts.ts";
import { LedgerError } from "./errors.ts";
import { changeOf, findImbalance, type NewPosting } from "./posting.ts";
import {
  type Book,
  type BookKey,
  type FoundTransaction,
  findTransactions,
  lockBooks,
  type NewTransaction,
  openBooks,
  type TransactionKey,
  writeBooks,
} from "./store.ts";

export type PostResult =
  /** Written now, or written before with the same content. The number counts within the merchant's book. */
  | { kind: "posted" | "exists"; number: bigint }
  /** Not written: the account would be left with `balance`, below its `minimum`. */
  | { kind: "refused"; account: Account; balance: bigint; minimum: bigint };

/** What a natural key stands for: found in the database, or written earlier in this batch. */
type Written = FoundTransaction | NewTransaction;

/** By source, most of which have one transaction in a batch; a joint key would be made and hashed for every posting. */
type WrittenBySource = Map<string, Written[]>;

/**
 * Writes postings in order, in the caller's transaction, and returns one result for each. One statement of each kind
 * serves the whole batch, whatever its books.
 *
 * A posting whose natural key (merchant, kind, source) is written already with the same lines is `exists`; when it
 * happened does not matter. A posting that is refused leaves its neighbours alone. `posted_at` is the clock's now; where
 * it is left out the postings are booked when the latest of them happened.
 * Throws `LedgerError`; then nothing of the batch may be kept and the caller's transaction must be given up.
 */
export async function post(
  tx: Transaction,
  postings: readonly NewPosting[],
  posted_at: number = latestOf(postings),
): Promise<PostResult[]> {
  if (postings.length === 0) return [];
  for (const posting of postings) {
    const imbalance = findImbalance(posting);
    if (imbalance !== undefined) throw new LedgerError("unbalanced", `${nameOf(posting)}: ${imbalance}`);
  }
  const order = orderByMerchant(postings);
  const { books, written } = await lockAndFind(
    tx,
    order.map((index) => postings[index]!),
  );
  const transactions: NewTransaction[] = [];
  const results: PostResult[] = Array(postings.length);
  for (const index of order) results[index] = postOne(postings[index]!, books, written, transactions);
  if (transactions.length > 0) {
    const changed = [...books.live.values(), ...books.test.values()].filter((book) => book.changed);
    await writeBooks(tx, changed, transactions, toRfc3339(posted_at));
  }
  return results;
}

/**
 * Indexes of the postings by merchant, each merchant's in their order. The database's index pages hold merchants side by
 * side, so a batch of many merchants visits each page once.
 */
function orderByMerchant(postings: readonly NewPosting[]): number[] {
  const order = postings.map((_, index) => index);
  return order.sort((a, b) => {
    const left = postings[a]!.merchant_id;
    const right = postings[b]!.merchant_id;
    return left < right ? -1 : left > right ? 1 : a - b;
  });
}

function latestOf(postings: readonly NewPosting[]): number {
  return postings.reduce((latest, posting) => Math.max(latest, posting.occurred_at), 0);
}

/** Locks all books of the batch and only then looks for its natural keys, so that a racing twin is seen. */
async function lockAndFind(tx: Transaction, postings: readonly NewPosting[]) {
  const wanted = { live: new Map<string, BookKey>(), test: new Map<string, BookKey>() };
  for (const posting of postings) booksOf(wanted, posting).set(posting.merchant_id, posting);
  const places = [...wanted.live.values(), ...wanted.test.values()];
  const keys: TransactionKey[] = [];
  for (const posting of postings) {
    keys.push(posting);
    if (posting.reverses) keys.push({ merchant_id: posting.merchant_id, ...posting.reverses });
  }
  let [locked, found] = await lockThenFind(tx, places, keys);
  if (locked.length < places.length) {
    await openBooks(tx, places);
    [locked, found] = await lockThenFind(tx, places, keys);
  }
  const books: Books = { live: new Map(), test: new Map() };
  for (const book of locked) booksOf(books, book).set(book.merchant_id, book);
  const written: WrittenBySource = new Map();
  for (const row of found) remember(written, row);
  return { books, written };
}

/** Both statements go out together; the second begins, with a fresh snapshot, when the first has its locks. */
function lockThenFind(tx: Transaction, books: readonly BookKey[], keys: readonly TransactionKey[]) {
  return Promise.all([lockBooks(tx, books), findTransactions(tx, keys)]);
}

function postOne(
  posting: NewPosting,
  books: Books,
  written: WrittenBySource,
  transactions: NewTransaction[],
): PostResult {
  const book = booksOf(books, posting).get(posting.merchant_id)!;
  const existing = findWritten(written, posting);
  if (existing !== undefined) {
    if (existing.livemode !== posting.livemode || contentOf(existing) !== linesContent(book, posting, 1n)) {
      throw new LedgerError("conflict", `${nameOf(posting)} is written already with another content`);
    }
    return { kind: "exists", number: existing.number };
  }
  const reverses = posting.reverses ? findReversed(book, posting, written) : null;
  const applied = apply(book, posting);
  if (typeof applied !== "string") {
    if (posting.on_shortfall === "refuse") return applied;
    throw new LedgerError("shortfall", `${nameOf(posting)} leaves ${applied.account.kind} with ${applied.balance}`);
  }
  // After this point it must succeed.
  book.number += 1n;
  book.changed = true;
  const { merchant_id, livemode, kind, source_id, occurred_at } = posting;
  const { number } = book;
  const row = { merchant_id, livemode, number, kind, source_id, occurred_at, reverses, entries: applied };
  transactions.push(row);
  remember(written, row);
  return { kind: "posted", number };
}

function findReversed(book: Book, posting: NewPosting, written: WrittenBySource): bigint {
  const reversed = findWritten(written, { merchant_id: posting.merchant_id, ...posting.reverses! });
  if (reversed === undefined || reversed.livemode !== posting.livemode) {
    throw new LedgerError("no_reversal", `${nameOf(posting)} reverses what was never written`);
  }
  if (contentOf(reversed) !== linesContent(book, posting, -1n)) {
    throw new LedgerError("no_reversal", `${nameOf(posting)} does not take back what ${posting.reverses!.kind} wrote`);
  }
  return reversed.number;
}

/** Moves the book's balances and returns the entries as an array literal; a shortfall moves nothing. */
function apply(book: Book, posting: NewPosting): string | Extract<PostResult, { kind: "refused" }> {
  const lengthBefore = book.accounts.length;
  let entries = "";
  let bounded = false;
  for (const line of posting.lines) {
    let index = book.accounts.indexOf(line.account.id);
    if (index === -1) index = openAccount(book, line.account);
    const change = changeOf(line);
    const balance = book.balances[index]! + change;
    book.balances[index] = balance;
    if (change < 0n && book.minimums[index] !== null) bounded = true;
    entries += `${entries === "" ? "{" : ","}{${index + 1},${change},${balance}}`;
  }
  const shortfall = bounded ? findShortfall(book, posting) : undefined;
  if (shortfall === undefined) return `${entries}}`;
  for (const line of posting.lines) book.balances[book.accounts.indexOf(line.account.id)]! -= changeOf(line);
  closeAccounts(book, lengthBefore);
  return shortfall;
}

/** Only the balances after the whole transaction count. */
function findShortfall(book: Book, posting: NewPosting): Extract<PostResult, { kind: "refused" }> | undefined {
  for (const { account } of posting.lines) {
    const index = book.accounts.indexOf(account.id);
    const balance = book.balances[index]!;
    const minimum = book.minimums[index]!;
    if (minimum !== null && balance < minimum) return { kind: "refused", account, balance, minimum };
  }
  return undefined;
}

/** Adds an account to a locked book; it is written with the book. */
export function openAccount(book: Book, account: Account): number {
  book.opened = [...book.opened, account];
  book.accounts = [...book.accounts, account.id];
  book.minimums = [...book.minimums, account.minimum];
  return book.balances.push(0n) - 1;
}

function closeAccounts(book: Book, length: number): void {
  book.opened = book.opened.slice(0, book.opened.length - (book.accounts.length - length));
  book.accounts = book.accounts.slice(0, length);
  book.minimums = book.minimums.slice(0, length);
  book.balances.length = length;
}

/** Positions and amounts, alternating; an account that the book does not have is at 0. */
function linesContent(book: Book, posting: NewPosting, sign: 1n | -1n): string {
  return posting.lines
    .map((line) => `${book.accounts.indexOf(line.account.id) + 1},${changeOf(line) * sign}`)
    .join(",");
}

/** The same of what is written. */
function contentOf(row: Written): string {
  const fields = row.entries.replace(/[{}]/g, "").split(",");
  return fields.filter((_, index) => index % 3 !== 2).join(",");
}

function findWritten(written: WrittenBySource, key: TransactionKey): Written | undefined {
  const ofSource = written.get(key.source_id);
  return ofSource?.find((row) => row.kind === key.kind && row.merchant_id === key.merchant_id);
}

function remember(written: WrittenBySource, row: Written): void {
  const ofSource = written.get(row.source_id);
  if (ofSource === undefined) written.set(row.source_id, [row]);
  else ofSource.push(row);
}

/** Both books of merchants, by merchant. */
interface Books<Value = Book> {
  readonly live: Map<string, Value>;
  readonly test: Map<string, Value>;
}

function booksOf<Value>(books: Books<Value>, { livemode }: BookKey): Map<string, Value> {
  return livemode ? books.live : books.test;
}

const nameOf = (posting: NewPosting) => `${posting.kind} of ${posting.source_id}`;
