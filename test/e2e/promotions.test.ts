// Guarantee: a promotion prices exactly as many payments as it says over the API; payments that end unpaid, and second
// successes, give their places back; merchants see their rules and what a payment would cost.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import { createFeeRule, type FeeRuleInput, stopFeeRule } from "../../server/src/modules/fee/index.ts";
import { createKey } from "../platform/merchants.ts";
import { codeOf, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;
const made: string[] = [];

beforeAll(async () => {
  platform = await startPlatform();
});
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
  const { merchant_id } = platform.merchant;
  for (const id of made.splice(0))
    await stopFeeRule({ ...platform.services, sql: platform.services.db }, { merchant_id, id });
});
afterAll(() => platform.close());

async function promote(more: Partial<FeeRuleInput> = {}) {
  const { merchant_id } = platform.merchant;
  const quota = { quota_period: "ever", quota_count: 1n } as const;
  const input = { merchant_id, livemode: false, currency: "CNY", rate_ppm: 0n, ...quota, ...more };
  const rule = await createFeeRule({ ...platform.services, sql: platform.services.db }, input);
  made.push(rule.id);
  return rule;
}

const create = (more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", { ...paymentBody("wechat.native"), amount: 10_000, ...more });
const fees = async (payment: Json): Promise<number[]> =>
  (await platform.get(`/v1/payments/${payment.id}/attempts`)).data.map((attempt: Json) => attempt.fee);

test("thirty payments at once: as many as the quota are free", async () => {
  await promote({ quota_count: 11n });
  const payments = await Promise.all(Array.from({ length: 30 }, () => create()));
  const charged = (await Promise.all(payments.map(fees))).flat();
  expect(charged.filter((fee) => fee === 0)).toHaveLength(11);
  expect(charged.filter((fee) => fee === 60)).toHaveLength(19);
});

test("a payment that is closed unpaid gives its place to the next, and one that is paid keeps it", async () => {
  await promote();
  const first = await create();
  expect(await fees(await create())).toEqual([60]);
  await platform.call("POST", `/v1/payments/${first.id}/close`);
  await platform.settle();
  const next = await create();
  expect(await fees(next)).toEqual([0]);
  await platform.sandbox.pay(codeOf(next));
  await platform.settle();
  expect(await platform.get(`/v1/payments/${next.id}`)).toMatchObject({ status: "succeeded" });
  expect(await fees(await create())).toEqual([60]);
});

test("a payment that the channel refuses gives its place back at once", async () => {
  await promote({ quota_amount: 100_000_000_000n });
  expect(await create({ amount: 100_000_000_000 })).toMatchObject({ status: "failed" });
  expect(await fees(await create())).toEqual([0]);
});

test("the second success of a payment gives its place back: the payer's money goes back, and no fee was taken", async () => {
  await promote({ quota_count: 2n });
  const payment = await create({ method: "alipay.qr" });
  await platform.advance(1_000);
  const second = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "wechat.native" });
  await platform.settle();
  await platform.sandbox.pay(codeOf(second));
  await platform.settle();
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  expect(await fees(payment)).toEqual([0, 0]);
  expect([await fees(await create()), await fees(await create())]).toEqual([[0], [60]]);
});

test("a future rate starts by itself, and payments keep the rate that priced them", async () => {
  const { merchant_id } = platform.merchant;
  const from = platform.clock.now() + 60_000;
  const none = { quota_period: null, quota_count: null };
  const later = await promote({ merchant_id, rate_ppm: 10_000n, effective_from: from, store: "north", ...none });
  const before = await create({ store: "north" });
  await platform.advance(60_000);
  const after = await create({ store: "north" });
  expect([await fees(before), await fees(after), await fees(await create())]).toEqual([[60], [100], [60]]);
  await stopFeeRule({ ...platform.services, sql: platform.services.db }, { merchant_id, id: later.id });
  made.length = 0;
  expect([await fees(after), await fees(await create({ store: "north" }))]).toEqual([[100], [60]]);
});

test("a merchant reads its rules, and what a payment would cost through each account", async () => {
  const promotion = await promote({ method: "wechat.*" });
  const { data: all } = await platform.get("/v1/fee_rules?limit=100");
  const { data: rules } = await platform.get("/v1/fee_rules?in_force=true");
  expect(all.length).toBeGreaterThan(rules.length);
  expect(rules).toMatchObject([
    { id: publicId("fee_rule", promotion.id), method: "wechat.*", rate_ppm: 0, quota: { period: "ever", count: 1 } },
    { rate_ppm: 6_000, method: null, quota: null, effective_until: null },
  ]);
  const preview = (method: string) => platform.post("/v1/fees/preview", { method, amount: 10_000, currency: "CNY" });
  const { accounts } = platform.merchant;
  expect((await preview("wechat.native")).data).toMatchObject([
    { channel_account: publicId("channel_account", accounts.wechat), fee_rule: rules[0].id, fee: 0, net: 10_000 },
  ]);
  expect((await preview("alipay.qr")).data).toMatchObject([{ fee_rule: rules[1].id, fee: 60, net: 9_940 }]);
  // Looking takes nothing.
  expect(await fees(await create())).toEqual([0]);
  expect((await preview("wechat.native")).data).toMatchObject([{ fee: 60 }]);
  expect((await preview("stripe.checkout")).data).toEqual([]);
  const live = await createKey(platform.services, { ...platform.merchant, livemode: true });
  expect((await platform.get("/v1/fee_rules", { key: live })).data).toEqual([]);
});
