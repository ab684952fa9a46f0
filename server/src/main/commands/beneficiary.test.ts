// Guarantee: an operator sees, verifies and refuses beneficiaries and sets how they become payable from the command line,
// and reads no account there; a mistake is answered by a sentence.
import { randomBytes } from "node:crypto";
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
import { createBeneficiary } from "../../modules/beneficiary/index.ts";
import { createMerchant } from "../../modules/merchant/index.ts";
import type { AdministrationServices } from "./administration.ts";
import { beneficiaryCommand } from "./beneficiary.ts";

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
  const withPlatform = () => Promise.reject(new Error("these commands need no platform"));
  services = {
    ...{ mode: "production", db, clock, random: systemRandom, ids, envelope },
    ...{ channels, getChannel, withPlatform },
  };
  merchant_id = (await createMerchant({ ...services, sql: db }, { name: "Tea house" })).id;
});
afterAll(async () => {
  await services?.channels.end();
  await db?.close();
  await database?.drop();
});

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(args: string[], options: Record<string, unknown> = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    const merchant = publicId("merchant", merchant_id);
    await beneficiaryCommand((use) => use(services)).run(args, { merchant, live: true, ...options });
    return JSON.parse(String(write.mock.calls[0]![0]));
  } finally {
    write.mockRestore();
  }
}

const enter = async (openid: string) => {
  const account = { type: "wechat" as const, wechat: { openid, appid: "wx0123" } };
  const made = await createBeneficiary(services, { merchant_id, livemode: true, actor: "test" }, account);
  return publicId("beneficiary", made.beneficiary.id);
};

test("one is listed, verified in the version that was seen, and shown with its history", async () => {
  const id = await enter("o-tea-drinker");
  expect(await run(["list"], { status: "unverified" })).toMatchObject([{ id, account: "****nker" }]);
  await expect(run(["verify", id], { versionSeen: "2" })).rejects.toThrow("its version is 1");
  expect(await run(["verify", id], { versionSeen: "1", note: "seen" })).toMatchObject({ status: "verified" });
  const shown = await run(["show", id]);
  expect(shown.changes).toMatchObject([{ action: "created" }, { actor: "command line", note: "seen" }]);
  expect(JSON.stringify(shown)).not.toContain("o-tea-drinker");
  expect(await run(["disable", id])).toMatchObject({ status: "disabled" });
  expect(await run(["enable", id])).toMatchObject({ status: "verified" });
  expect(await run(["refuse", id])).toMatchObject({ status: "disabled" });
  expect(await run(["list"], { live: false })).toEqual([]);
});

test("cooling and verification are set for a book", async () => {
  expect(await run(["settings"])).toMatchObject({ cooling_s: 86_400, verification: "operator" });
  const set = await run(["set"], { cooling: "1.5", verification: "automatic" });
  expect(set).toMatchObject({ livemode: true, cooling_s: 5_400, verification: "automatic" });
  expect(await run(["settings"])).toEqual(set);
  expect(await run(["settings"], { live: false })).toMatchObject({ cooling_s: 86_400 });
});

test.each([
  [["set"], { verification: "nobody" }, "--verification"],
  [["set"], { cooling: "-1" }, "--cooling"],
  [["verify", "ben_00000000000000000000000000"], {}, "no such beneficiary"],
  [["verify", "pay_1"], {}, "begins with ben_"],
  [["pay"], {}, "There is no action"],
])("%j with %j is refused by a sentence", async (args, options, sentence) => {
  await expect(run(args, options)).rejects.toThrow(sentence);
});
