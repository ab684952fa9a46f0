/**
 * Reading a book as it stood after one of its transactions. The journal never changes and is numbered without gaps, so
 * a number names a state of the book for ever: nothing here needs a snapshot, and no reader holds a connection.
 */
import { plainArray, timestampArray } from "../kit/sql/arrays.ts";
import type { Sql } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import type { AccountKind } from "./accounts.ts";
import type { BookKey } from "./store.ts";

/**
 * How far apart the order of numbers and that of `posted_at` may be: a posting takes its time before it waits for its
 * book, for 30 s at most, and the clocks of machines differ a little. A state older than this is final.
 */
export const POSTING_DISORDER_MAX_MS = 120_000;

// Looks for the last number whose neighbourhood is certainly not later than `beyond`, halving the book, and from there for
// the last transaction that was posted at or before `at`.
const numbersStatement = tenantStatement(
  "ledger.numbers_at",
  `select w.place::int, found.number
   from unnest($1::uuid[], $2::boolean[], $3::timestamptz[], $4::timestamptz[])
     with ordinality as w (merchant_id, livemode, at, beyond, place)
   cross join lateral (
     with recursive search (low, high) as (
       select 0::bigint, b.number from ledger_books b where b.merchant_id = w.merchant_id and b.livemode = w.livemode
       union all
       select case when t.posted_at <= w.beyond then t.number else s.low end,
         case when t.posted_at <= w.beyond then s.high else t.number - 1 end
       from search s
       join ledger_transactions t
         on t.merchant_id = w.merchant_id and t.livemode = w.livemode and t.number = (s.low + s.high + 1) / 2
       where s.low < s.high
     )
     select t.number from ledger_transactions t
     where t.merchant_id = w.merchant_id and t.livemode = w.livemode and t.posted_at <= w.at
       and t.number <= (select low from search where low = high)
     order by t.merchant_id desc, t.livemode desc, t.number desc limit 1
   ) found`,
);

/** Number of the last transaction that was posted at or before an instant (epoch milliseconds); 0 when there is none. */
export async function findNumberAt(sql: Sql, book: BookKey, at: number): Promise<bigint> {
  const [number] = await findNumbersAt(sql, [{ ...book, at }]);
  return number!;
}

/** The same of several books, in their order. */
export async function findNumbersAt(sql: Sql, wanted: readonly (BookKey & { at: number })[]): Promise<bigint[]> {
  const numbers = wanted.map(() => 0n);
  if (wanted.length === 0) return numbers;
  const rows = await sql.query<{ place: number; number: bigint }>(numbersStatement, [
    plainArray(wanted.map(({ merchant_id }) => merchant_id)),
    plainArray(wanted.map(({ livemode }) => livemode)),
    timestampArray(wanted.map(({ at }) => at)),
    timestampArray(wanted.map(({ at }) => at + POSTING_DISORDER_MAX_MS)),
  ]);
  for (const { place, number } of rows) numbers[place - 1] = number;
  return numbers;
}

/** An account of a book; `position` names it in the book's entries. */
export interface BookAccount {
  readonly position: number;
  readonly kind: AccountKind;
  readonly currency: string;
  /** The channel account, or `NO_SCOPE`. */
  readonly scope: string;
}

export interface PastBalance extends BookAccount {
  /** Minor units, positive on the account's own side. */
  readonly balance: bigint;
}

interface BookRow extends PastBalance {
  readonly number: bigint;
}

const bookStatement = tenantStatement(
  "ledger.book_now",
  `select b.number, a.account_position::int as position, a.account_kind as kind, a.currency, a.scope, a.balance
   from ledger_books b join ledger_balances a on a.merchant_id = b.merchant_id and a.livemode = b.livemode
   where b.merchant_id = $1 and b.livemode = $2 order by a.currency, a.account_kind, a.scope`,
);

/** The accounts of a book of the given kinds that were ever posted to, with what they hold now and its last number. */
async function readBook(sql: Sql, book: BookKey, kinds: readonly AccountKind[]): Promise<BookRow[]> {
  const rows = await sql.query<BookRow>(bookStatement, [book.merchant_id, book.livemode]);
  return rows.filter(({ kind }) => kinds.includes(kind));
}

// Entries of one account beside each other, the nearest to the looked-for state first.
const entriesNear = (name: string, order: "asc" | "desc") =>
  tenantStatement(
    name,
    `select distinct on (t.entries[line][1]) t.entries[line][1]::int as position, t.entries[line][2] as amount,
       t.entries[line][3] as balance_after
     from ledger_transactions t cross join generate_subscripts(t.entries, 1) as line
     where t.merchant_id = $1 and t.livemode = $2 and t.number > $3 and t.number <= $4
       and t.entries[line][1] = any ($5::bigint[])
     order by t.entries[line][1], t.number ${order}, line ${order}`,
  );
const lastEntries = entriesNear("ledger.last_entries", "desc");
const firstEntries = entriesNear("ledger.first_entries", "asc");

interface NearEntry {
  position: number;
  amount: bigint;
  balance_after: bigint;
}

const WINDOW_FIRST = 256n;
const WINDOW_MAX = 65_536n;

/**
 * What the accounts of these kinds held after the transaction of that number; those that were opened later hold 0.
 *
 * An account's balance is that after its last entry before, or that before its next entry; without either it is 0, or
 * what the account holds now. Both sides are looked through in growing windows, so the cost is the distance to the
 * nearest of the four, whatever the size of the book.
 */
export async function getBalancesAfter(
  sql: Sql,
  book: BookKey,
  number: bigint,
  kinds: readonly AccountKind[],
): Promise<PastBalance[]> {
  const accounts = await readBook(sql, book, kinds);
  const found = new Map<number, bigint>();
  const last = accounts[0]?.number ?? 0n;
  let [below, above] = [number, number];
  for (let window = WINDOW_FIRST; ; window = min(window * 4n, WINDOW_MAX)) {
    if (above >= last) fill(found, accounts, ({ balance }) => balance);
    if (below <= 0n) fill(found, accounts, () => 0n);
    const missing = accounts.map(({ position }) => position).filter((position) => !found.has(position));
    if (missing.length === 0) break;
    const read = (statement: typeof lastEntries, after: bigint, until: bigint) =>
      sql.query<NearEntry>(statement, [book.merchant_id, book.livemode, after, until, plainArray(missing)]);
    const [before, next] = await Promise.all([
      read(lastEntries, below - window, below),
      read(firstEntries, above, min(above + window, last)),
    ]);
    for (const { position, amount, balance_after } of next) found.set(position, balance_after - amount);
    for (const { position, balance_after } of before) found.set(position, balance_after);
    [below, above] = [below - window, above + window];
  }
  return accounts.map(({ position, kind, currency, scope }) => {
    return { position, kind, currency, scope, balance: found.get(position)! };
  });
}

const min = (a: bigint, b: bigint) => (a < b ? a : b);

function fill(found: Map<number, bigint>, accounts: readonly BookRow[], balanceOf: (row: BookRow) => bigint): void {
  for (const account of accounts) {
    if (!found.has(account.position)) found.set(account.position, balanceOf(account));
  }
}

/** What the accounts of these kinds held at an instant (epoch milliseconds): after all that was posted at or before it. */
export async function getBalancesAt(
  sql: Sql,
  book: BookKey,
  at: number,
  kinds: readonly AccountKind[],
): Promise<PastBalance[]> {
  return getBalancesAfter(sql, book, await findNumberAt(sql, book, at), kinds);
}
