/**
 * Guarantees: what the operator types as a tariff is what is kept, to the ten-thousandth of a percent and the minor unit;
 * what cannot be read exactly is refused by a sentence, and no rule is made.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createChannelCaller } from "../../channels/call.ts";
import { getChannel } from "../../channels/registry.ts";
import { systemClock } from "../../kit/clock.ts";
import { createEnvelope } from "../../kit/crypto.ts";
import { createIdSource, parsePublicId, publicId } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { bindChannelAccount, createChannelAccount } from "../../modules/channel-account/index.ts";
import { createApp, createMerchant } from "../../modules/merchant/index.ts";
import { StartError } from "../start-error.ts";
import type { AdministrationServices } from "./administration.ts";
import { feeCommand } from "./fee.ts";

const envelope = createEnvelope([{ id: "test", key: new Secret(randomBytes(32)) }], systemRandom);
let database: TestDatabase;
let db: Database;
let services: AdministrationServices;
let merchant: string;
let app: string;
let account: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = openDatabase({ url: database.url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  const ids = createIdSource(systemClock, systemRandom);
  const given = { clock: systemClock, random: systemRandom };
  const channels = createChannelCaller({ ...given, log: createLogger("silent") });
  const withPlatform = () => Promise.reject(new Error("these commands need no platform"));
  services = { mode: "production", db, ...given, ids, envelope, channels, getChannel, withPlatform };
  const { id: merchant_id } = await createMerchant({ ...services, sql: db }, { name: "Tea house" });
  merchant = publicId("merchant", merchant_id);
  app = publicId("app", (await createApp({ ...services, sql: db }, { merchant_id, name: "Shop" })).app.id);
  account = publicId("channel_account", (await createAccount()).id);
});

beforeEach(async () => {
  await query("delete from fee_rules");
  await query("delete from channel_cost_rules");
});

afterAll(async () => {
  await services?.channels.end();
  await db?.close();
  await database?.drop();
});

const query = (text: string) => db.query<Record<string, unknown>>({ name: "", text });

function createAccount() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return createChannelAccount(services, {
    channel: "alipay",
    name: "Tea house Alipay",
    funding_mode: "pooled",
    livemode: true,
    methods: ["alipay.qr"],
    config: {
      app_id: "2021000000000001",
      seller_id: "2088000000000001",
      mode: "key",
      alipay_public_keys: [publicKey.export({ type: "spki", format: "pem" }).toString()],
    },
    secrets: { app_private_key: new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString()) },
  });
}

/** Runs `tributary fee …` as the terminal would, and gives the JSON that it printed. */
async function fee(action: string, options: Record<string, unknown>) {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await feeCommand((use) => use(services)).run([action], options);
    return JSON.parse(write.mock.calls.map(([line]) => line).join(""));
  } finally {
    write.mockRestore();
  }
}

async function refusal(action: string, options: Record<string, unknown>): Promise<string> {
  const error = await fee(action, options).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).message;
}

test.each<[string | number, bigint]>([
  ["0.6%", 6_000n],
  ["0.6", 6_000n],
  // cac makes a number of what looks like one.
  [0.6, 6_000n],
  [0.38, 3_800n],
  ["0.0001%", 1n],
  ["1.2345%", 12_345n],
  ["29%", 290_000n],
  ["100%", 1_000_000n],
  [0, 0n],
])("a rate of %s is %s parts per million", async (rate, rate_ppm) => {
  expect(await fee("add", { merchant, rate })).toMatchObject({ rate_ppm: String(rate_ppm) });
  expect(await fee("add-cost", { account, rate })).toMatchObject({ rate_ppm: String(rate_ppm) });
  expect(await query("select rate_ppm from fee_rules")).toEqual([{ rate_ppm }]);
  expect(await query("select rate_ppm from channel_cost_rules")).toEqual([{ rate_ppm }]);
});

test.each(["0.60001%", "0,6%", ".6", "6e-1", "-0.6%", "0.6 %", "%", "one", "1000%"])(
  "a rate of %s is refused with an example, and no rule is made",
  async (rate) => {
    const sentence = `--rate is "${rate}": give a percentage with up to four decimals, such as 0.6%.`;
    expect(await refusal("add", { merchant, rate })).toBe(sentence);
    expect(await refusal("add-cost", { account, rate })).toBe(sentence);
    expect(await query("select id from fee_rules union all select id from channel_cost_rules")).toEqual([]);
  },
);

