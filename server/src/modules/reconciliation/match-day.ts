/**
 * Matches a day of a channel account: its trade bill against the books. It can be done again at any time until the day is
 * closed, with the same result as long as bills and books are the same.
 */
import { addDays, dayOf } from "../../kit/local-day.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { getChannelAccount } from "../channel-account/index.ts";
import { loadCurrentBills } from "./bill-store.ts";
import {
  countHolding,
  endUnseen,
  endWaiting,
  openManySmallFees,
  pairAcrossDays,
  takePairsApart,
} from "./difference-store.ts";
import {
  compareLines,
  findDuplicates,
  type Matching,
  type OurSum,
  savePositions,
  sumOurs,
} from "./match-lines-store.ts";
import { findIdsOfLines, findRepeatedLines, lookUpNumbers } from "./match-numbers-store.ts";
import type {
  DayFigures,
  DayKey,
  DayTotals,
  ReconciliationDay,
  Rules,
  SideFigures,
  StoredBill,
} from "./reconciliation.ts";
import { mainBillOf } from "./rules.ts";
import type { ReconciliationServices } from "./services.ts";
import { findLastClosedDay, loadDay, lockDay, matchLaterDaysAgain, moveDay } from "./store.ts";

type MatchServices = Pick<ReconciliationServices, "db" | "clock" | "ids" | "getChannel">;

/** Matches the day as far as it has bills. Gives the day as it is then; undefined for one that was never opened. */
export async function matchDay(
  services: MatchServices,
  key: DayKey,
  rules: Rules,
): Promise<ReconciliationDay | undefined> {
  const { db, clock, ids } = services;
  const { livemode, funding_mode } = await getChannelAccount(db, key.channel_account_id);
  const main = await mainBillOf(services, key.channel_account_id);
  return db.bulk(async (tx) => {
    const day = await lockDay(tx, key);
    const bills = await loadCurrentBills(tx, key);
    const bill = bills[main];
    if (!day || day.state === "closed" || !bill) return day;
    const closed_day = (await findLastClosedDay(tx, key.channel_account_id)) ?? null;
    const bounds = dayOf(key.day, rules.time_zone)!;
    const matching: Matching = {
      ...{ ...key, ...bounds, run: ids.uuid(), bill: bill.number, livemode, closed_day, now: clock.now() },
      takes_late: closed_day !== null && addDays(closed_day, 1) === key.day,
      ...{ checks_fees: funding_mode === "pooled", fee_tolerance: rules.fee_tolerance, carry_days: rules.carry_days },
    };
    const totals = await matchTrades(tx, matching, bill, rules);
    const holding = await countHolding(tx, key, rules.case_limit);
    const first = day.matched_at === null;
    await moveDay(tx, await toLoaded(tx, day), {
      ...{ to: holding > 0n ? "open" : "matched", due_at: null, totals, matched_at: matching.now, run: matching.run },
    });
    if (first) await matchLaterDaysAgain(tx, key, matching.now);
    return loadDay(tx, key);
  });
}

/** A day that was matched before is matched anew. */
async function toLoaded(tx: Transaction, day: ReconciliationDay): Promise<ReconciliationDay> {
  if (day.state !== "loaded") await moveDay(tx, day, { to: "loaded", due_at: null });
  return { ...day, state: "loaded" };
}

async function matchTrades(tx: Transaction, m: Matching, bill: StoredBill, rules: Rules): Promise<DayTotals> {
  await takePairsApart(tx, m);
  await savePositions(tx, m);
  await findIdsOfLines(tx, m);
  const disagreeing = await compareLines(tx, m);
  const ours = await sumOurs(tx, m);
  const lines = bill.totals.filter(({ entry }) => entry === "payment" || entry === "refund");
  const count = lines.reduce((sum, one) => sum + one.count, 0);
  const our_count = ours.reduce((sum, one) => sum + one.count, 0n);
  const found = our_count - disagreeing.ours;
  // A movement has one line unless a number stands in several: then more lines than movements have found each other.
  const paired = { lines: BigInt(count) - disagreeing.lines_alone, ours: our_count - disagreeing.ours_alone };
  if (paired.lines !== paired.ours || disagreeing.repeats) await findDuplicates(tx, m);
  await lookUpNumbers(tx, m);
  await endUnseen(tx, m, 1);
  await pairAcrossDays(tx, m);
  await findRepeatedLines(tx, m, rules.time_zone);
  await openManySmallFees(tx, m, rules.fee_tolerance_day);
  await endWaiting(tx, m);
  return {
    figures: figuresOf(bill, ours),
    matched: Number(found),
    other_lines: Number(bill.lines) - count,
    rejected_lines: Number(bill.rejected),
  };
}

/** What both sides say, by currency. A line that is not `succeeded` moved nothing, unless it is a refund under way. */
function figuresOf(bill: StoredBill, ours: readonly OurSum[]): DayFigures[] {
  const counts = bill.totals.filter(
    ({ entry, status }) =>
      (entry === "payment" && status === "succeeded") ||
      (entry === "refund" && status !== "failed" && status !== "closed"),
  );
  const currencies = new Set([...counts, ...ours].map(({ currency }) => currency));
  return [...currencies].sort().map((currency) => {
    const channel = counts
      .filter((one) => one.currency === currency)
      .map((one) => ({ ...one, paid: one.entry === "payment" }));
    const books = ours.filter((one) => one.currency === currency).map((one) => ({ ...one, count: Number(one.count) }));
    return { currency, channel: sideOf(channel), ours: sideOf(books) };
  });
}

function sideOf(sums: readonly { paid: boolean; count: number; amount: string; fee: string }[]): SideFigures {
  const total = (some: typeof sums, pick: (sum: (typeof sums)[number]) => string) =>
    String(some.reduce((sum, one) => sum + BigInt(pick(one)), 0n));
  const group = (paid: boolean) => {
    const some = sums.filter((one) => one.paid === paid);
    return { count: some.reduce((sum, one) => sum + one.count, 0), amount: total(some, ({ amount }) => amount) };
  };
  return { payments: group(true), refunds: group(false), fee: total(sums, ({ fee }) => fee) };
}
