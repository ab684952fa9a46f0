// Guarantee: a tree of agents holds together: prices never leave what the level above may give, whoever changes first,
// and a payment is priced with the agents that its merchant has at that moment, in the query that prices it anyway.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { readCommissions } from "../../ledger/index.ts";
import { createFeeRule, priceAttempts } from "../fee/index.ts";
import { createMerchant } from "../merchant/index.ts";
import { loadMerchants } from "../merchant/store.ts";
import {
  type AgentServices,
  bindMerchant,
  createAgent,
  getAgent,
  listAgents,
  listBindings,
  moveAgent,
  type PriceInput,
  setAgentPrice,
} from "./index.ts";

const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
const DAY_ms = 86_400_000;
let testDatabase: TestDatabase;
let db: Database;
let services: AgentServices & { sql: Database };

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = openDatabase({ url: testDatabase.url, connections_max: 4, log: createLogger("silent"), random: systemRandom });
  services = { sql: db, clock, ids: createIdSource(clock, systemRandom) };
});

afterAll(async () => {
  await db.close();
  await testDatabase.drop();
});

const makeAgent = (input: Parameters<typeof createAgent>[2]) =>
  db.transaction((tx) => createAgent(tx, services, input));
const setPrice = (input: PriceInput) => db.transaction((tx) => setAgentPrice(tx, services, input));
const move = (agent: string, parent: string | null) => db.transaction((tx) => moveAgent(tx, services, agent, parent));
const bind = (input: Parameters<typeof bindMerchant>[2]) => bindMerchant(db, services, input);
const ppm = (rate_ppm: bigint, fixed_amount = 0n) => ({ rate_ppm, fixed_amount });

/** A line of agents, each below the one before, with prices of 0.38 %, 0.40 %, 0.42 % … that may be given on up to 1 %. */
async function createLine(depth: number) {
  const line: Awaited<ReturnType<typeof makeAgent>>[] = [];
  for (let level = 0; level < depth; level += 1) {
    const agent = await makeAgent({ name: `level ${level + 1}`, parent_id: line.at(-1)?.id ?? null });
    const price = ppm(3_800n + 200n * BigInt(level));
    await setPrice({ agent_id: agent.id, method: null, currency: "CNY", price, maximum: ppm(10_000n) });
    line.push(agent);
  }
  return line;
}

async function createBoundMerchant(agent_id: string | null, rate_ppm = 6_000n) {
  const merchant = await createMerchant(services, { name: "shop" });
  if (agent_id !== null) await bind({ merchant_id: merchant.id, agent_id });
  await createFeeRule(services, { merchant_id: merchant.id, livemode: true, currency: "CNY", rate_ppm });
  return merchant;
}

const id = (digit: number) => `00000000-0000-7000-8000-00000000000${digit}`;

async function price(merchant_id: string, amount = 10_000n, at = clock.now()) {
  const wanted = { app_id: id(1), channel_account_id: id(2), funding_mode: "pooled", method: "wechat.native" } as const;
  const place = { channel: "wechat", store: null };
  const input = { merchant_id, livemode: true, currency: "CNY", amount, at, ...wanted, ...place };
  const [priced] = await db.transaction((tx) => priceAttempts(tx, [input]));
  return readCommissions(priced!.commissions).map((part) => [part.agent_id, part.amount]);
}

test("an agent's path leads from the topmost down to itself, and it is no merchant in lists", async () => {
  const [top, middle, low] = await createLine(3);
  expect([top!.path, middle!.path, low!.path]).toEqual([
    [top!.id],
    [top!.id, middle!.id],
    [top!.id, middle!.id, low!.id],
  ]);
  expect(await getAgent(db, low!.id)).toEqual(low);
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 100 } as const;
  const below = await listAgents(db, { within: middle!.id, parent_id: null, page });
  expect(below.map((agent) => agent.id).sort()).toEqual([low!.id, middle!.id].sort());
  expect((await loadMerchants(db, null, 1_000)).some((merchant) => merchant.id === low!.id)).toBe(false);
  await expect(getAgent(db, id(9))).rejects.toMatchObject({ code: "agent.not_found" });
  await expect(bind({ merchant_id: low!.id, agent_id: top!.id })).rejects.toMatchObject({
    code: "merchant.not_found",
  });
});

test("a payment is priced with the whole chain, from the moment its merchant is bound until it is bound to another", async () => {
  const [top, middle, low] = await createLine(3);
  const merchant = await createBoundMerchant(null);
  expect(await price(merchant.id)).toEqual([]);
  await bind({ merchant_id: merchant.id, agent_id: low!.id });
  const whole = [
    [top!.id, 2n],
    [middle!.id, 2n],
    [low!.id, 18n],
  ];
  expect(await price(merchant.id)).toEqual(whole);
  await bind({ merchant_id: merchant.id, agent_id: top!.id, effective_from: clock.now() + DAY_ms });
  await bind({ merchant_id: merchant.id, agent_id: null, effective_from: clock.now() + 2 * DAY_ms });
  expect(await price(merchant.id)).toEqual(whole);
  expect(await price(merchant.id, 10_000n, clock.now() + DAY_ms)).toEqual([[top!.id, 22n]]);
  expect(await price(merchant.id, 10_000n, clock.now() + 2 * DAY_ms)).toEqual([]);
  const page = { older_than: null, newer_than: null, order: "desc", fetch: 100 } as const;
  expect((await listBindings(db, top!.id, clock.now(), page)).map((one) => one.agent_id)).toEqual([low!.id]);
  expect(await listBindings(db, low!.id, clock.now() + DAY_ms, page)).toEqual([]);
  expect(await listBindings(db, top!.id, clock.now() + 2 * DAY_ms, page)).toEqual([]);
});

