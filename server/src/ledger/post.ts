/** The only way into the books. */
import { toRfc3339 } from "../kit/clock.ts";
import { brokenConstraint, RunAgainError, type Transaction } from "../kit/sql/database.ts";
import type { Account } from "./accounts.ts";
import { type Matrix, makeMatrix, uuidArray } from "./binary-arrays.ts";
import { LedgerError } from "./errors.ts";
import { changeOf, findImbalance, type NewPosting } from "./posting.ts";
import {
  type BatchKeys,
  type Book,
  type BookKey,
  type Claim,
  type Forecast,
  type FoundTransaction,
  findTransactions,
  type NewTransaction,
  openBooks,
  recallAccounts,
  type TransactionKey,
  takeBooks,
  writeBooks,
} from "./store.ts";

export type PostResult =
  /** Written now, or written before with the same content. The number counts within the merchant's book. */
  | { kind: "posted" | "exists"; number: bigint }
  /** Not written: the account would be left with `balance`, below its `minimum`. */
  | { kind: "refused"; account: Account; balance: bigint; minimum: bigint };

type Refusal = Extract<PostResult, { kind: "refused" }>;

/** What a natural key stands for: found in the database, or written earlier in this batch. */
type Written = FoundTransaction | NewTransaction;

/** By source; a joint key would be made and hashed for every posting. */
type WrittenBySource = Map<string, Written | Written[]>;

/** The postings of one book, by their indexes in the batch, in order. */
interface Share extends BookKey {
  readonly indexes: number[];
}

type Places = Pick<NewTransaction, "book_place" | "source_place">;

/** What a batch has found and made so far. */
interface Batch {
  readonly written: WrittenBySource;
  readonly transactions: NewTransaction[];
  readonly entries: Matrix;
}

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
  // Hardly a posting exists already, so the first attempt does not look: the unique key would refuse what does.
  const hopeful = tx.attempt === 1 && postings.every(isUsual);
  try {
    return await postBatch(tx, postings, posted_at, hopeful);
  } catch (error) {
    const disappointed = error instanceof LedgerError || brokenConstraint(error) === "ledger_transactions_natural_key";
    if (hopeful && disappointed) throw new RunAgainError("a posting may be written already", { cause: error });
    throw error;
  }
}

/** Neither refused nor a reversal: its result needs nothing that was written before. */
function isUsual(posting: NewPosting): boolean {
  return posting.on_shortfall === "throw" && posting.reverses === undefined;
}

async function postBatch(
  tx: Transaction,
  postings: readonly NewPosting[],
  posted_at: number,
  hopeful: boolean,
): Promise<PostResult[]> {
  const shares = shareOut(postings);
  const keys = keysOf(shares, postings);
  const { books, written } = await takeAndFind(tx, shares, postings, keys, hopeful);
  const lines = postings.reduce((sum, posting) => sum + posting.lines.length, 0);
  const batch: Batch = { written, transactions: [], entries: makeMatrix(lines, 3) };
  const results: PostResult[] = Array(postings.length);
  let source_place = 0;
  for (const [index, { indexes }] of shares.entries()) {
    for (const turn of indexes) {
      source_place += 1;
      results[turn] = postOne(postings[turn]!, books[index]!, batch, { book_place: index + 1, source_place });
    }
  }
  await writeBooks(tx, books, batch.transactions, batch.entries, keys, toRfc3339(posted_at));
  return results;
}

/**
 * The books of the batch in the order of merchant and mode. The database's index pages hold merchants side by side, so a
 * batch of many merchants visits each page once, and all batches lock books in this order.
 */
function shareOut(postings: readonly NewPosting[]): Share[] {
  const live = new Map<string, Share>();
  const test = new Map<string, Share>();
  for (const [index, { merchant_id, livemode }] of postings.entries()) {
    const shares = livemode ? live : test;
    const share = shares.get(merchant_id);
    if (share === undefined) shares.set(merchant_id, { merchant_id, livemode, indexes: [index] });
    else share.indexes.push(index);
  }
  return [...test.values(), ...live.values()].sort((a, b) =>
    a.merchant_id < b.merchant_id ? -1 : a.merchant_id > b.merchant_id ? 1 : Number(a.livemode) - Number(b.livemode),
  );
}

