// Guarantee: every attempt is priced by exactly the rule that a person would name, the most specific one in force, and
// never at more than its amount.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestDatabase, type TestDatabase } from "../../../../test/database/test-database.ts";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import { type Database, openDatabase } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { chargeOf } from "./fee.ts";
import { createChannelCostRule, createFeeRule, type PriceInput, priceAttempts } from "./index.ts";

const clock = createManualClock(Date.UTC(2026, 10, 1));
const DAY_ms = 86_400_000;
const merchant_id = randomUUID();
const app_id = randomUUID();
const channel_account_id = randomUUID();
const base: PriceInput = {
  merchant_id,
  livemode: true,
  app_id,
  channel_account_id,
  funding_mode: "pooled",
  channel: "wechat",
  method: "wechat.native",
  store: null,
  currency: "CNY",
  amount: 10_000n,
  at: clock.now(),
};
let testDatabase: TestDatabase;
let db: Database;
let services: Parameters<typeof createFeeRule>[0];

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  db = openDatabase({ url: testDatabase.url, connections_max: 2, log: createLogger("silent"), random: systemRandom });
  services = { sql: db, clock, ids: createIdSource(clock, systemRandom) };
  await db.query(
    platformStatement("test.merchant", "insert into merchants (id, name, created_at) values ($1, 'm', now())"),
    [merchant_id],
  );
  await db.query(
    platformStatement(
      "test.channel_account",
      `insert into channel_accounts (id, channel, name, funding_mode, livemode, methods, config, secrets_sealed, created_at)
       values ($1, 'wechat', 'c', 'pooled', true, '{}', '{}', '', now())`,
    ),
    [channel_account_id],
  );
});

afterAll(async () => {
  await db.close();
  await testDatabase.drop();
});

const price = (inputs: readonly PriceInput[]) => db.transaction((tx) => priceAttempts(tx, inputs));

test("no rule is no fee", async () => {
  const [found] = await price([{ ...base, merchant_id: randomUUID(), channel_account_id: randomUUID() }]);
  expect(found).toEqual({
    fee_rule_id: null,
    fee_amount: 0n,
    fee_returns: true,
    cost_amount: 0n,
    cost_returns: true,
    quota_period: null,
    commissions: null,
  });
});

test("the most specific rule in force prices, the latest of equals", async () => {
  const common = { merchant_id, livemode: true, currency: "CNY" };
  const any = await createFeeRule(services, { ...common, rate_ppm: 1_000n });
  const byApp = await createFeeRule(services, { ...common, rate_ppm: 2_000n, app_id });
  const byAccount = await createFeeRule(services, { ...common, rate_ppm: 3_000n, channel_account_id });
  const byMethod = await createFeeRule(services, { ...common, rate_ppm: 4_000n, method: "alipay.qr" });
  const later = await createFeeRule(services, { ...common, rate_ppm: 5_000n, effective_from: clock.now() + DAY_ms });
  await createFeeRule(services, { ...common, rate_ppm: 900_000n, livemode: false });
  await createFeeRule(services, { ...common, rate_ppm: 900_000n, currency: "USD" });
  const elsewhere = { app_id: randomUUID(), channel_account_id: randomUUID() };
  const prices = await price([
    { ...base, ...elsewhere },
    { ...base, channel_account_id: elsewhere.channel_account_id },
    base,
    { ...base, method: "alipay.qr" },
    { ...base, ...elsewhere, at: clock.now() + DAY_ms },
    { ...base, ...elsewhere, at: clock.now() - 1 },
  ]);
  expect(prices.map((price) => [price.fee_rule_id, price.fee_amount])).toEqual([
    [any.id, 10n],
    [byApp.id, 20n],
    [byAccount.id, 30n],
    [byMethod.id, 40n],
    [later.id, 50n],
    [null, 0n],
  ]);
});

test("the channel's cost is the platform's only in pooled mode", async () => {
  await createChannelCostRule(services, {
    channel_account_id,
    currency: "CNY",
    rate_ppm: 2_000n,
    refund_returns_cost: false,
  });
  const prices = await price([base, { ...base, funding_mode: "direct" }]);
  expect(prices.map((price) => [price.cost_amount, price.cost_returns])).toEqual([
    [20n, false],
    [0n, true],
  ]);
});

test("a rule that makes no sense is refused by name", async () => {
  const input = { merchant_id, livemode: true, currency: "CNY", rate_ppm: 6_000n };
  await expect(createFeeRule(services, { ...input, rate_ppm: 1_000_001n })).rejects.toMatchObject({
    code: "fee.invalid_rule",
    param: "rate_ppm",
  });
  await expect(createFeeRule(services, { ...input, currency: "XXY" })).rejects.toMatchObject({ param: "currency" });
  await expect(createFeeRule(services, { ...input, floor_amount: 5n, cap_amount: 4n })).rejects.toMatchObject({
    param: "cap_amount",
  });
});

test("a charge stays within floor, cap and amount", () => {
  const amounts = fc.bigInt({ min: 1n, max: 10n ** 12n });
  const small = fc.bigInt({ min: 0n, max: 10_000n });
  fc.assert(
    fc.property(
      amounts,
      fc.bigInt({ min: 0n, max: 1_000_000n }),
      small,
      small,
      small,
      (amount, rate_ppm, fixed_amount, floor_amount, above) => {
        const cap_amount = floor_amount + above;
        const charge = chargeOf(
          { currency: "CNY", rate_ppm, fixed_amount, floor_amount, cap_amount, rounding: "half_even" },
          amount,
        );
        expect(charge).toBeGreaterThanOrEqual(0n);
        expect(charge).toBeLessThanOrEqual(amount);
        expect(charge).toBeLessThanOrEqual(cap_amount);
        if (charge < floor_amount) expect(charge).toBe(amount);
      },
    ),
  );
});