test("a rule keeps all that was said: amounts in minor units, its scope, its time and what a refund gives back", async () => {
  const said = { rate: "0.55%", fixed: 10, floor: "20", cap: 5000, currency: "USD", rounding: "up" };
  const from = "2026-12-01T00:00:00+08:00";
  const scope = { merchant, app, account, method: "alipay.qr" };
  const options = { ...said, ...scope, from, live: true, keepOnRefund: true };
  const printed = await fee("add", options);
  expect(printed).toMatchObject({ id: expect.stringMatching(/^\w+_/), rate_ppm: "5500" });
  expect(Date.parse(printed.effective_from)).toBe(Date.parse(from));
  expect(await query("select * from fee_rules")).toMatchObject([
    {
      livemode: true,
      app_id: parsePublicId("app", app),
      channel_account_id: parsePublicId("channel_account", account),
      method: "alipay.qr",
      currency: "USD",
      rate_ppm: 5_500n,
      fixed_amount: 10n,
      floor_amount: 20n,
      cap_amount: 5_000n,
      rounding: "up",
      refund_returns_fee: false,
      effective_from: Date.parse(from),
    },
  ]);
  const [listed, ...others] = await fee("list", { merchant });
  expect(others).toEqual([]);
  expect(listed).toMatchObject({ ...printed, app, channel_account: account, cap_amount: "5000", rounding: "up" });
});

test("what is left out is nothing, any, CNY, test mode, now, and given back with a refund", async () => {
  await fee("add", { merchant, rate: "0.6%" });
  const [{ effective_from, created_at, ...rule } = {}] = await query("select * from fee_rules");
  expect(effective_from).toBe(created_at);
  expect(rule).toMatchObject({
    merchant_id: parsePublicId("merchant", merchant),
    livemode: false,
    app_id: null,
    channel_account_id: null,
    method: null,
    currency: "CNY",
    fixed_amount: 0n,
    floor_amount: 0n,
    cap_amount: null,
    rounding: "half_up",
    refund_returns_fee: true,
  });
});

test("a channel's cost belongs to its account", async () => {
  await fee("add-cost", { account, rate: "0.38%", method: "alipay.qr", keepOnRefund: true });
  expect(await query("select * from channel_cost_rules")).toMatchObject([
    {
      channel_account_id: parsePublicId("channel_account", account),
      method: "alipay.qr",
      rate_ppm: 3_800n,
      refund_returns_cost: false,
    },
  ]);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["fixed", { fixed: "0.10" }, /^--fixed is "0\.10": give a whole number of minor units, such as 10 for CNY 0\.10\.$/],
  ["floor", { floor: -1 }, /^--floor is "-1": give a whole number/],
  ["cap", { cap: "1e3" }, /^--cap is "1e3": give a whole number/],
  ["cap below the floor", { floor: 20, cap: 10 }, /^cap_amount must not be below floor_amount\.$/],
  ["rate above the amount", { rate: "100.1%" }, /^rate_ppm must be between 0 and 1000000\.$/],
  ["rounding", { rounding: "UP" }, /^--rounding is "UP": choose one of half_up, half_even, up, down\.$/],
  ["currency", { currency: "XYZ" }, /^currency must be an ISO 4217 code/],
  ["from", { from: "tomorrow" }, /^--from is "tomorrow": give an instant like /],
  ["merchant", { merchant: "tea-house" }, /^"tea-house" is no id of that kind: it begins with mch_\.$/],
  ["no rate", { rate: undefined }, /^Say --rate …/],
  ["no merchant", { merchant: undefined }, /^Say --merchant …/],
])("a wrong part (%s) is one sentence, and no rule is made", async (_what, options, sentence) => {
  expect(await refusal("add", { merchant, rate: "0.6%", ...options })).toMatch(sentence);
  expect(await query("select id from fee_rules")).toEqual([]);
});

test("add-cost without its account, and an action that does not exist, are refused", async () => {
  expect(await refusal("add-cost", { rate: "0.6%" })).toMatch(/^Say --account …/);
  expect(await refusal("remove", {})).toMatch(/^There is no action "remove": choose one of .*add, /);
});

