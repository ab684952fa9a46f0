/** Checks the books against themselves (numbers, sums, chains, balances, bounds, accounts), and against what they are about. */
import { invariant } from "../../kit/error.ts";
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { accountOf, isAccountKind } from "../accounts.ts";
import { readMatrix } from "../binary-arrays.ts";
import { type Findings, report } from "./findings.ts";
import type { SourceCheck, WrittenTransaction } from "./source.ts";
import { sourceOfKind } from "./sources/index.ts";
import {
  type AccountRow,
  type BookPlace,
  type BookRow,
  type JournalRange,
  type ProvedPoint,
  rangesOf,
  readAccounts,
  readBooks,
  readLostAccounts,
  readLostBooks,
  readTransactions,
  TRANSACTIONS_IN_BATCH,
  type TransactionRow,
} from "./store.ts";

/** A book as its transactions make it, beside what its row says. */
interface Rebuilt {
  readonly row: BookRow;
  readonly label: string;
  readonly ids: readonly string[];
  /** By position from 0. */
  readonly accounts: { name: string; currency: string; sign: bigint }[];
  readonly balances: bigint[];
  number: bigint;
}

/**
 * Two connections that see the same state: one reads the journal, the other what it is about. Without the other, books are
 * compared with themselves only.
 */
export interface Lanes {
  readonly journal: Sql;
  readonly sources?: Sql;
}

/**
 * Rebuilds books from their transactions and compares, and compares each transaction with its source: every book from
 * its beginning, or, incrementally, each that moved from where it was proved before. Gives where each now ends.
 */
export async function verifyBooks(lanes: Lanes, findings: Findings, incremental = false): Promise<ProvedPoint[]> {
  const points: ProvedPoint[] = [];
  for await (const rows of readBooks(lanes.journal, incremental)) {
    const books = new Map<string, Rebuilt>(rows.map((row) => [nameOf(row), startBook(findings, row)]));
    for (const account of await readAccounts(lanes.journal, rows)) describeAccount(findings, books, account);
    for (const book of books.values()) checkAccounts(findings, book);
    await walk(
      lanes,
      findings,
      books,
      [...books.values()].flatMap(({ row, number }) => [...rangesOf(row, number)]),
    );
    for (const book of books.values()) points.push(closeBook(findings, book));
  }
  if (!incremental) await verifyLostBooks(lanes, findings);
  return points;
}

/** Transactions and accounts of books that are not there. */
async function verifyLostBooks(lanes: Lanes, findings: Findings): Promise<void> {
  const nowhere = new Map<string, Rebuilt>();
  const lost = await readLostBooks(lanes.journal);
  await walk(
    lanes,
    findings,
    nowhere,
    lost.flatMap((book) => [...rangesOf({ ...book, number: book.last_number }, 0n)]),
  );
  for (const account of await readLostAccounts(lanes.journal)) describeAccount(findings, nowhere, account);
}

/** Replays the transactions of the ranges, in batches; the database reads ahead while one is looked at. */
async function walk(
  { journal, sources }: Lanes,
  findings: Findings,
  books: ReadonlyMap<string, Rebuilt>,
  ranges: readonly (JournalRange & { count: number })[],
): Promise<void> {
  const batches = [...batchesOf(ranges)];
  const read = (index: number) => {
    const batch = batches[index];
    const reading = batch && readTransactions(journal, batch);
    reading?.catch(() => undefined);
    return reading;
  };
  let reading = read(0);
  let compareEarlier: (() => Promise<void>) | undefined;
  for (const [index, batch] of batches.entries()) {
    const page = (await reading)!;
    reading = read(index + 1);
    const compare = sources && startComparing(sources, page, batch);
    // What the batch before is about has come meanwhile.
    await compareEarlier?.();
    const transactions = replayPage(findings, books, page);
    compareEarlier = compare && (() => compare(findings, transactions));
  }
  await compareEarlier?.();
}

