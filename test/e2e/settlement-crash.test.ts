// Guarantee: workers that are killed while they settle leave every merchant either settled or not, and those that come after
// them settle the rest: each merchant once, with its event, and the books verify.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { makePendingMerchants, openBenchDatabase } from "../../bench/settled-merchants.ts";
import { systemClock } from "../../server/src/kit/clock.ts";
import type { Database } from "../../server/src/kit/sql/database.ts";
import { platformStatement } from "../../server/src/kit/sql/statement.ts";
import { verify } from "../../server/src/ledger/index.ts";
import { type CrashSite, openCrashSite } from "../platform/crash-site.ts";
import type { ServerProcess } from "../platform/server-process.ts";

const MERCHANTS = 1_000;
const KILLS = 2;
let site: CrashSite;
let db: Database;

beforeAll(async () => {
  site = await openCrashSite();
  db = openBenchDatabase(site.settings.database_url);
});
afterAll(async () => {
  await db?.close();
  await site?.close();
});

const countEvents = platformStatement(
  "test.events",
  "select count(distinct object_id) as objects, count(*) as events from events where type = 'settlement.created'",
);

test("two workers are killed while they settle, again and again", async () => {
  const start = () => Promise.all(["worker", "worker"].map((roles) => site.startServer(roles)));
  let workers: ServerProcess[] = await start();
  const pending = await makePendingMerchants(db, { merchants: MERCHANTS, payments: 2, now: systemClock.now() });
  await pending.wake();
  for (let kill = 0; kill < KILLS; kill += 1) {
    const before = await pending.countSettled();
    await vi.waitFor(async () => expect(await pending.countSettled()).toBeGreaterThan(before), { timeout: 60_000 });
    await sleep(100 * kill);
    await Promise.all(workers.map((worker) => worker.kill()));
    expect((await verify(db)).differences).toEqual([]);
    // What the dead had claimed comes back when their leases have run out.
    await site.letTimePass(600);
    workers = await start();
  }
  await vi.waitFor(async () => expect(await pending.countSettled()).toBe(MERCHANTS), {
    timeout: 40_000,
    interval: 200,
  });
  expect(await Promise.all(workers.map((worker) => worker.stop()))).toEqual([0, 0]);
  const [told] = await db.query<{ objects: bigint; events: bigint }>(countEvents);
  expect(told).toEqual({ objects: BigInt(MERCHANTS), events: BigInt(MERCHANTS) });
  expect((await verify(db)).differences).toEqual([]);
}, 240_000);
