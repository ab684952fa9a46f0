/** What reconciling books: each time the difference between what ought to be booked and what is, so that it can be repeated. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { post, type ReconciliationPostingKind, reconciliationPosting } from "../../ledger/index.ts";
import { reconciliationErrors } from "./errors.ts";
import {
  type BookAmount,
  insertPostings,
  lockWrongSuspense,
  type ReconciliationPosting,
  saveSuspended,
  sumPosted,
} from "./posting-store.ts";
import type { DayKey } from "./reconciliation.ts";
import type { ReconciliationServices } from "./services.ts";
import { lockDay } from "./store.ts";

type Booking = Pick<ReconciliationServices, "db" | "clock" | "ids">;

/** Books are locked while they are posted to: few at a time, so that payments do not wait. */
const BOOKS_AT_ONCE = 100;
/** The account is locked, and no day. */
const NO_DAY = "0001-01-01";

/**
 * Writes postings and books them, in the caller's transaction.
 * @throws reconciliation.balance_too_low
 */
export async function book(
  { clock, ids }: Pick<Booking, "clock" | "ids">,
  tx: Transaction,
  wanted: readonly Omit<ReconciliationPosting, "id">[],
): Promise<void> {
  const now = clock.now();
  const rows = wanted.filter(({ amount }) => amount !== 0n).map((row) => ({ ...row, id: ids.uuid() }));
  if (rows.length === 0) return;
  await insertPostings(tx, rows, now);
  const postings = rows.map(({ id: posting_id, currency, amount, ...row }) =>
    reconciliationPosting({ ...row, posting_id, amount: { amount, currency }, occurred_at: now }),
  );
  const results = await post(tx, postings, now);
  if (results.some(({ kind }) => kind === "refused")) throw reconciliationErrors["reconciliation.balance_too_low"]();
  invariant(
    results.every(({ kind }) => kind === "posted"),
    "a posting of reconciliation is new",
  );
}

/** Brings what is booked of a kind for a day to what it ought to be, book by book. */
export async function bookDay(
  services: Booking,
  key: DayKey & { livemode: boolean },
  kind: ReconciliationPostingKind,
  targets: readonly BookAmount[],
): Promise<void> {
  for (let at = 0; at < targets.length; at += BOOKS_AT_ONCE) {
    const some = targets.slice(at, at + BOOKS_AT_ONCE);
    await services.db.transaction(async (tx) => {
      // Two who close the same day would both book what is missing.
      await lockDay(tx, key);
      const posted = await sumPosted(tx, key, kind, [...new Set(some.map(({ merchant_id }) => merchant_id))]);
      const rows = some.map(({ merchant_id, currency, amount }) => {
        const before = posted.find((one) => one.merchant_id === merchant_id && one.currency === currency);
        const { channel_account_id, day, livemode } = key;
        const missing = BigInt(amount) - BigInt(before?.amount ?? 0);
        return { merchant_id, livemode, kind, channel_account_id, day, currency, amount: missing, difference_id: null };
      });
      await book(services, tx, rows);
    });
  }
}

/** Brings what lies in suspense to what is being looked into. */
export async function bookSuspense(services: Booking, channel_account_id: string): Promise<void> {
  for (let more = true; more; ) {
    more = await services.db.transaction(async (tx) => {
      await lockDay(tx, { channel_account_id, day: NO_DAY });
      const wrong = await lockWrongSuspense(tx, channel_account_id, BOOKS_AT_ONCE);
      const rows = wrong.map(({ id: difference_id, suspended, target, ...row }) => ({
        ...{ ...row, difference_id, kind: "difference_suspended" as const, amount: target - suspended },
      }));
      await book(services, tx, rows);
      await saveSuspended(
        tx,
        wrong.map(({ id, target }) => ({ id, suspended: target })),
      );
      return wrong.length === BOOKS_AT_ONCE;
    });
  }
}