function latestOf(postings: readonly NewPosting[]): number {
  return postings.reduce((latest, posting) => Math.max(latest, posting.occurred_at), 0);
}

/** Sources stand in the order of the shares; behind them those of what is reversed. */
function keysOf(shares: readonly Share[], postings: readonly NewPosting[]): BatchKeys {
  const sources: string[] = [];
  const merchant_places: number[] = [];
  for (const [index, { indexes }] of shares.entries()) {
    for (const turn of indexes) {
      sources.push(postings[turn]!.source_id);
      merchant_places.push(index + 1);
    }
  }
  for (const [index, { indexes }] of shares.entries()) {
    for (const turn of indexes) {
      const { reverses } = postings[turn]!;
      if (reverses === undefined) continue;
      sources.push(reverses.source_id);
      merchant_places.push(index + 1);
    }
  }
  const places = makeMatrix(merchant_places.length, 1);
  for (const place of merchant_places) places.add(place);
  return {
    merchants: uuidArray(shares, ({ merchant_id }) => merchant_id),
    sources: uuidArray(sources, (source) => source),
    merchant_places: places.finish(),
    source_count: sources.length,
  };
}

/** Locks all books of the batch and only then looks for its natural keys, so that a racing twin is seen. */
async function takeAndFind(
  tx: Transaction,
  shares: readonly Share[],
  postings: readonly NewPosting[],
  keys: BatchKeys,
  hopeful: boolean,
) {
  const find = () => (hopeful ? [] : findTransactions(tx, keys));
  const claims = shares.map((share) => claimOf(share, postings));
  // Both statements go out together; the second begins, with a fresh snapshot, when the first has its locks.
  let [books, found] = await Promise.all([takeBooks(tx, claims, keys.merchants), find()]);
  const missing = claims.filter((_, place) => books[place] === undefined);
  if (missing.length > 0) {
    await openBooks(tx, missing);
    const opened = missing.map((claim) => ({ ...claim, forecast: undefined }));
    const [added, foundNow] = await Promise.all([takeBooks(tx, opened), find()]);
    const rest = added.values();
    books = books.map((book) => book ?? rest.next().value);
    found = foundNow;
  }
  const written: WrittenBySource = new Map();
  for (const row of found) remember(written, row);
  return { books: books as Book[], written };
}

/**
 * Nearly every batch is posted whole, so its books are moved by the statement that locks them, before anything is known
 * of them but their accounts. Where something else turns out, `writeBooks` corrects the book, which is still locked.
 */
function claimOf({ merchant_id, livemode, indexes }: Share, postings: readonly NewPosting[]): Claim {
  const accounts = recallAccounts({ merchant_id, livemode });
  const forecast = accounts && forecastOf(accounts, indexes, postings);
  return { merchant_id, livemode, forecast };
}

/** Undefined for what needs the minimums or opens an account. */
function forecastOf(
  accounts: readonly string[],
  indexes: readonly number[],
  postings: readonly NewPosting[],
): Forecast | undefined {
  const changes = accounts.map(() => 0n);
  for (const index of indexes) {
    for (const line of postings[index]!.lines) {
      const position = accounts.indexOf(line.account.id);
      if (position === -1) return undefined;
      changes[position]! += changeOf(line);
    }
  }
  return changes.some((change) => change < 0n) ? undefined : { accounts, count: indexes.length, changes };
}

