/**
 * Guarantees: what the operator types as a rule or a limit is what is kept and shown; what cannot be read exactly, or could
 * not work, is refused by a sentence, and changes nothing; a dry run over past payments says what would change.
 */
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { type RoutedPlatform, startRoutedPlatform } from "../../../../test/platform/routing.ts";
import { publicId } from "../../kit/id.ts";
import { listRouting } from "../../modules/routing/index.ts";
import { StartError } from "../start-error.ts";
import type { AdministrationServices, Options } from "./administration.ts";
import { routingCommand } from "./routing.ts";

let platform: RoutedPlatform;
let services: AdministrationServices;
let merchant: string;
let A: string;
let B: string;

beforeAll(async () => {
  platform = await startRoutedPlatform();
  const { payment, ...rest } = platform.services;
  const { channels, getChannel } = payment;
  const withPlatform = () => Promise.reject(new Error("this command needs no platform"));
  services = { ...rest, mode: "production", channels, getChannel, withPlatform };
  merchant = publicId("merchant", platform.merchant.merchant_id);
  [A, B] = [platform.A.name, platform.B.name];
});
afterAll(() => platform.close());
beforeEach(() => platform.forget());

/** Runs the command as the terminal would, and gives the JSON that it printed. */
async function run(args: string[], options: Options = {}) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await routingCommand((use) => use(services)).run(args, { merchant, ...options });
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

test("rules are added, listed in the order in which they are tried, and removed", async () => {
  const when = 'amount > 500000 && method.startsWith("alipay")';
  const large = await run(["add"], { name: "Large", when, to: B, priority: 20, timeZone: "Europe/Berlin" });
  const split = await run(["add"], { name: "Split", split: `${A}=70, ${B}=30`, priority: 10, sticky: true });
  const cheapest = await run(["add"], { name: "Cheap", cheapest: true, among: `${B},${A}` });
  const best = await run(["add"], { name: "Best", best: true, window: 600, explore: "0.5%", priority: 300 });
  const { rules } = await run(["list"]);
  expect(rules).toEqual([split, large, cheapest, best]);
  expect(large).toMatchObject({ condition: when, target: { kind: "account", account: B }, time_zone: "Europe/Berlin" });
  expect(split).toMatchObject({ condition: "true", sticky: true, livemode: false, app: null });
  expect(split.target).toEqual({ kind: "weighted", accounts: { [A]: 70, [B]: 30 } });
  expect(cheapest.target).toEqual({ kind: "cheapest", accounts: [B, A] });
  expect(best.target).toEqual({ kind: "best_success_rate", window_s: 600, exploration_ppm: 5_000 });
  expect(await run(["remove", large.id])).toEqual({ id: large.id, removed: true });
  await expect(run(["remove", large.id])).rejects.toThrow("There is no such routing rule");
  expect((await run(["list"])).rules).toEqual([split, cheapest, best]);
});

test("limits are set, shown and lifted", async () => {
  const set = await run(["limit"], { account: A, min: 100, max: "500000", day: 10_000_000, hours: "08:00-22:00" });
  expect(set).toEqual({
    ...{ channel_account: A, currency: "CNY", amount_min: "100", amount_max: "500000", day_amount_max: "10000000" },
    ...{ opens_at: "08:00", closes_at: "22:00", time_zone: "Asia/Shanghai" },
  });
  expect((await run(["list"])).limits).toEqual([set]);
  expect(await run(["limit"], { account: A })).toMatchObject({
    amount_min: null,
    day_amount_max: null,
    opens_at: null,
  });
});

test.each([
  [{}, "one of --to, --split"],
  [{ to: "A", cheapest: true }, "one of --to, --split"],
  [{ to: "ca_none" }, "begins with ca_"],
  [{ split: "A:70" }, "such as ca_…=70"],
  [{ best: true, explore: "half" }, "--explore"],
  [{ best: true, window: 1 }, "window_s must be from 60"],
  [{ to: "A", when: "amonut > 1" }, 'at character 1, "amonut > 1": Unknown variable: amonut'],
  [{ to: "A", when: "amount" }, "of the type int"],
  [{ to: "A", priority: "first" }, "--priority"],
])("a rule like %o is refused", async (options: Record<string, unknown>, sentence) => {
  const named = Object.fromEntries(
    Object.entries(options).map(([name, value]) => [name, typeof value === "string" ? value.replace(/^A/, A) : value]),
  );
  const refused = run(["add"], { name: "Wrong", ...named });
  await expect(refused).rejects.toThrow(StartError);
  await expect(refused).rejects.toThrow(sentence);
  expect((await listRouting(services.db, platform.merchant.merchant_id)).rules).toEqual([]);
});

test("a dry run tells what today's rules would have changed", async () => {
  for (const amount of [100, 600_000, 700_000]) await platform.create({ amount });
  await platform.rule({ condition: "amount > 500000", target: { kind: "account", account: platform.B.id } });
  const app = publicId("app", platform.merchant.app_id);
  const since = new Date(platform.clock.now() - 60_000).toISOString();
  const told = await run(["simulate"], { app, from: since });
  expect(told).toMatchObject({ payments: 3, complete: true, changed: 2 });
  expect(told.accounts).toEqual({ [`${A} → ${A}`]: 1, [`${A} → ${B}`]: 2 });
  expect(told.data).toBeUndefined();
  const verbose = await run(["simulate"], { app, from: since, verbose: true });
  expect(verbose.data[0]).toMatchObject({ object: "routing_simulation", took: A });
});
