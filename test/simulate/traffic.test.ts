// Guarantee: whatever merchants, payers, channels and networks do, and in whatever order, it ends with one truth: the
// channel's trades, our payments and refunds, the books, and what the merchants were told all agree.
//
// SIMULATE_STEPS makes it longer and SIMULATE_SEED repeats a run; the seed is in the test's name.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSeededRandom, systemRandom } from "../../server/src/kit/random.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import { findDisagreements, resolveEverything } from "./outcome.ts";
import { createWorld, takeSteps } from "./world.ts";

const seed = Number(process.env.SIMULATE_SEED ?? systemRandom.bytes(4).readUInt32LE(0));
const step_count = Number(process.env.SIMULATE_STEPS ?? 250);
/** A fault of the books is found close to the step that made it. */
const CHECK_EVERY = 50;

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true, seed });
});

afterAll(() => platform.close());

test(`${step_count} steps of seed ${seed}`, { timeout: 30_000 + step_count * 1000 }, async () => {
  const world = await createWorld(platform, createSeededRandom(seed));
  const taken: string[] = [];
  for (let checked = 0; taken.length < step_count; ) {
    taken.push(...(await takeSteps(world)));
    if (taken.length - checked < CHECK_EVERY) continue;
    const recent = taken.slice(checked).join(" ");
    checked = taken.length;
    expect(await platform.findFaults(), `seed ${seed}, step ${checked}, after ${recent}`).toEqual([]);
  }
  await resolveEverything(world);
  expect(await findDisagreements(world), `seed ${seed}: ${JSON.stringify([...world.tally])}`).toEqual([]);
  expect(world.payments.length).toBeGreaterThan(step_count / 20);
});
