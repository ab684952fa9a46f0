import { dayOf } from "../../kit/local-day.ts";
import { findNumberAt, getBalancesAfter, POSTING_DISORDER_MAX_MS, sumTurnover } from "../../ledger/index.ts";
import { shownKinds } from "../balance/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { statementErrors } from "./errors.ts";
import type { StatementServices } from "./services.ts";
import type { Statement, StatementDay, StatementRequest } from "./statement.ts";

/**
 * The part of a merchant's journal that was booked on a day of the merchant's. A day belongs to the book from its first
 * transaction to its last, in the order of numbers, so days neither overlap nor leave anything out.
 * @throws statement.not_found for no day, and for one that has not begun; merchant.not_found
 */
export async function findDay(services: StatementServices, request: StatementRequest): Promise<StatementDay> {
  const { db, clock } = services;
  const { merchant_id, livemode, date } = request;
  const { time_zone } = await getMerchant(db, merchant_id);
  const day = dayOf(date, time_zone);
  const now = clock.now();
  if (!day || day.from > now) throw statementErrors["statement.not_found"]({ param: "date" });
  const { from, to } = day;
  const book = { merchant_id, livemode };
  const after = await findNumberAt(db, book, from - 1);
  const until = await findNumberAt(db, book, Math.min(to - 1, now));
  const is_final = now >= to + POSTING_DISORDER_MAX_MS;
  return { date, time_zone, from, to, is_final, period: { ...book, after, until } };
}

/**
 * A day of a merchant: each account's balance at its beginning, and what moved it.
 * @throws as `findDay`
 */
export async function readStatement(services: StatementServices, request: StatementRequest): Promise<Statement> {
  const day = await findDay(services, request);
  return { ...day, accounts: await readAccounts(services, day, request.currency) };
}

async function readAccounts({ db }: StatementServices, { period }: StatementDay, currency: string | undefined) {
  const all = await getBalancesAfter(db, period, period.after, shownKinds);
  const opening = all.filter((account) => (currency ?? account.currency) === account.currency);
  const turnover = await sumTurnover(db, period, opening);
  return opening.map((account) => ({ ...NOTHING, ...account, ...turnover.get(account.position) }));
}

const NOTHING = { entry_count: 0, amount_in: 0n, amount_out: 0n };
