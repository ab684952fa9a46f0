// Guarantee: a day is matched and closed by its main bill; another that comes first neither takes its place nor ends the wait.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Channel } from "../../channels/contract.ts";
import { getChannelAccount } from "../channel-account/index.ts";
import { createReconciliationWorker } from "./jobs.ts";
import { loadBill } from "./load-bill.ts";
import type { ReconciliationServices } from "./services.ts";
import { insertDay, loadDay } from "./store.ts";
import { DAY_MS, differences, openAccount, openMerchant, openWorld, pay, today, type World } from "./testing/days.ts";

const HOUR_MS = 3_600_000;

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

test("a day whose fund flow is there before its trade bill waits for that, and is not matched without it", async () => {
  const channel_account_id = await openAccount(world, { carry_days: 0 });
  const merchant_id = await openMerchant(world);
  const key = { channel_account_id, day: today(world) };
  await pay(world, { merchant_id, channel_account_id });
  world.clock.advance(DAY_MS);
  let is_ready = false;
  const bills = { kinds: ["trade", "fund_flow"], formats: { trade: {}, fund_flow: {} }, kept_ms: 90 * DAY_MS };
  const services: ReconciliationServices = {
    ...world.services,
    getChannel: () => ({ bills }) as unknown as Channel,
    accounts: { open: (id: string) => getChannelAccount(world.services.db, id) } as never,
    channels: {
      downloadBill: async (_channel: unknown, _account: unknown, { kind }: { kind: string }) =>
        kind === "fund_flow" || is_ready ? { kind: "empty" } : { kind: "not_ready", retry_after_ms: HOUR_MS },
    } as never,
  };
  await insertDay(services.db, key, world.clock.now());
  const work = () => createReconciliationWorker(services).drain();
  await work();
  expect(await loadDay(services.db, key)).toMatchObject({ state: "waiting", tries: 1, matched_at: null });
  expect(await differences(world, key)).toEqual([]);
  is_ready = true;
  world.clock.advance(HOUR_MS);
  await work();
  expect(await loadDay(services.db, key)).toMatchObject({ state: "open" });
  expect(await differences(world, key)).toHaveLength(1);
});

test("a day that somebody opened with a fund flow is asked for at the channel's hour all the same", async () => {
  const key = { channel_account_id: await openAccount(world), day: today(world) };
  const bill = { kind: "fund_flow", source: "uploaded", uploaded_by: null, files: [], sha256: null } as const;
  async function* nothing() {}
  await loadBill(world.services, { ...key, ...bill, batches: nothing() });
  expect(await loadDay(world.services.db, key)).toMatchObject({ state: "waiting", due_at: null });
  const due_at = world.clock.now() + HOUR_MS;
  await insertDay(world.services.db, key, due_at);
  await insertDay(world.services.db, key, due_at + HOUR_MS);
  expect(await loadDay(world.services.db, key)).toMatchObject({ state: "waiting", due_at });
});
