// Guarantee: a whole year of settling by the injected clock: every cycle, holidays and make-up workdays, two time zones, an
// outage, two workers, a reserve; each business day of each merchant is settled once, on a workday, with its own cut-off,
// and at the end every fen is explained.
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDays, localDay, weekdayOf } from "../../kit/local-day.ts";
import { createReserveWorker, setReserve } from "../reserve/index.ts";
import { createCalendar, readBuiltInYears } from "./calendar.ts";
import { createSettlementWorker } from "./jobs.ts";
import type { Settlement, SettlementKey } from "./settlement.ts";
import {
  balances,
  books,
  clock,
  DAY_MS,
  expectClean,
  HOUR_MS,
  key,
  openSettlementBooks,
  pay,
  services,
  set,
  settlements,
  startMerchant,
} from "./testing/books.ts";

const china = createCalendar(
  "china",
  readBuiltInYears().filter(({ calendar }) => calendar === "china"),
);
const isLastOfMonth = (day: string) => addDays(day, 1).endsWith("-01");
const SHANGHAI = "Asia/Shanghai";
const NEW_YORK = "America/New_York";

const YEAR = 2026;
const FIRST = Date.UTC(YEAR, 0, 1, 4);
const PAID_AT = Array.from({ length: 365 }, (_, day) => FIRST + day * DAY_MS);

/** The days of the year after the first, on each of which a batch may end that settles what came before it. */
const DAYS = Array.from({ length: 365 }, (_, index) => addDays("2026-01-02", index));
/** The arrangement of 2027 is not known when this is written: its first day is a Friday like any other. */
const isWorkday = (day: string) => day === "2027-01-01" || china.isWorkday(day);
const workdays = DAYS.filter(isWorkday);

/** Of the named days that wait for the same workday only the last ends a batch. */
function lastBeforeWorkday(named: readonly string[]): string[] {
  const runs = named.map((day) => workdays.find((one) => one >= day));
  return named.filter((_, index) => runs[index] !== undefined && runs[index] !== runs[index + 1]);
}

interface Merchant {
  readonly cycle: string;
  readonly time_zone: string;
  /** The first day that is not settled by each batch, said in other words than by the code that decides it. */
  readonly ends: readonly string[];
}

const merchants: readonly Merchant[] = [
  { cycle: "T+1", time_zone: SHANGHAI, ends: workdays },
  { cycle: "T+2", time_zone: SHANGHAI, ends: workdays.slice(0, -1) },
  { cycle: "D+1", time_zone: SHANGHAI, ends: DAYS },
  // 04:00 UTC is 23:00 of the day before in New York, and midnight while its clocks are ahead: one day of the year has no
  // payment there, and another two.
  { cycle: "D+1", time_zone: NEW_YORK, ends: [...new Set(PAID_AT.map((at) => addDays(localDay(at, NEW_YORK), 1)))] },
  { cycle: "D+7", time_zone: SHANGHAI, ends: DAYS.slice(0, -6) },
  {
    ...{ cycle: "weekly:1,4", time_zone: SHANGHAI },
    ends: lastBeforeWorkday(DAYS.filter((day) => [1, 4].includes(weekdayOf(day)))),
  },
  {
    ...{ cycle: "monthly:15,31", time_zone: SHANGHAI },
    ends: lastBeforeWorkday(DAYS.filter((day) => day.endsWith("-15") || isLastOfMonth(day))),
  },
];

let keys: SettlementKey[];

beforeAll(async () => {
  await openSettlementBooks();
  clock.advance(FIRST - clock.now());
  keys = [];
  for (const { cycle, time_zone } of merchants) {
    await startMerchant(time_zone);
    await set(cycle);
    keys.push(key);
  }
  await setReserve(services, { ...keys[0]!, rolling_rate_ppm: 50_000n, rolling_days: 30 });
}, 60_000);
afterAll(() => books.close());

async function work(): Promise<void> {
  const two = [createSettlementWorker(services), createSettlementWorker(services)];
  await Promise.all([...two, createReserveWorker(services)].map((worker) => worker.drain()));
}

/** Ten days without workers in a busy month, over a weekend and a month's end. */
const isOutage = (at: number) => at > Date.UTC(YEAR, 7, 26) && at < Date.UTC(YEAR, 8, 5);

test("a year passes", { timeout: 300_000 }, async () => {
  for (const [day, at] of PAID_AT.entries()) {
    clock.advance(at - clock.now());
    // Noon in Shanghai: one payment of each, of another amount every day.
    for (const one of keys) await pay({ ...one, amount: { amount: BigInt(1_000 + day), currency: "CNY" }, fee: 1n });
    clock.advance(DAY_MS - 6 * HOUR_MS);
    if (!isOutage(clock.now())) await work();
  }
  for (const [index, merchant] of merchants.entries()) check(merchant, await settlements(keys[index]!));
  const days = BigInt(365);
  const paid = days * 999n + (days * (days - 1n)) / 2n;
  for (const one of keys) {
    const { pending = 0n, available = 0n, reserve = 0n } = await balances(one);
    expect(pending + available + reserve).toBe(paid);
  }
  await expectClean();
  // A month later all that was held back is free.
  const { reserve } = await balances(keys[0]!);
  expect(reserve).toBeGreaterThan(0n);
  clock.advance(40 * DAY_MS);
  await createReserveWorker(services).drain();
  expect(await balances(keys[0]!)).toMatchObject({ reserve: 0n });
  await expectClean();
});

function check({ cycle, time_zone, ends }: Merchant, batches: readonly Settlement[]): void {
  expect([cycle, batches.map(({ cut_off_at }) => localDay(cut_off_at, time_zone))]).toEqual([cycle, ends]);
  const adjoin = batches.filter(({ first_number }, at) => first_number === (batches[at - 1]?.last_number ?? 0n) + 1n);
  expect(adjoin).toHaveLength(batches.length);
  const onTime = batches.filter(({ created_at }) => !isOutage(created_at - DAY_MS));
  const days = onTime.map(({ created_at }) => localDay(created_at, time_zone));
  if (!cycle.startsWith("D")) expect(days.filter((day) => !isWorkday(day))).toEqual([]);
}
