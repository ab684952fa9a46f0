// Guarantee: whatever prices are set and wherever agents are moved, in any order and for any instant, what was accepted leaves
// a tree in which nobody gives on below what they pay, or outside what the level above lets them.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import { TributaryError } from "../../kit/error.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { createAgent, getAgent, loadAgentPrices, moveAgent, setAgentPrice } from "./index.ts";
import { isAtLeast, levelsOf } from "./price.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
const AGENTS = 5;
let testDatabase: TestDatabase;
let db: Database;
let services: { clock: typeof clock; ids: ReturnType<typeof createIdSource> };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = openDatabase({ url: testDatabase.url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  services = { clock, ids: createIdSource(clock, systemRandom) };
});
afterAll(async () => {
  await db.close();
  await testDatabase.drop();
});

const rates = fc.record({
  rate_ppm: fc.bigInt({ min: 0n, max: 12n }).map((value) => value * 1_000n),
  fixed_amount: fc.bigInt({ min: 0n, max: 2n }),
});
const selectors = fc.constantFrom(null, "wechat.*", "wechat.native", "alipay.*");
const steps = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("price" as const),
      who: fc.nat(),
      later: fc.nat(3),
      price: rates,
      more: fc.array(rates, { maxLength: 3 }),
      method: selectors,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("move" as const),
      who: fc.nat(),
      under: fc.option(fc.nat(), { nil: undefined }),
    }),
  },
);
type Step = typeof steps extends fc.Arbitrary<infer One> ? One : never;

/** The price, and one to three more on top of it. */
function raise({ price, more }: Step & { do: "price" }, count: number) {
  let { rate_ppm, fixed_amount } = price;
  for (const one of more.slice(0, count)) {
    rate_ppm += one.rate_ppm;
    fixed_amount += one.fixed_amount;
  }
  return { rate_ppm, fixed_amount };
}

function work(step: Step, agent_id: string, ids: readonly string[]): Promise<unknown> {
  if (step.do === "move") {
    const parent_id = step.under === undefined ? null : ids[step.under % ids.length]!;
    return db.transaction((tx) => moveAgent(tx, services, agent_id, parent_id));
  }
  const rising = { price: raise(step, 0), minimum: raise(step, 1), default: raise(step, 2), maximum: raise(step, 3) };
  const effective_from = clock.now() + step.later * 1_000;
  const input = { agent_id, method: step.method, currency: "CNY", ...rising, effective_from };
  return db.transaction((tx) => setAgentPrice(tx, services, input));
}

/** Whether it was accepted. */
async function take(step: Step, ids: readonly string[]): Promise<boolean> {
  clock.advance(1);
  try {
    await work(step, ids[step.who % ids.length]!, ids);
    return true;
  } catch (error) {
    if (error instanceof TributaryError) return false;
    throw error;
  }
}

const METHODS = ["wechat.native", "wechat.app", "alipay.qr", "unionpay.qr"];

async function expectSound(ids: readonly string[]): Promise<void> {
  const prices = await loadAgentPrices(db, ids);
  const byAgent = Map.groupBy(prices, (price) => price.agent_id);
  const instants = [clock.now(), ...prices.map((price) => price.effective_from).filter((at) => at > clock.now())];
  for (const id of ids) {
    const { path } = await getAgent(db, id);
    for (const at of instants) {
      for (const method of METHODS) {
        const levels = levelsOf(path, byAgent, { method, currency: "CNY", at });
        for (const [index, { terms, own }] of levels.entries()) {
          const above = levels[index - 1]?.terms;
          if (index === 0 || !terms) continue;
          expect([own, above !== undefined]).toEqual([own, true]);
          expect(isAtLeast(terms.price, above!.minimum) && isAtLeast(above!.maximum, terms.price)).toBe(true);
          expect(isAtLeast(terms.price, above!.price) && isAtLeast(above!.maximum, terms.maximum)).toBe(true);
        }
      }
    }
  }
}

test("any prices and moves leave a tree that fits, now and later", async () => {
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 25 }), async (all) => {
      const ids: string[] = [];
      for (let index = 0; index < AGENTS; index += 1) {
        const parent_id = ids.at(-1) ?? null;
        ids.push((await db.transaction((tx) => createAgent(tx, services, { name: "a", parent_id }))).id);
      }
      for (const step of all) if (await take(step, ids)) accepted += 1;
      await expectSound(ids);
    }),
    { numRuns: 25 },
  );
  expect(accepted).toBeGreaterThan(25);
}, 60_000);
