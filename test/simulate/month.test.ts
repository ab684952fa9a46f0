// Guarantee: after a month of payments and refunds through all Chinese channels, with differences of many kinds planted in
// their bills, exactly those are found; when two people have decided each, every day is closed, every account of the books is
// explained to the fen, and every merchant's statements chain from day to day and come to the books. The books verify at every
// midnight on the way.
//
// SIMULATE_DAYS makes it shorter and SIMULATE_SEED takes another run; the seed is in the test's name.
import { afterAll, beforeAll, expect, test } from "vitest";
import { addDays, localDay } from "../../server/src/kit/local-day.ts";
import { createSeededRandom } from "../../server/src/kit/random.ts";
import { verifyAndRecord } from "../../server/src/ledger/index.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { below, type Cast, gatherCast } from "./month/cast.ts";
import { decideCases, type Movement, pay, payBack } from "./month/days.ts";
import { checkStatements, explainBooks, readDay } from "./month/explain.ts";
import { type Finding, plantInFile, plantInLines } from "./month/plants.ts";

const seed = Number(process.env.SIMULATE_SEED ?? 11);
const day_count = Number(process.env.SIMULATE_DAYS ?? 30);
const HOUR_MS = 3_600_000;
/** Midnight in Shanghai. */
const FIRST_MIDNIGHT = Date.UTC(2026, 10, 30, 16);
/** What waits for its pair is a case after two days, and a file may be late. */
const QUIET_DAYS = 5;

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true, seed, starts_at: FIRST_MIDNIGHT });
}, 60_000);

afterAll(() => platform?.close());

interface Month {
  readonly movements: Movement[];
  readonly findings: Finding[];
  /** What has gone back of each payment. */
  readonly given: Map<string, bigint>;
  /** Bad files, to be replaced: what their bills are when they are good. */
  bad: { channel: string; merchant: string; date: string; discrepancies: unknown[] }[];
}

const today = () => localDay(platform.clock.now(), "Asia/Shanghai");

async function trade(cast: Cast, month: Month, today_moved: Movement[]): Promise<void> {
  const payments = month.movements.filter(({ entry }) => entry === "payment");
  for (let count = 3 + below(cast.random, 4); count > 0; count -= 1) {
    const refunds = payments.length > 3 && below(cast.random, 4) === 0;
    const moved = refunds ? await payBack(cast, payments, month.given) : await pay(cast);
    if (!moved) continue;
    for (const list of [month.movements, today_moved]) list.push(moved);
  }
  await platform.settle();
}

/** Says what is to be wrong with today's bills. */
async function plant(cast: Cast, month: Month, moved: readonly Movement[]): Promise<void> {
  for (const account of cast.accounts) {
    const { asked, findings } = plantInLines(cast, account, today(), moved);
    month.findings.push(...findings);
    const name = { channel: account.channel, merchant: account.owner, date: today() };
    const faults = asked.length > 0 ? plantInFile(cast, account) : [];
    await platform.sandbox.request("POST", "/control/bills", { ...name, discrepancies: [...asked, ...faults] });
    if (faults.some(({ kind }) => kind !== "not_ready")) month.bad.push({ ...name, discrepancies: asked });
  }
}

/** Of what was bad yesterday the channel makes a good file, and two people decide what is open. */
async function lookAfter(cast: Cast, month: Month): Promise<void> {
  for (const bill of month.bad) await platform.sandbox.request("POST", "/control/bills", { ...bill, replace: true });
  month.bad = [];
  await decideCases(cast, month.findings);
  await platform.settle();
}

async function liveDay(cast: Cast, month: Month, trades: boolean): Promise<void> {
  const moved: Movement[] = [];
  await platform.advance(8 * HOUR_MS);
  if (trades) await trade(cast, month, moved);
  await platform.advance(5 * HOUR_MS);
  await lookAfter(cast, month);
  if (trades) await trade(cast, month, moved);
  await platform.advance(6 * HOUR_MS);
  if (trades) await plant(cast, month, moved);
  await platform.advance(4 * HOUR_MS);
  await decideCases(cast, month.findings);
  await platform.advance(1 * HOUR_MS);
}

test(`${day_count} days of seed ${seed}`, { timeout: 120_000 + day_count * 20_000 }, async () => {
  const cast = await gatherCast(platform, createSeededRandom(seed));
  const month: Month = { movements: [], findings: [], given: new Map(), bad: [] };
  const first = today();
  for (let day = 1; day <= day_count + QUIET_DAYS; day += 1) {
    await liveDay(cast, month, day <= day_count);
    const { differences } = await verifyAndRecord(platform.services, day % 10 === 0 ? "full" : "incremental");
    expect(differences, `seed ${seed}, midnight ${day}`).toEqual([]);
  }
  for (const account of cast.accounts) {
    for (let day = first; day < addDays(first, day_count + 2); day = addDays(day, 1)) {
      const wanted = month.findings.filter((one) => one.account === account && one.day === day);
      const found = wanted.map(({ type, number }) => `${type} resolved ${number}`).sort();
      const name = `seed ${seed}: ${account.channel} ${account.pooled ? "pooled" : "direct"} ${day}`;
      expect(await readDay(cast, account, day), name).toEqual({ state: "closed", found });
    }
  }
  expect(await explainBooks(cast, month.movements, month.findings), `seed ${seed}`).toEqual([]);
  for (const shop of cast.shops) expect(await checkStatements(cast, shop, first, today())).toEqual([]);
  expect(await platform.findFaults(), `seed ${seed}`).toEqual([]);
  expect(month.findings.length).toBeGreaterThan(day_count / 2);
});
