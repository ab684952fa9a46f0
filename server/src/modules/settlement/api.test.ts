/**
 * Guarantee: a merchant sees its settlements, what each consists of under its own numbers, and what is available; hears of
 * each by a webhook; and can refund what was settled. Nobody sees another's, or those of the other mode.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createKey } from "../../../../test/platform/merchants.ts";
import { nextNumber, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { runSettlement, setSettlementSettings } from "./index.ts";

const DAY_MS = 86_400_000;
let platform: Platform;
const keyOf = (merchant_id: string) => ({ merchant_id, livemode: false, currency: "CNY" });

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  for (const { merchant_id } of [platform.merchant, platform.direct]) {
    await setSettlementSettings(platform.services, { ...keyOf(merchant_id), cycle: "D+1" });
  }
}, 60_000);
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

async function pay(amount: number, key = platform.merchant.key): Promise<Json> {
  const body = { ...paymentBody(), amount, method: "wechat.native" };
  const payment = await platform.post("/v1/payments", body, { key });
  await platform.sandbox.pay(payment.action.qr_code);
  await platform.settle();
  return platform.get(`/v1/payments/${payment.id}`, { key });
}
const balance = async () => (await platform.get("/v1/balance")).balances[0];
const list = async (query = "") => (await platform.get(`/v1/settlements${query}`)).data as Json[];

test("a day is settled, listed by its items, and told", async () => {
  const [first, second] = [await pay(10_000), await pay(5_000)];
  const out_refund_no = nextNumber("refund");
  const refund = await platform.post("/v1/refunds", { payment: first.id, out_refund_no, amount: 4_000 });
  await platform.settle();
  const before = await balance();
  expect(before).toMatchObject({ available: 0 });
  await platform.advance(DAY_MS);
  const [settlement] = await list();
  expect(settlement).toMatchObject({
    ...{ object: "settlement", livemode: false, currency: "CNY", cycle: "D+1", amount: before.pending },
    ...{ payments: { count: 2, amount: 15_000 }, refunds: { count: 1, amount: -4_000 } },
    ...{ adjustments: { count: 0, amount: 0 }, brought_forward: 0, carried_forward: 0, from_available: 0 },
    fees: before.pending - 11_000,
  });
  expect(await balance()).toMatchObject({ pending: 0, available: before.pending });
  expect(await platform.get(`/v1/settlements/${settlement!.id}`)).toEqual(settlement);

  const path = `/v1/settlements/${settlement!.id}/items`;
  const { data, has_more } = await platform.get(path);
  expect(has_more).toBe(false);
  expect(data).toMatchObject([
    { type: "refund", amount: -4_000, payment: first.id, out_refund_no, source: refund.id },
    { type: "payment", amount: 5_000, payment: second.id, out_trade_no: second.out_trade_no, out_refund_no: null },
    { type: "payment", amount: 10_000, payment: first.id, out_trade_no: first.out_trade_no },
  ]);
  expect(data.reduce((sum: number, item: Json) => sum + item.net, 0)).toBe(settlement!.amount);
  const page = async (query: string) => (await platform.get(`${path}?${query}`)).data.map((item: Json) => item.id);
  const ids = data.map((item: Json) => item.id);
  expect(await page("limit=1")).toEqual(ids.slice(0, 1));
  expect(await page(`limit=2&starting_after=${ids[0]}`)).toEqual(ids.slice(1));
  expect(await page(`limit=1&ending_before=${ids[2]}`)).toEqual(ids.slice(1, 2));
  const entries = await platform.get("/v1/balance/entries?account=pending");
  expect(entries.data.map((entry: Json) => entry.id)).toEqual(expect.arrayContaining(ids));
  expect(entries.data[0]).toMatchObject({
    type: "settlement_created",
    amount: -before.pending,
    source: settlement!.id,
  });

  const events = await platform.get("/v1/events?type=settlement.created");
  expect(events.data.map((event: Json) => event.data.object)).toEqual([settlement]);
});

test("what was settled can be refunded: what is pending pays first, and what is available the rest", async () => {
  const payment = await pay(20_000);
  await platform.advance(DAY_MS);
  await pay(1_000);
  const before = await balance();
  const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 20_000 };
  const refund = await platform.post("/v1/refunds", body);
  await platform.settle();
  expect(await platform.get(`/v1/refunds/${refund.id}`)).toMatchObject({ status: "succeeded" });
  const after = await balance();
  expect(after.pending).toBe(0);
  expect(before.pending + before.available - after.available).toBeGreaterThan(19_000);
  await platform.advance(DAY_MS);
  // The day's payment and what refunded it cancel out: there is nothing to settle, and nothing is lost.
  expect(await balance()).toEqual(after);
  await pay(3_000);
  await platform.advance(DAY_MS);
  const [settlement] = await list("?limit=1&currency=CNY");
  expect(settlement).toMatchObject({ payments: { count: 2, amount: 4_000 }, refunds: { count: 1, amount: -20_000 } });
  expect(settlement!.from_available).toBe(before.available - after.available);
});

test("a refund that fails gives back to each balance what it took", async () => {
  const payment = await pay(8_000);
  await platform.advance(DAY_MS);
  await pay(500);
  const before = await balance();
  await platform.sandbox.fault("wechat", "refund", "refund_closed");
  const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 8_000 };
  const refund = await platform.post("/v1/refunds", body);
  await platform.settle();
  const { status } = await platform.get(`/v1/refunds/${refund.id}`);
  expect(status).toBe("failed");
  expect(await balance()).toEqual(before);
});

test("many refunds at once are each paid whole, out of what is pending and what is available", async () => {
  const payments = [await pay(2_000), await pay(2_000), await pay(2_000)];
  await platform.advance(DAY_MS);
  const taken = (await balance()).available;
  await pay(1_000);
  const refunds = payments.flatMap((payment) =>
    [700, 700, 600].map((amount) =>
      platform.call("POST", "/v1/refunds", { payment: payment.id, out_refund_no: nextNumber("refund"), amount }),
    ),
  );
  const answers = await Promise.all(refunds);
  expect(answers.map(({ status }) => status)).toEqual(Array(9).fill(201));
  await platform.settle();
  const after = await balance();
  expect(after.pending).toBe(0);
  expect(after.available).toBeLessThan(taken - 4_900);
});

test("in direct mode there is nothing to settle", async () => {
  const { key, merchant_id } = platform.direct;
  await pay(10_000, key);
  await platform.advance(DAY_MS);
  expect(await runSettlement(platform.services.settlement, keyOf(merchant_id))).toBeUndefined();
  expect((await platform.get("/v1/settlements", { key })).data).toEqual([]);
  expect((await platform.get("/v1/balance", { key })).balances[0]).toMatchObject({ pending: 0, available: 0 });
});

test("who is settled on request asks for it, once for each key", async () => {
  const more = (key: string) => ({ headers: { "idempotency-key": key } });
  const ask = (key: string, body: object = {}) => platform.call("POST", "/v1/settlements", body, more(key));
  const refused = await ask("too-early");
  expect([refused.status, refused.body.error.code]).toEqual([409, "settlement.not_on_request"]);
  await setSettlementSettings(platform.services, { ...keyOf(platform.merchant.merchant_id), cycle: "on_request" });
  await pay(10_000);
  const { pending, available } = await balance();
  platform.clock.advance(1);
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask("once")));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect(answers[0]!.body).toMatchObject({ status: "posted", amount: pending, cycle: "on_request" });
  expect(await balance()).toMatchObject({ pending: 0, available: available + pending });
  expect(answers.filter(({ headers }) => headers["idempotent-replayed"] === "true")).toHaveLength(7);

  expect((await ask("once", { currency: "USD" })).body.error.code).toBe("settlement.settings_missing");
  const nothing = await ask("again");
  expect([nothing.status, nothing.body.error.code]).toEqual([409, "settlement.nothing_to_settle"]);
  await setSettlementSettings(platform.services, {
    ...keyOf(platform.merchant.merchant_id),
    cycle: "on_request",
    currency: "USD",
  });
  expect((await ask("once", { currency: "USD" })).body.error.code).toBe("idempotency.key_reused");
  await setSettlementSettings(platform.services, { ...keyOf(platform.merchant.merchant_id), cycle: "D+1" });
});

test("nobody sees another's settlements, or those of the other mode", async () => {
  const [settlement] = await list("?limit=1");
  const live = await createKey(platform.services, { ...platform.merchant, livemode: true });
  for (const key of [platform.direct.key, live]) {
    expect((await platform.get("/v1/settlements", { key })).data).toEqual([]);
    for (const path of [`/v1/settlements/${settlement!.id}`, `/v1/settlements/${settlement!.id}/items`]) {
      const answer = await platform.call("GET", path, undefined, { key });
      expect([answer.status, answer.body.error.code]).toEqual([404, "settlement.not_found"]);
    }
  }
  expect((await platform.call("GET", "/v1/settlements/stl_1")).status).toBe(404);
  expect((await list("?currency=USD")).length).toBe(0);
});
