// Guarantee: an operator builds a tree of agents, prices it, binds merchants, and settles and reads months from the command
// line; a mistake is answered by a sentence.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource, parsePublicId, publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { paymentPosting, post } from "../../ledger/index.ts";
import { insertPayment, paid } from "../../ledger/testing/books.ts";
import { createMerchant } from "../../modules/merchant/index.ts";
import type { AdministrationServices } from "./administration.ts";
import { agentCommand } from "./agent.ts";
import { userCommand } from "./user.ts";

const folder = mkdtempSync(join(tmpdir(), "tributary-"));
const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
let database: TestDatabase;
let db: Database;
let services: AdministrationServices;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 4, log: createLogger("silent"), random: systemRandom });
  const ids = createIdSource(clock, systemRandom);
  services = { mode: "production", db, clock, random: systemRandom, ids } as unknown as AdministrationServices;
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
  rmSync(folder, { recursive: true });
});

/** Runs a command as the terminal would, and gives the JSON that it printed. */
async function run(args: string[], options: Record<string, unknown> = {}, command = agentCommand) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await command((use) => use(services)).run(args, options);
    return JSON.parse(String(write.mock.calls.at(-1)![0]));
  } finally {
    write.mockRestore();
  }
}

test("from a tree to a month's statement", async () => {
  const top = await run(["create"], { name: "North" });
  const low = await run(["create"], { name: "City", parent: top.id, timeZone: "Asia/Tokyo" });
  expect(await run(["tree"])).toEqual([
    { id: top.id, name: "North", agents: [{ id: low.id, name: "City", agents: [] }] },
  ]);
  await run(["price"], { agent: top.id, rate: "0.38%", maximum: "1%", maximumFixed: 10 });
  await expect(run(["price"], { agent: low.id, rate: "0.37" })).rejects.toThrow("between 0.38 % and 1 % and CNY 0.10");
  const price = await run(["price"], {
    agent: low.id,
    rate: "0.4",
    method: "wechat.*",
    fixed: 1,
    maximumFixed: 5,
    maximum: "0.9",
  });
  expect(price).toMatchObject({ method: "wechat.*", price: { rate_ppm: 4_000, fixed_amount: 1 } });
  expect(await run(["prices"], { agent: low.id })).toEqual([price]);

  const merchant = await createMerchant({ ...services, sql: db }, { name: "Tea house" });
  const bound = await run(["bind"], { merchant: publicId("merchant", merchant.id), agent: low.id });
  expect(bound).toMatchObject({ agent: low.id, effective_from: "2026-11-20T04:00:00.000Z" });
  const commissions = [top.id, low.id].map((id) => ({ agent_id: parsePublicId("agent", id)!, amount: 10n }));
  const attempt = paid({ merchant_id: merchant.id, commissions, occurred_at: clock.now() });
  await insertPayment(db, attempt);
  await db.transaction((tx) => post(tx, [paymentPosting(attempt)], clock.now()));
  expect(await run(["settle"], { agent: low.id })).toEqual([]);
  clock.advance(31 * 86_400_000);
  const [settled] = await run(["settle"], { agent: low.id });
  expect(settled).toMatchObject({
    month: "2026-11",
    status: "settled",
    amount: 10,
    ends_at: "2026-11-30T15:00:00.000Z",
  });
  expect(await run(["settlements"], { agent: low.id, live: true })).toEqual([settled]);
  const statement = await run(["statement"], { agent: low.id, live: true, month: "2026-11" });
  expect(statement.lines).toMatchObject([{ merchant_name: "Tea house", method: "wechat.native", commission: 10 }]);
  const out = join(folder, "lines.csv");
  await run(["statement"], { agent: low.id, live: true, month: "2026-11", out });
  expect(readFileSync(out, "utf8")).toContain("Tea house,wechat.native,1,100.00,0,0.00,0.10,0.00,0.10");

  expect(await run(["move"], { agent: low.id })).toMatchObject({ parent: null, level: 1 });
  expect(await run(["bind"], { merchant: publicId("merchant", merchant.id) })).toMatchObject({ agent: null });
});

test("a person of an agent is made with it, and with nothing else", async () => {
  const agent = await run(["create"], { name: "West" });
  const person = { email: "a@example.com", name: "A", role: "agent" };
  expect(await run(["create"], { ...person, agent: agent.id }, userCommand)).toMatchObject({
    role: "agent",
    agent: agent.id,
  });
  await expect(run(["create"], { ...person, email: "b@example.com" }, userCommand)).rejects.toThrow("needs an agent");
  const nobody = { ...person, email: "c@example.com", agent: publicId("agent", services.ids.uuid()) };
  await expect(run(["create"], nobody, userCommand)).rejects.toThrow("There is no such agent");
  await expect(run(["create"], { ...nobody, role: "operator" }, userCommand)).rejects.toThrow("Only an agent's user");
});

test("a mistake is answered by a sentence", async () => {
  const agent = await run(["create"], { name: "East" });
  await expect(run(["statement"], { agent: agent.id, month: "2026-11" })).rejects.toThrow("There is no settlement");
  await expect(run(["price"], { agent: agent.id, rate: "much" })).rejects.toThrow('--rate is "much"');
  await expect(run(["price"], { agent: agent.id, rate: "1", maximum: "x" })).rejects.toThrow('--maximum is "x"');
  await expect(run(["tree"], { agent: publicId("agent", services.ids.uuid()) })).rejects.toThrow(
    "There is no such agent",
  );
});