/** Ranges together as long as they hold no more than a batch. */
function* batchesOf(ranges: readonly (JournalRange & { count: number })[]): Generator<JournalRange[]> {
  let batch: JournalRange[] = [];
  let count = 0;
  for (const range of ranges) {
    if (count + range.count > TRANSACTIONS_IN_BATCH && batch.length > 0) {
      yield batch;
      batch = [];
      count = 0;
    }
    batch.push(range);
    count += range.count;
  }
  if (batch.length > 0) yield batch;
}

/** Replays a page into its books and gives its transactions for comparison. */
function replayPage(
  findings: Findings,
  books: ReadonlyMap<string, Rebuilt>,
  page: readonly TransactionRow[],
): WrittenTransaction[] {
  findings.transactions += page.length;
  let current: Rebuilt | undefined;
  return page.map((row) => {
    if (current?.row.merchant_id !== row.merchant_id || current.row.livemode !== row.livemode) {
      current = books.get(nameOf(row));
    }
    const { merchant_id, livemode, number, kind, source_id } = row;
    const cells = readMatrix(row.entries);
    if (current) replay(findings, current, row, cells);
    else report(findings, "no_book", merchant_id, `Transaction ${number} of ${labelOf(row)} has no book.`);
    return { merchant_id, livemode, number, kind, source_id, cells, accounts: current?.ids ?? [] };
  });
}

type Compare = (findings: Findings, transactions: readonly WrittenTransaction[]) => Promise<void>;

/** Asks at once for all that a page, which was read from these ranges, is about. */
function startComparing(sql: Sql, page: readonly TransactionRow[], ranges: readonly JournalRange[]): Compare {
  const met = new Set(page.map(({ kind }) => sourceOfKind.get(kind)));
  met.delete(undefined);
  const reading = Promise.all(
    [...(met as Set<SourceCheck>)].map(async (source) => [source, await source.read(sql, ranges)] as const),
  );
  reading.catch(() => undefined);
  return async (findings, transactions) => {
    const checks = new Map(await reading);
    for (const transaction of transactions) {
      const source = sourceOfKind.get(transaction.kind);
      // What takes another transaction back is compared with that one.
      if (source !== undefined) checks.get(source)!(findings, transaction);
    }
  };
}

function startBook(findings: Findings, row: BookRow): Rebuilt {
  const ids = splitNumbers(row.accounts);
  const book = { row, label: labelOf(row), ids, accounts: [], balances: ids.map(() => 0n), number: 0n };
  const { proved_number, proved_balances, last_number } = row;
  if (proved_number === null) return book;
  if (proved_number > (last_number ?? 0n)) {
    const sentence = `${book.label} ends with transaction ${last_number ?? 0n}, but was proved up to ${proved_number} before.`;
    report(findings, "number_gap", row.merchant_id, sentence);
    return book;
  }
  const proved = splitNumbers(proved_balances ?? "{}");
  return { ...book, number: proved_number, balances: ids.map((_, index) => BigInt(proved[index] ?? 0)) };
}

function describeAccount(findings: Findings, books: ReadonlyMap<string, Rebuilt>, row: AccountRow): void {
  const book = books.get(nameOf(row));
  findings.accounts += 1;
  const id = isAccountKind(row.kind) ? idOf(row) : undefined;
  if (book === undefined || id !== String(row.id) || book.ids[row.position - 1] !== id) {
    const sentence = `Account ${row.position} of ${labelOf(row)} is described as ${row.kind} ${row.currency}, which it is not.`;
    report(findings, "wrong_account", row.merchant_id, sentence);
    return;
  }
  book.accounts[row.position - 1] = {
    name: `${row.kind} ${row.currency}`,
    currency: row.currency,
    sign: row.id < 0n ? -1n : 1n,
  };
}

function idOf(row: AccountRow): string | undefined {
  invariant(isAccountKind(row.kind), "asked only of known kinds");
  try {
    return accountOf(row.kind, row.currency, row.scope).id;
  } catch {
    // A kind with a scope it cannot have, or no currency, stands for no account.
    return undefined;
  }
}