test("a rule's whole scope is kept: channel, family of methods, store, band, quota and end", async () => {
  const scope = { channel: "wechat", method: "wechat.*", store: "007", amountFrom: 100, amountBelow: "5000" };
  const quota = { quotaPeriod: "month", quotaCount: 100, quotaAmount: 1_000_000 };
  const until = "2027-01-01T00:00:00+08:00";
  const from = "2026-12-01T00:00:00+08:00";
  const printed = await fee("add", { merchant, rate: 0, ...scope, ...quota, from, until });
  const shown = { channel: "wechat", method: "wechat.*", store: "007", amount_from: "100", amount_below: "5000" };
  expect(printed).toMatchObject({ ...shown, quota_period: "month", quota_count: "100", quota_amount: "1000000" });
  expect(Date.parse(printed.effective_until)).toBe(Date.parse(until));
  expect(await fee("list", { merchant })).toEqual([printed]);
  expect(await query("select quota_time_zone, amount_from from fee_rules")).toEqual([
    { quota_time_zone: "Asia/Shanghai", amount_from: 100n },
  ]);
});

test("a rule ends once: later it cannot be moved, earlier it can, and one that has not begun is called off", async () => {
  const ends = (rule: string, options: object) =>
    feeCommand((use) => use(services)).run(["end", rule], { merchant, ...options });
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    await feeCommand((use) => use(services)).run(["add"], { merchant, rate: "0.6%" });
    const { id } = JSON.parse(write.mock.calls.map(([line]) => line).join(""));
    await ends(id, { until: "2100-01-01T00:00:00Z" });
    await expect(ends(id, { until: "2101-01-01T00:00:00Z" })).rejects.toThrow("an end can only be moved");
    await expect(ends(id, { until: "2020-01-01T00:00:00Z" })).rejects.toThrow("must not be in the past");
    await ends(id, {});
    await expect(ends(id, {})).rejects.toThrow("an end can only be moved");
    const other = publicId("merchant", (await createMerchant({ ...services, sql: db }, { name: "Other" })).id);
    await expect(ends(id, { merchant: other })).rejects.toThrow("There is no such fee rule");
    await feeCommand((use) => use(services)).run(["add"], { merchant, rate: "1%", from: "2100-01-01T00:00:00Z" });
    const [future] = await query("select id from fee_rules where effective_until is null");
    await ends(publicId("fee_rule", String(future!.id)), {});
  } finally {
    write.mockRestore();
  }
  expect(await query("select id from fee_rules where effective_until = effective_from")).toHaveLength(1);
});

test("a preview names the rules of fee and cost and what they come to, through each account", async () => {
  const [merchant_id, channel_account_id] = [
    parsePublicId("merchant", merchant)!,
    parsePublicId("channel_account", account)!,
  ];
  await bindChannelAccount(services, { merchant_id, channel_account_id });
  const [usual, cost] = [
    await fee("add", { merchant, rate: "0.6%", live: true }),
    await fee("add-cost", { account, rate: "0.38%", amountFrom: 5_000 }),
  ];
  const promotion = await fee("add", { merchant, rate: 0, live: true, quotaPeriod: "ever", quotaAmount: 10_000 });
  const preview = (amount: number) => fee("preview", { merchant, app, live: true, method: "alipay.qr", amount });
  expect(await preview(10_000)).toMatchObject([
    { channel_account: account, fee_rule: promotion.id, fee: "0", net: "10000", cost_rule: cost.id, cost: "38" },
  ]);
  expect(await preview(10_001)).toMatchObject([{ fee_rule: usual.id, fee: "60", quota_period: null, cost: "38" }]);
  expect(await preview(4_999)).toMatchObject([{ fee_rule: promotion.id, cost_rule: null, cost: "0" }]);
  expect(await fee("list-costs", { account })).toEqual([cost]);
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["channel", { channel: "weixin" }, /^channel is "weixin", of which there are no methods/],
  ["method", { method: "wechat.qr" }, /^method is "wechat\.qr": give one such as wechat\.native/],
  ["family", { method: "weixin.*" }, /^method is "weixin\.\*"/],
  ["band", { amountFrom: 100, amountBelow: 100 }, /^amount_below must be above amount_from/],
  ["term", { from: "2026-12-02T00:00:00Z", until: "2026-12-01T00:00:00Z" }, /^effective_until must be later/],
  ["period", { quotaPeriod: "year", quotaCount: 1 }, /^--quota-period is "year": choose one of day, week/],
  ["quota", { quotaCount: 1 }, /^A promotion needs quota_period/],
])("a wrong scope (%s) is one sentence, and no rule is made", async (_what, options, sentence) => {
  expect(await refusal("add", { merchant, rate: "0.6%", ...options })).toMatch(sentence);
  expect(await query("select id from fee_rules")).toEqual([]);
});
