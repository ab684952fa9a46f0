// Guarantee: an operator sets, sees and runs settlements from the command line; a mistake is answered by a sentence.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createChannelCaller } from "../../channels/call.ts";
import { getChannel } from "../../channels/registry.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource, publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { post } from "../../ledger/index.ts";
import { paymentPosting } from "../../ledger/templates/payment.ts";
import { paid } from "../../ledger/testing/books.ts";
import { createMerchant } from "../../modules/merchant/index.ts";
import type { AdministrationServices, Platform, WithPlatform } from "./administration.ts";
import { settlementCommand } from "./settlement.ts";

const folder = mkdtempSync(join(tmpdir(), "tributary-"));
const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
let database: TestDatabase;
let db: Database;
let services: AdministrationServices;
let merchant_id: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const log = createLogger("silent");
  db = openDatabase({ url: database.url, connections_max: 2, log, random: systemRandom });
  const ids = createIdSource(clock, systemRandom);
  const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
  const channels = createChannelCaller({ clock, random: systemRandom, log });
  const approval = { db, clock, ids, log, handlers: new Map() };
  const settlement = { db, clock, ids, log, kick: { webhooks() {} }, approval };
  const withPlatform: WithPlatform = (act) => act({ settlement } as unknown as Platform);
  services = {
    ...{ mode: "production", db, clock, random: systemRandom, ids, envelope },
    channels,
    getChannel,
    withPlatform,
  };
  merchant_id = (await createMerchant({ ...services, sql: db }, { name: "Tea house" })).id;
});
afterAll(async () => {
  await services?.channels.end();
  await db?.close();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(args: string[], options: Record<string, unknown> = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const merchant = publicId("merchant", merchant_id);
    await settlementCommand((use) => use(services)).run(args, { merchant, live: true, ...options });
    return JSON.parse(String(write.mock.calls[0]![0]));
  } finally {
    write.mockRestore();
  }
}

test("settings are set and shown, with the time of the next run", async () => {
  const settings = await run(["set"], { cycle: "T+1", at: "03:30", minimum: "100" });
  expect(settings).toEqual({
    ...{
      merchant: publicId("merchant", merchant_id),
      livemode: true,
      currency: "CNY",
      cycle: "T+1",
      calendar: "china",
    },
    ...{
      at: "03:30",
      minimum_amount: "100",
      review_above: null,
      next_day: "2026-11-23",
      next_run_at: "2026-11-22T19:30:00.000Z",
    },
  });
  expect(await run(["set"], { cycle: "monthly:31", currency: "USD" })).toMatchObject({
    ...{ calendar: "weekends", next_day: "2026-11-30", at: "02:00" },
  });
  expect(await run(["show"])).toMatchObject([settings, { currency: "USD" }]);
});

test("what is pending is settled now, once, and listed", async () => {
  await db.transaction((tx) =>
    post(tx, [paymentPosting(paid({ merchant_id, occurred_at: clock.now() }))], clock.now()),
  );
  clock.advance(1);
  const settlement = await run(["run"]);
  expect(settlement).toMatchObject({ amount: 9_940, payments: { count: 1, amount: 10_000 }, fees: -60 });
  expect(await run(["run"])).toBeNull();
  expect(await run(["list"])).toEqual([settlement]);
  expect(await run(["list"], { live: false })).toEqual([]);
});

test("a coming year's workdays are loaded from a file and move the next run", async () => {
  const file = join(folder, "2026.json");
  const year = { calendar: "tea", year: 2026, source: "the house", holidays: ["2026-11-23"], workdays: [] };
  writeFileSync(file, JSON.stringify(year));
  expect(await run(["load-calendar", file])).toEqual({ calendar: "tea", year: 2026 });
  expect(await run(["set"], { cycle: "T+1", calendar: "tea" })).toMatchObject({ next_day: "2026-11-24" });
  writeFileSync(file, JSON.stringify({ ...year, holidays: ["2025-11-23"] }));
  await expect(run(["load-calendar", file])).rejects.toThrow("2025-11-23");
  writeFileSync(file, "{");
  await expect(run(["load-calendar", file])).rejects.toThrow("cannot be read as JSON");
});

test.each([
  [["set"], {}, "--cycle"],
  [["set"], { cycle: "T+1", minimum: "1.5" }, "--minimum"],
  [["set"], { cycle: "never" }, "is no cycle"],
  [["set"], { cycle: "T+1", merchant: "mch_00000000000000000000000000" }, "merchant"],
  [["run"], { currency: "EUR" }, "no settlement settings for EUR"],
  [["load-calendar"], {}, "Say which file"],
  [["settle"], {}, "There is no action"],
])("%j with %j is refused by a sentence", async (args, options, sentence) => {
  await expect(run(args, options)).rejects.toThrow(sentence);
});