function checkAccounts(findings: Findings, book: Rebuilt): void {
  findings.books += 1;
  for (const [index, id] of book.ids.entries()) {
    if (book.accounts[index] !== undefined) continue;
    report(findings, "wrong_account", book.row.merchant_id, `Account ${index + 1} of ${book.label} is not described.`);
    // Its side is in its id; its currency is not known, so it is summed by itself.
    book.accounts[index] = { name: `account ${index + 1}`, currency: id, sign: id.startsWith("-") ? -1n : 1n };
  }
}

/** Applies one transaction to its book and reports where it does not fit; then goes on from what it says. */
function replay(findings: Findings, book: Rebuilt, row: TransactionRow, cells: readonly bigint[]): void {
  if (row.number !== book.number + 1n) {
    const missing = `Transaction ${book.number + 1n} of ${book.label} is missing: ${row.number} follows ${book.number}.`;
    report(findings, "number_gap", row.merchant_id, missing);
  }
  book.number = row.number;
  findings.entries += cells.length / 3;
  let sum = 0n;
  let currency: string | undefined;
  let sums: Map<string, bigint> | undefined;
  for (let at = 0; at < cells.length; at += 3) {
    const index = Number(cells[at]) - 1;
    const amount = cells[at + 1]!;
    const account = book.accounts[index];
    if (account === undefined) {
      const sentence = `Transaction ${row.number} of ${book.label} names account ${index + 1}, which the book does not have.`;
      report(findings, "wrong_account", row.merchant_id, sentence);
      continue;
    }
    currency ??= account.currency;
    if (currency === account.currency) sum += amount * account.sign;
    else {
      sums ??= new Map();
      sums.set(account.currency, (sums.get(account.currency) ?? 0n) + amount * account.sign);
    }
    checkChain(findings, book, row, index, amount, cells[at + 2]!);
  }
  if (sum !== 0n || (sums && [...sums.values()].some((other) => other !== 0n))) {
    report(findings, "unbalanced", row.merchant_id, `Transaction ${row.number} of ${book.label} does not sum to zero.`);
  }
}

function checkChain(
  findings: Findings,
  book: Rebuilt,
  row: TransactionRow,
  index: number,
  amount: bigint,
  stated: bigint,
): void {
  const expected = book.balances[index]! + amount;
  book.balances[index] = stated;
  if (stated === expected) return;
  const where = `Transaction ${row.number} of ${book.label}`;
  const sentence = `${where} leaves ${book.accounts[index]!.name} at ${stated}, but ${expected} follows from the entry before.`;
  report(findings, "broken_chain", row.merchant_id, sentence);
}

function closeBook(findings: Findings, book: Rebuilt): ProvedPoint {
  const { row, label } = book;
  if (row.number !== book.number) {
    const sentence = `${label} says that its last transaction is ${row.number}, but it is ${book.number}.`;
    report(findings, "number_gap", row.merchant_id, sentence);
  }
  const balances = splitNumbers(row.balances);
  const minimums = splitNumbers(row.minimums);
  for (const [index, { name }] of book.accounts.entries()) {
    const balance = BigInt(balances[index] ?? 0);
    if (balance !== book.balances[index]) {
      const sentence = `${name} of ${label} has the balance ${balance}, but its entries make ${book.balances[index]}.`;
      report(findings, "wrong_balance", row.merchant_id, sentence);
    }
    const minimum = minimums[index];
    if (minimum !== undefined && minimum !== "NULL" && balance < BigInt(minimum)) {
      const sentence = `${name} of ${label} has the balance ${balance}, below its minimum ${minimum}.`;
      report(findings, "below_minimum", row.merchant_id, sentence);
    }
  }
  const { merchant_id, livemode } = row;
  return { merchant_id, livemode, number: book.number, balances: book.balances };
}

function splitNumbers(text: string): string[] {
  return text.length === 2 ? [] : text.slice(1, -1).split(",");
}

const nameOf = (place: BookPlace) => `${place.merchant_id} ${place.livemode}`;
const labelOf = (place: BookPlace) =>
  `the ${place.livemode ? "live" : "test"} book of ${publicId("merchant", place.merchant_id)}`;