function postOne(posting: NewPosting, book: Book, batch: Batch, places: Places): PostResult {
  const { written, transactions, entries } = batch;
  const existing = findWritten(written, posting);
  if (existing !== undefined) {
    const { livemode, number } = headOf(existing);
    if (livemode !== posting.livemode || contentOf(book, existing) !== linesContent(book, posting, 1n)) {
      throw new LedgerError("conflict", `${nameOf(posting)} is written already with another content`);
    }
    return { kind: "exists", number };
  }
  const reverses = posting.reverses ? findReversed(book, posting, written) : null;
  const first = entries.rows() + 1;
  const refusal = apply(book, posting, entries);
  if (refusal !== undefined) {
    if (posting.on_shortfall === "refuse") return refusal;
    throw new LedgerError("shortfall", `${nameOf(posting)} leaves ${refusal.account.kind} with ${refusal.balance}`);
  }
  // After this point it must succeed.
  book.number += 1n;
  const { book_place, source_place } = places;
  const row = { posting, book_place, source_place, number: book.number, reverses, first, last: entries.rows() };
  transactions.push(row);
  remember(written, row);
  return { kind: "posted", number: book.number };
}

function findReversed(book: Book, posting: NewPosting, written: WrittenBySource): bigint {
  const reversed = findWritten(written, { merchant_id: posting.merchant_id, ...posting.reverses! });
  if (reversed === undefined || headOf(reversed).livemode !== posting.livemode) {
    throw new LedgerError("no_reversal", `${nameOf(posting)} reverses what was never written`);
  }
  if (contentOf(book, reversed) !== linesContent(book, posting, -1n)) {
    throw new LedgerError("no_reversal", `${nameOf(posting)} does not take back what ${posting.reverses!.kind} wrote`);
  }
  return headOf(reversed).number;
}

/** Moves the book's balances and adds the entries; a shortfall moves nothing. */
function apply(book: Book, posting: NewPosting, entries: Matrix): Refusal | undefined {
  const accountsBefore = book.accounts.length;
  const rowsBefore = entries.rows();
  let bounded = false;
  for (const line of posting.lines) {
    let index = book.accounts.indexOf(line.account.id);
    if (index === -1) index = openAccount(book, line.account);
    const change = changeOf(line);
    const balance = book.balances[index]! + change;
    book.balances[index] = balance;
    if (change < 0n && book.minimums[index] !== null) bounded = true;
    entries.add(index + 1);
    entries.add(change);
    entries.add(balance);
  }
  const shortfall = bounded ? findShortfall(book, posting) : undefined;
  if (shortfall === undefined) return undefined;
  for (const line of posting.lines) book.balances[book.accounts.indexOf(line.account.id)]! -= changeOf(line);
  closeAccounts(book, accountsBefore);
  entries.cut(rowsBefore);
  return shortfall;
}

/** Only the balances after the whole transaction count. */
function findShortfall(book: Book, posting: NewPosting): Refusal | undefined {
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
function contentOf(book: Book, row: Written): string {
  if ("posting" in row) return linesContent(book, row.posting, 1n);
  const fields = row.entries.replace(/[{}]/g, "").split(",");
  return fields.filter((_, index) => index % 3 !== 2).join(",");
}

function headOf(row: Written): TransactionKey & { livemode: boolean; number: bigint } {
  return "posting" in row ? { ...row.posting, number: row.number } : row;
}

function findWritten(written: WrittenBySource, key: TransactionKey): Written | undefined {
  const ofSource = written.get(key.source_id);
  if (ofSource === undefined) return undefined;
  const isKey = (row: Written) => {
    const head = headOf(row);
    return head.kind === key.kind && head.merchant_id === key.merchant_id;
  };
  return Array.isArray(ofSource) ? ofSource.find(isKey) : isKey(ofSource) ? ofSource : undefined;
}

function remember(written: WrittenBySource, row: Written): void {
  const source_id = "posting" in row ? row.posting.source_id : row.source_id;
  const ofSource = written.get(source_id);
  if (ofSource === undefined) written.set(source_id, row);
  else written.set(source_id, Array.isArray(ofSource) ? [...ofSource, row] : [ofSource, row]);
}

const nameOf = (posting: NewPosting) => `${posting.kind} of ${posting.source_id}`;
