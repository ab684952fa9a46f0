// Guarantee: after a quarter of payments, refunds, failures, freezes, holidays, settlements, payouts, shares, fees and
// commissions three levels deep, in all mixes of funding modes, every account is explained to the fen by what happened at
// the channels and by hand; and the books verify at every midnight on the way.
//
// SIMULATE_DAYS makes it shorter and SIMULATE_SEED takes another run; the seed is in the test's name.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSeededRandom } from "../../server/src/kit/random.ts";
import { verifyAndRecord } from "../../server/src/ledger/index.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { type Cast, gatherCast } from "./quarter/cast.ts";
import { type Acts, createActs, takeStep } from "./quarter/days.ts";
import { explainBooks, findOpenRefunds } from "./quarter/explain.ts";

const seed = Number(process.env.SIMULATE_SEED ?? 31);
const day_count = Number(process.env.SIMULATE_DAYS ?? 92);
const HOUR_MS = 3_600_000;
/** Midnight in Shanghai, at which National Day's holidays begin. */
const FIRST_MIDNIGHT = Date.UTC(2026, 8, 30, 16);
const STEPS_AT_A_TIME = 3;

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true, seed, starts_at: FIRST_MIDNIGHT });
}, 60_000);

afterAll(() => platform?.close());

/** Morning, noon and evening; then the night, when settlements run. */
async function liveDay(cast: Cast, acts: Acts): Promise<string[]> {
  const names: string[] = [];
  for (const hours of [9, 4, 6]) {
    await platform.advance(hours * HOUR_MS);
    for (let step = 0; step < STEPS_AT_A_TIME; step += 1) names.push(await takeStep(cast, acts));
    await platform.settle();
  }
  await platform.advance(5 * HOUR_MS);
  return names;
}

/** Ends all trouble, and waits for what is still under way. */
async function comeToRest(): Promise<void> {
  await platform.sandbox.clearFaults();
  for (let quarter_day = 0; quarter_day < 16; quarter_day += 1) {
    // What waits at the channel for a person gets one.
    for (const refund_no of await findOpenRefunds(platform.database_url)) {
      await platform.sandbox.endRefund(refund_no, "success").catch(() => undefined);
    }
    await platform.advance(6 * HOUR_MS);
  }
}

test(`${day_count} days of seed ${seed}`, { timeout: 60_000 + day_count * 20_000 }, async () => {
  const cast = await gatherCast(platform, createSeededRandom(seed));
  const acts = createActs();
  for (let day = 1; day <= day_count; day += 1) {
    const names = await liveDay(cast, acts);
    const kind = day % 30 === 0 ? "full" : "incremental";
    const { differences } = await verifyAndRecord(platform.services, kind);
    expect(differences, `seed ${seed}, midnight ${day}, after ${names.join(" ")}`).toEqual([]);
  }
  await comeToRest();
  expect(await platform.findFaults(), `seed ${seed}`).toEqual([]);
  const { wrong, summary } = await explainBooks(cast, acts);
  expect(wrong, `seed ${seed}: ${JSON.stringify([...acts.tally])}`).toEqual([]);
  expect(summary.interbook ?? 0n).toBe(0n);
  expect(acts.paid.length).toBeGreaterThan(day_count / 2);
});
