// Guarantee: a book is read as it stood at any instant and after any of its transactions, exactly, however rarely an
// account moves and in whatever order clocks stamped what was posted; its entries are read a page at a time.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AccountKind, accountKinds } from "./accounts.ts";
import {
  type Entry,
  findNumberAt,
  getBalances,
  getBalancesAfter,
  getBalancesAt,
  type NewPosting,
  paymentPosting,
  post,
  readEntryPages,
  refundInitiatedPosting,
  refundSucceededPosting,
  sumTurnover,
  TRANSACTIONS_IN_PAGE,
} from "./index.ts";
import { clock, openTestBooks, paid, refundOf, run, type TestBooks } from "./testing/books.ts";

const allKinds = Object.keys(accountKinds) as AccountKind[];
const book = { merchant_id: randomUUID(), livemode: true };
const START = clock.now();
/** What the machines' clocks differ by in this book. */
const SKEW_MS = 50_000;

interface Row {
  number: bigint;
  line: number;
  kind: AccountKind;
  currency: string;
  scope: string;
  amount: bigint;
  posted_at: number;
}

let books: TestBooks;
let journal: Row[];
let last: bigint;

/** 3,000 transactions: yuan all the time, a collected dollar and refunds rarely, one account at the very end only. */
function makePostings(): NewPosting[] {
  const dollars = { currency: "USD", amount: 700n };
  return Array.from({ length: 2_400 }, (_, index) => {
    const yuan = paid({ ...book, fee: 1n, amount: { currency: "CNY", amount: BigInt(10_000 + index) } });
    if (index === 3 || index === 1_900) return [paymentPosting({ ...yuan, amount: dollars, funding_mode: "direct" })];
    if (index === 2_395) return [paymentPosting({ ...yuan, amount: dollars })];
    if (index % 8 !== 7) return [paymentPosting(yuan)];
    const refund = refundOf(yuan);
    return [paymentPosting(yuan), refundInitiatedPosting(refund), refundSucceededPosting(refund)];
  }).flat();
}

beforeAll(async () => {
  books = await openTestBooks();
  const postings = makePostings();
  for (let at = 0; at < postings.length; at += 7) {
    // A second each, and every fifth batch by a machine whose clock is slow.
    const posted_at = START + at * 1_000 - (at % 5 === 0 ? SKEW_MS : 0);
    await books.db.transaction((tx) => post(tx, postings.slice(at, at + 7), posted_at));
  }
  journal = await run<Row>(
    books.db,
    `select number, line, account_kind as kind, currency, scope, amount, posted_at from ledger_entries
     where merchant_id = $1 order by number, line`,
    [book.merchant_id],
  );
  last = journal.at(-1)!.number;
});

afterAll(() => books.close());

const nameOf = ({ kind, currency, scope }: { kind: string; currency: string; scope: string }) =>
  `${kind} ${currency} ${scope}`;

/** The balances after a transaction, by adding up the journal; zero for accounts opened later. */
function addUp(number: bigint): Record<string, bigint> {
  const sums: Record<string, bigint> = Object.fromEntries(journal.map((row) => [nameOf(row), 0n]));
  for (const row of journal) if (row.number <= number) sums[nameOf(row)]! += row.amount;
  return sums;
}

const shown = (balances: readonly { kind: string; currency: string; scope: string; balance: bigint }[]) =>
  Object.fromEntries(balances.map((balance) => [nameOf(balance), balance.balance]));

const anyNumber = () => fc.bigInt(0n, last);

test("balances after any transaction are the sums of the entries up to it", async () => {
  const check = async (number: bigint) => {
    expect(shown(await getBalancesAfter(books.db, book, number, allKinds))).toEqual(addUp(number));
  };
  for (const number of [0n, 1n, 4n, last - 1n, last]) await check(number);
  await fc.assert(fc.asyncProperty(anyNumber(), check), { numRuns: 40 });
});

test("the last state is what the book holds", async () => {
  const now = shown(await getBalances(books.db, book));
  expect(shown(await getBalancesAfter(books.db, book, last, allKinds))).toEqual(now);
  expect(shown(await getBalancesAt(books.db, book, START + 86_400_000, allKinds))).toEqual(now);
});

test("an instant's number is the last that was posted at or before it, whatever the order of the clocks", async () => {
  const check = async (after_ms: number) => {
    const expected = journal.findLast((row) => row.posted_at <= START + after_ms)?.number ?? 0n;
    expect(await findNumberAt(books.db, book, START + after_ms)).toBe(expected);
  };
  for (const after_ms of [-SKEW_MS - 1, -SKEW_MS, -1, 0, 1]) await check(after_ms);
  await fc.assert(fc.asyncProperty(fc.integer({ min: -60_000, max: 3_100_000 }), check), { numRuns: 40 });
});

test("turnover leads from any state to any later one", async () => {
  await fc.assert(
    fc.asyncProperty(anyNumber(), anyNumber(), async (one, other) => {
      const [after, until] = one < other ? [one, other] : [other, one];
      const opening = await getBalancesAfter(books.db, book, after, allKinds);
      const turnover = await sumTurnover(books.db, { ...book, after, until }, opening);
      const closing = opening.map((account) => {
        const { amount_in = 0n, amount_out = 0n } = turnover.get(account.position) ?? {};
        return { ...account, balance: account.balance + amount_in - amount_out };
      });
      expect(shown(closing)).toEqual(addUp(until));
      const moved = journal.filter(({ number }) => number > after && number <= until).length;
      expect([...turnover.values()].reduce((sum, { entry_count }) => sum + entry_count, 0)).toBe(moved);
    }),
    { numRuns: 20 },
  );
});

async function readAll(wanted: { after: bigint; until: bigint; kinds?: AccountKind[]; currency?: string }) {
  const pages: Entry[][] = [];
  for await (const page of readEntryPages(books.db, { ...book, kinds: allKinds, ...wanted })) pages.push(page);
  return pages;
}

test("entries of a period come in order, each once, in pages of bounded size", async () => {
  const pages = await readAll({ after: 1n, until: last - 1n });
  const expected = journal.filter(({ number }) => number > 1n && number < last);
  expect(pages.flat().map(({ number, line, amount }) => [number, line, amount])).toEqual(
    expected.map(({ number, line, amount }) => [number, line, amount]),
  );
  expect(pages).toHaveLength(Math.ceil((Number(last) - 2) / TRANSACTIONS_IN_PAGE));
});

test("entries of a period may be those of some kinds and one currency", async () => {
  const entries = (await readAll({ after: 0n, until: last, kinds: ["direct_collected"], currency: "USD" })).flat();
  expect(
    entries.map(({ amount, balance_after, transaction_kind }) => [amount, balance_after, transaction_kind]),
  ).toEqual([
    [700n, 700n, "payment_succeeded"],
    [700n, 1_400n, "payment_succeeded"],
  ]);
  expect(await readAll({ after: 0n, until: last, currency: "EUR" })).toEqual([]);
});

test("a merchant without a book has no states and no entries", async () => {
  const nobody = { merchant_id: randomUUID(), livemode: true };
  expect(await findNumberAt(books.db, nobody, START)).toBe(0n);
  expect(await getBalancesAt(books.db, nobody, START, allKinds)).toEqual([]);
  // The other mode of a merchant is another book.
  expect(await findNumberAt(books.db, { ...book, livemode: false }, START + 86_400_000)).toBe(0n);
});
