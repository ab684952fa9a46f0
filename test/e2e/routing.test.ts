/**
 * Guarantee: a payment takes the account that the merchant's rules and limits say, its attempt keeps why, and a dry run
 * says what happens.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import { platformStatement } from "../../server/src/kit/sql/statement.ts";
import { createChannelCostRule } from "../../server/src/modules/fee/index.ts";
import { createCashierService } from "../../server/src/modules/payment/index.ts";
import { type RoutingRuleInput, setRoutingLimit } from "../../server/src/modules/routing/index.ts";
import { BUYER_ID, codeOf, paymentBody } from "../platform/payments.ts";
import { type RoutedAccount, type RoutedPlatform, startRoutedPlatform } from "../platform/routing.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: RoutedPlatform;
let A: RoutedAccount;
let B: RoutedAccount;
beforeAll(async () => {
  platform = await startRoutedPlatform();
  ({ A, B } = platform);
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.forget();
  expect(await platform.findFaults()).toEqual([]);
});

describe("rules", () => {
  test("choose, and the attempt keeps why", async () => {
    const { id } = await platform.rule({ condition: "amount > 5000", target: { kind: "account", account: B.id } });
    expect(await platform.takers(await platform.create({ amount: 5_000 }))).toEqual([A.name]);
    const [attempt] = await platform.attemptsOf(await platform.create({ amount: 5_001 }));
    expect(attempt).toMatchObject({ channel_account: B.name, routing: { rule: publicId("routing_rule", id) } });
  });

  test("a split over past payments falls in a dry run as it fell", async () => {
    const from = new Date(platform.clock.now()).toISOString();
    const target = { kind: "weighted", accounts: [A, B].map(({ id }) => ({ account: id, weight: 1 })) } as const;
    const { id } = await platform.rule({ condition: "true", target });
    const took: string[] = [];
    for (let count = 0; count < 24; count += 1) {
      took.push(...(await platform.takers(await platform.create())));
      platform.clock.advance(1);
    }
    platform.clock.advance(1_000);
    const page = (more: object = {}) => platform.post("/v1/routing/simulate", { from, limit: 20, ...more });
    const first = await page();
    expect(first).toMatchObject({ has_more: true });
    const second = await page({ starting_after: first.data.at(-1).attempt });
    expect(second).toMatchObject({ has_more: false });
    const rows = [...first.data, ...second.data];
    expect(rows.map((row) => row.took)).toEqual(took);
    expect(rows.map((row) => row.would_take)).toEqual(took);
    expect(new Set(took)).toEqual(new Set([A.name, B.name]));
    await platform.removeRule(id);
    const without = await page();
    expect(without.data.map((row: Json) => row.would_take)).toEqual(Array.from({ length: 20 }, () => A.name));
    expect(without.data.map((row: Json) => row.changed)).toEqual(took.slice(0, 20).map((name) => name !== A.name));
  });

  test("an imagined payment takes what the next real one does, and changes nothing", async () => {
    await platform.rule({ condition: 'metadata["to"] == "b"', target: { kind: "account", account: B.id } });
    for (const [to, name] of [
      ["a", A.name],
      ["b", B.name],
    ] as const) {
      const imagined = { method: "alipay.qr", amount: 100, currency: "CNY", metadata: { to } };
      const { data } = await platform.post("/v1/routing/simulate", { payment: imagined });
      expect(data).toMatchObject([{ payment: null, took: null, changed: null, would_take: name }]);
      const [attempt] = await platform.attemptsOf(await platform.create({ amount: 100, metadata: { to } }));
      expect(attempt!.routing).toEqual(data[0].decision);
    }
    const both = await platform.call("POST", "/v1/routing/simulate", {});
    expect(both).toMatchObject({ status: 400, body: { error: { code: "request.invalid" } } });
  });

  test("the cheapest is cheapest by the channel's own rules", async () => {
    const cost = (account: { id: string }, fixed_amount: bigint, rate_ppm: bigint) =>
      createChannelCostRule(
        { ...platform.services, sql: platform.services.db },
        { channel_account_id: account.id, currency: "CNY", rate_ppm, fixed_amount },
      );
    await cost(A, 0n, 6_000n);
    await cost(B, 30n, 1_000n);
    await platform.rule({ condition: "true", target: { kind: "cheapest", accounts: [A.id, B.id] } });
    const [small] = await platform.attemptsOf(await platform.create({ amount: 5_000 }));
    expect(small!.routing).toMatchObject({ account: A.name, candidates: [{ cost: 30 }, { cost: 35 }, {}] });
    const [large] = await platform.attemptsOf(await platform.create({ amount: 100_000 }));
    expect(large!.routing).toMatchObject({ account: B.name, candidates: [{ cost: 600 }, { cost: 130 }, {}] });
  });

  test("the best success rate is read from the merchant's attempts", async () => {
    await platform.failCalls(A, "http_500", 3);
    for (let count = 0; count < 3; count += 1) await platform.create();
    await platform.rule({
      condition: "true",
      target: { kind: "best_success_rate", accounts: [A.id, B.id], window_s: 60, exploration_ppm: 0 },
    });
    const [attempt] = await platform.attemptsOf(await platform.create());
    expect(attempt!.routing).toMatchObject({ account: B.name, candidates: [{ failed: 3 }, { failed: 0 }, {}] });
  });

  test("a payer sticks to the account that took the money", async () => {
    const payer = { buyer_id: BUYER_ID };
    const split = { kind: "weighted", accounts: [A, B].map(({ id }) => ({ account: id, weight: 1 })) } as const;
    await platform.rule({ condition: "true", target: split, sticky: true });
    const paid = await platform.create({ payer }, "alipay.jsapi");
    const [first] = await platform.takers(paid);
    await platform.sandbox.pay(codeOf(paid));
    await platform.settle();
    for (let count = 0; count < 6; count += 1) {
      const [attempt] = await platform.attemptsOf(await platform.create({ payer }, "alipay.jsapi"));
      expect(attempt!.routing).toMatchObject({ account: first, strategy: "sticky" });
    }
    const rows = await platform.services.db.query(platformStatement("test.payers", "select * from routing_payers"), []);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(BUYER_ID);
  });

  test("are refused when they could not work", async () => {
    const bad = (input: Partial<RoutingRuleInput>) =>
      platform.rule({ condition: "true", target: { kind: "account", account: A.id }, ...input });
    await expect(bad({ condition: "amonut > 1" })).rejects.toMatchObject({
      code: "routing.rule_invalid",
      param: "condition",
    });
    await expect(bad({ target: { kind: "weighted", accounts: [] } })).rejects.toMatchObject({ param: "target" });
    const stranger = { kind: "account", account: platform.merchant.merchant_id } as const;
    await expect(bad({ target: stranger })).rejects.toMatchObject({ code: "routing.account_not_bound" });
    const { merchant_id } = platform.merchant;
    const unbound = setRoutingLimit(
      { ...platform.services, past: platform.services.routing.past },
      { merchant_id, channel_account_id: merchant_id, currency: "CNY" },
    );
    await expect(unbound).rejects.toMatchObject({ code: "routing.account_not_bound" });
  });
});

describe("limits", () => {
  test("of amount lead to another account, and where none is left say which", async () => {
    for (const { id } of [A, B]) await platform.limit({ channel_account_id: id, currency: "CNY", amount_max: 1_000n });
    const own = platform.C.id;
    await platform.limit({ channel_account_id: own, currency: "CNY", opens_at: "00:00", closes_at: "00:01" });
    expect(await platform.takers(await platform.create({ amount: 1_000 }))).toEqual([A.name]);
    const body = paymentBody("alipay.qr" as never, { amount: 1_001 });
    const refused = await platform.call("POST", "/v1/payments", body);
    expect(refused).toMatchObject({
      status: 402,
      body: { error: { code: "payment.account_ineligible", outcome: "none" } },
    });
    expect(refused.body.error.message).toContain(`${A.name} takes smaller amounts only`);
    expect(refused.body.error.message).toContain(`${publicId("channel_account", own)} is closed at this hour`);
  });

  test("leave the cashier what can take the payment", async () => {
    for (const { id } of [A, B, platform.C]) {
      await platform.limit({ channel_account_id: id, currency: "CNY", amount_min: 500n });
    }
    const cashier = createCashierService(platform.services.payment);
    const offered = async (amount: number) => {
      const { cashier_url } = await platform.post("/v1/payments", paymentBody("cashier", { amount }));
      const { methods } = (await cashier.load(cashier_url.split("/").at(-1)))!;
      return [...new Set(methods.map((method) => method.split(".")[0]))];
    };
    expect(await offered(500)).toEqual(["wechat", "alipay"]);
    expect(await offered(499)).toEqual(["wechat"]);
  });

  test("of a day count what has succeeded on it, also before they were set", async () => {
    const pay = async (amount: number) => {
      const payment = await platform.create({ amount });
      await platform.sandbox.pay(codeOf(payment));
      await platform.settle();
      return (await platform.takers(payment))[0];
    };
    await platform.rule({ condition: 'store == "day"', target: { kind: "account", account: A.id } });
    const { sumSucceeded } = platform.services.routing.past;
    const A_CNY = { channel_account_id: A.id, currency: "CNY" };
    const midnight = platform.clock.now() - ((platform.clock.now() + 8 * 3_600_000) % 86_400_000);
    const before = await sumSucceeded(platform.merchant.merchant_id, A_CNY, midnight);
    expect(await pay(3_000)).toBe(A.name);
    await platform.limit({ ...A_CNY, day_amount_max: before + 10_000n });
    expect(await pay(4_000)).toBe(A.name);
    platform.clock.advance(1_000);
    expect(await pay(3_001)).toBe(B.name);
    expect(await pay(3_000)).toBe(A.name);
    platform.clock.advance(1_000);
    expect(await pay(1)).toBe(B.name);
    await platform.advance(86_400_000);
    expect(await pay(1)).toBe(A.name);
  });
});