test("a price below what the level above may give is refused, with what it would have to be", async () => {
  const [top, middle] = await createLine(2);
  const set = (agent_id: string, rate: bigint, more = {}) =>
    setPrice({ agent_id, method: "wechat.*", currency: "CNY", price: ppm(rate), ...more });
  await expect(set(middle!.id, 3_799n)).rejects.toMatchObject({
    code: "agent.price_out_of_range",
    message: expect.stringContaining("between 0.38 % and 1 %"),
  });
  await set(middle!.id, 3_800n);
  clock.advance(1);
  // The level above may not be raised past the level below, now or where a price begins later.
  await expect(set(top!.id, 3_801n)).rejects.toMatchObject({ message: expect.stringContaining("level 2") });
  await set(middle!.id, 3_900n, { effective_from: clock.now() + DAY_ms });
  await expect(set(top!.id, 3_850n)).rejects.toMatchObject({ code: "agent.price_out_of_range" });
  await set(top!.id, 3_850n, { effective_from: clock.now() + DAY_ms });
  await expect(set(middle!.id, 3_840n, { effective_from: clock.now() + DAY_ms + 1 })).rejects.toMatchObject({
    code: "agent.price_out_of_range",
  });
});

test("a price that makes no sense is refused by name", async () => {
  const [top] = await createLine(1);
  const base = { agent_id: top!.id, method: null, currency: "CNY", price: ppm(4_000n) };
  const refusals: [object, string][] = [
    [{ currency: "XXY" }, "currency"],
    [{ method: "WeChat!" }, "method"],
    [{ price: ppm(-1n) }, "price.rate_ppm"],
    [{ price: ppm(1n, -1n) }, "price.fixed_amount"],
    [{ minimum: ppm(3_999n) }, "minimum"],
    [{ minimum: ppm(5_000n), default: ppm(4_500n) }, "default"],
    [{ maximum: ppm(3_000n) }, "maximum"],
    [{ effective_from: clock.now() - 1 }, "effective_from"],
  ];
  for (const [more, param] of refusals) {
    await expect(setPrice({ ...base, ...more })).rejects.toMatchObject({ code: "agent.invalid", param });
  }
  const orphan = await makeAgent({ name: "orphan", parent_id: top!.id });
  await expect(setPrice({ ...base, agent_id: orphan.id, currency: "USD" })).rejects.toMatchObject({
    message: expect.stringContaining("has no price"),
  });
});

test("a merchant's fee outside what its agent may ask is refused when it is set", async () => {
  const [, low] = await createLine(2);
  const merchant = await createBoundMerchant(low!.id);
  const rule = { merchant_id: merchant.id, livemode: true, currency: "CNY" };
  await expect(createFeeRule(services, { ...rule, rate_ppm: 3_999n })).rejects.toMatchObject({
    code: "agent.price_out_of_range",
    message: expect.stringContaining("between 0.4 % and 1 %"),
  });
  await expect(createFeeRule(services, { ...rule, rate_ppm: 10_001n })).rejects.toMatchObject({
    code: "agent.price_out_of_range",
  });
  await createFeeRule(services, { ...rule, rate_ppm: 4_000n, method: "wechat.native" });
  await createFeeRule(services, { ...rule, currency: "USD", rate_ppm: 1n });
});

test("an agent moves with all below it, for payments that are priced from then on", async () => {
  const [top, middle, low] = await createLine(3);
  const [other] = await createLine(1);
  const merchant = await createBoundMerchant(low!.id);
  await move(middle!.id, other!.id);
  expect((await getAgent(db, low!.id)).path).toEqual([other!.id, middle!.id, low!.id]);
  expect(await price(merchant.id)).toEqual([
    [other!.id, 2n],
    [middle!.id, 2n],
    [low!.id, 18n],
  ]);
  await move(low!.id, null);
  expect(await getAgent(db, low!.id)).toMatchObject({ path: [low!.id], parent_id: null });
  await move(middle!.id, top!.id);
  await expect(move(top!.id, middle!.id)).rejects.toMatchObject({ code: "agent.move_refused" });
  // Its price of 0.42 % is more than one may give on who pays 0.50 %.
  const dear = await makeAgent({ name: "dear", parent_id: null });
  await setPrice({ agent_id: dear.id, method: null, currency: "CNY", price: ppm(5_000n) });
  await expect(move(low!.id, dear.id)).rejects.toMatchObject({
    code: "agent.move_refused",
    message: expect.stringContaining("dear"),
  });
});

test("two who change a tree at once do so one after the other", async () => {
  const [top, low] = await createLine(2);
  const set = (agent_id: string, rate: bigint) =>
    setPrice({ agent_id, method: null, currency: "CNY", price: ppm(rate), maximum: ppm(10_000n) });
  clock.advance(1);
  const results = await Promise.allSettled([set(top!.id, 5_000n), set(low!.id, 4_000n), move(low!.id, null)]);
  // Whatever came first, what stands is a tree whose prices fit.
  expect(results.some((result) => result.status === "fulfilled")).toBe(true);
  const moved = await getAgent(db, low!.id);
  if (moved.parent_id !== null) await move(low!.id, top!.id);
});
