/** Closes the days of a book that are over. */
import { sign } from "node:crypto";
import type { Clock } from "../../kit/clock.ts";
import { dayOf, localDay } from "../../kit/local-day.ts";
import { type BookKey, type BookTransaction, readBook, readBookAccounts } from "../../ledger/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { carryForward, extendChain, FIRST_HASH, type Movements, move, toLine } from "./chain.ts";
import { type KeyServices, requireSigningKey } from "./signing-key.ts";
import { readStatement, writeStatement } from "./statement.ts";
import { type Close, insertClose, loadLastClose } from "./store.ts";

export interface CloseServices extends KeyServices {
  clock: Clock;
}

/** A transaction is stamped before it waits for its book: one stamped before midnight may be committed after it. */
const GRACE_MS = 600_000;

/** Where a day begins: what the close before left. */
interface Point {
  /** The last day that is closed; undefined before the first. */
  readonly day: string | undefined;
  readonly number: bigint;
  readonly hash: Buffer;
  readonly movements: ReadonlyMap<number, { closing: bigint }>;
}

/** A day under way. */
interface Day {
  readonly from: Point;
  readonly day: string;
  readonly ends_at: number;
  readonly movements: Movements;
  number: bigint;
  hash: Buffer;
}

/**
 * Closes every day of the book that has been over for ten minutes, the oldest first. Gives how many this call closed; days
 * that another process closes meanwhile are left to it.
 */
export async function closeBook(services: CloseServices, book: BookKey): Promise<number> {
  const { db, clock } = services;
  const { time_zone } = await getMerchant(db, book.merchant_id);
  const over_at = clock.now() - GRACE_MS;
  let from = pointAfter(await loadLastClose(db, book));
  let day: Day | undefined;
  let closed = 0;
  for await (const page of readBook(db, book, from.number)) {
    for (const transaction of page) {
      if (day && transaction.posted_at >= day.ends_at) {
        if (!(await finish(services, book, time_zone, day))) return closed;
        closed += 1;
        from = day;
        day = undefined;
      }
      day ??= begin(from, transaction, time_zone);
      if (day.ends_at > over_at) return closed;
      add(day, transaction);
    }
  }
  if (day && (await finish(services, book, time_zone, day))) closed += 1;
  return closed;
}

function pointAfter(close: Close | undefined): Point {
  const statement = close && readStatement(close.statement);
  if (!close || !statement) return { day: undefined, number: 0n, hash: FIRST_HASH, movements: new Map() };
  return {
    day: close.day,
    number: close.last_number,
    hash: close.closing_hash,
    movements: new Map(statement.accounts.map(({ position, closing }) => [position, { closing: BigInt(closing) }])),
  };
}

/** The day of the first transaction that is not closed, but never a day that is closed already. */
function begin(from: Point, { posted_at }: BookTransaction, time_zone: string): Day {
  // Stamps of one book are not quite in order: a day that is closed stays so.
  const open_at = from.day === undefined ? posted_at : Math.max(posted_at, dayOf(from.day, time_zone)!.to);
  const day = localDay(open_at, time_zone);
  const ends_at = dayOf(day, time_zone)!.to;
  return { from, day, ends_at, movements: carryForward(from.movements), number: from.number, hash: from.hash };
}

function add(day: Day, transaction: BookTransaction): void {
  day.hash = extendChain(day.hash, toLine(transaction));
  day.number = transaction.number;
  for (const [position, amount] of transaction.entries) move(day.movements, position, amount);
}

/** Signs and writes a day; false when somebody else has. */
async function finish(services: CloseServices, book: BookKey, time_zone: string, day: Day): Promise<boolean> {
  const { db, clock } = services;
  const [accounts, key] = [await readBookAccounts(db, book), await requireSigningKey(services)];
  const statement = writeStatement(
    {
      ...{ merchant_id: book.merchant_id, livemode: book.livemode, day: day.day, time_zone },
      ...{ after_number: day.from.number, last_number: day.number },
      ...{ opening_hash: day.from.hash, closing_hash: day.hash, movements: day.movements },
    },
    accounts,
    { closed_at: clock.now(), key: key.id },
  );
  return insertClose(db, {
    ...{ merchant_id: book.merchant_id, livemode: book.livemode, day: day.day },
    ...{ last_number: day.number, closing_hash: day.hash, statement, key_id: key.id },
    signature: sign(null, Buffer.from(statement, "utf8"), key.private_key),
  });
}
