/** What whoever moves money asks first. */
import type { TributaryError } from "../../kit/error.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import type { BookKey } from "../../ledger/index.ts";
import { type AccountKey, type Stop, stopOf, type Way } from "./control.ts";
import { holdControls, loadControls, nameOf } from "./control-store.ts";
import { accountErrors } from "./errors.ts";

/**
 * Money is about to leave the merchant's account: a payout, a share, an adjustment. Holds the account's controls until the
 * caller's transaction ends, so that no freeze comes between. To be asked before the book is locked.
 * @throws account.debit_frozen, account.closed
 */
export function requireMayDebit(tx: Transaction, book: BookKey, currency: string): Promise<void> {
  return requireMay(tx, book, currency, "debit");
}

/**
 * Money is about to enter the merchant's account that nobody has paid yet: a share, a commission, an adjustment. What comes
 * back (a failed payout, a returned share) is booked without asking.
 * @throws account.credit_frozen, account.closed
 */
export function requireMayCredit(tx: Transaction, book: BookKey, currency: string): Promise<void> {
  return requireMay(tx, book, currency, "credit");
}

async function requireMay(tx: Transaction, book: BookKey, currency: string, way: Way): Promise<void> {
  const { merchant_id, livemode } = book;
  const stops = await findStops(tx, [{ merchant_id, livemode, currency }], way);
  for (const stop of stops.values()) throw explainStop(stop, currency);
}

/** The accounts that a way is closed to, by `accountName`; all are held until the transaction ends. */
export async function findStops(
  tx: Transaction,
  accounts: readonly AccountKey[],
  way: Way,
): Promise<ReadonlyMap<string, Stop>> {
  const rows = await holdControls(tx, accounts);
  return new Map(
    rows.flatMap((row) => {
      const stop = stopOf(row, way);
      return stop === undefined ? [] : [[nameOf(row), stop] as const];
    }),
  );
}

/** The error for a stop, such as one of `caller.credit_stops`. */
export function explainStop(stop: string, currency: string): TributaryError {
  return accountErrors[stop as Stop]({ values: { currency } });
}

/** The currencies in which no payment may begin in a book, and why. Not held: for whoever asks often and is told of changes. */
export async function loadCreditStops(sql: Sql, { merchant_id, livemode }: BookKey): Promise<Map<string, Stop>> {
  const rows = await loadControls(sql, merchant_id);
  return new Map(
    rows.flatMap((row) => {
      const stop = row.livemode === livemode ? stopOf(row, "credit") : undefined;
      return stop === undefined ? [] : [[row.currency, stop] as const];
    }),
  );
}
