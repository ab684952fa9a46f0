/**
 * Guarantee: refunds that neither pending nor available money can pay draw on the reserve, where it may, soonest part first,
 * and give back exactly when they fail; a merchant sees what is held and until when, and nobody else's.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createKey } from "../../../../test/platform/merchants.ts";
import { nextNumber, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { setSettlementSettings } from "../settlement/index.ts";
import { setReserve } from "./index.ts";

const DAY_MS = 86_400_000;
let platform: Platform;
const key = () => ({ merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" });

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  await setSettlementSettings(platform.services, { ...key(), cycle: "D+1" });
}, 60_000);
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

async function pay(amount: number): Promise<Json> {
  const payment = await platform.post("/v1/payments", { ...paymentBody(), amount, method: "wechat.native" });
  await platform.sandbox.pay(payment.action.qr_code);
  await platform.settle();
  return payment;
}
const refund = (payment: Json, amount: number) =>
  platform.call("POST", "/v1/refunds", { payment: payment.id, out_refund_no: nextNumber("refund"), amount });
const balance = async () => (await platform.get("/v1/balance")).balances[0];
const held = async (query = "") => (await platform.get(`/v1/reserves${query}`)).data as Json[];

/** A payment that was settled, with 10 % of it held for three days. */
async function settled(amount: number): Promise<Json> {
  await setReserve(platform.services, { ...key(), rolling_rate_ppm: 100_000n, rolling_days: 3 });
  const payment = await pay(amount);
  await platform.advance(DAY_MS);
  return payment;
}

test("a refund draws on the reserve last, is shown by its parts, and released is only what is left", async () => {
  const payment = await settled(100_000);
  const before = await balance();
  expect(before).toMatchObject({ pending: 0 });
  const [part] = await held();
  expect(part).toMatchObject({ object: "reserve", status: "held", kind: "rolling", amount: before.reserve, drawn: 0 });
  expect((await platform.get("/v1/settlements")).data[0]).toMatchObject({ reserved: before.reserve });
  const made = await refund(payment, 98_000);
  expect(made.status).toBe(201);
  const after = await balance();
  expect(after).toMatchObject({ pending: 0, available: 0 });
  const drawn = before.reserve - after.reserve;
  expect(drawn).toBeGreaterThan(0);
  expect(await platform.get(`/v1/reserves/${part!.id}`)).toMatchObject({
    ...{ drawn, held: part!.amount - drawn, releases: [] },
    draws: [{ refund: made.body.id, amount: drawn, returned_at: null }],
  });
  await platform.advance(3 * DAY_MS);
  expect(await balance()).toMatchObject({ available: part!.amount - drawn, reserve: 0 });
  expect(await held("?status=released")).toMatchObject([{ id: part!.id, held: 0, released: part!.amount - drawn }]);
  const { releases } = await platform.get(`/v1/reserves/${part!.id}`);
  expect(releases).toMatchObject([{ amount: part!.amount - drawn, reason: "due" }]);
  const { data } = await platform.get("/v1/events?type=reserve.released");
  expect(data[0].data.object).toMatchObject({ id: part!.id, status: "released" });
});

test("a refund that fails gives back to each what it took", async () => {
  const payment = await settled(100_000);
  const before = await balance();
  await platform.sandbox.fault("wechat", "refund", "refund_closed");
  const answer = await refund(payment, 99_000);
  expect(answer.status).toBe(201);
  await platform.settle();
  expect(await platform.get(`/v1/refunds/${answer.body.id}`)).toMatchObject({ status: "failed" });
  expect(await balance()).toEqual(before);
});

test("where the reserve may not pay, such a refund is refused", async () => {
  const payment = await settled(10_000_000);
  const { available, reserve } = await balance();
  await setReserve(platform.services, { ...key(), covers_refunds: false });
  const answer = await refund(payment, 9_900_000);
  expect([answer.status, answer.body.error.code]).toEqual([409, "refund.insufficient_balance"]);
  expect(await balance()).toMatchObject({ available, reserve });
});

test("many refunds at once draw what is there and no more", async () => {
  const payments = [await pay(30_000), await pay(30_000)];
  await setReserve(platform.services, { ...key(), fixed_amount: 20_000n });
  await platform.advance(DAY_MS);
  const answers = await Promise.all(payments.flatMap((payment) => [1, 2, 3].map(() => refund(payment, 10_000))));
  const taken = answers.filter(({ status }) => status === 201).length;
  expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
  expect(taken).toBeGreaterThan(0);
});

test("nobody sees another's reserves, or those of the other mode", async () => {
  const [part] = await held("?currency=CNY&kind=rolling&limit=1");
  const live = await createKey(platform.services, { ...platform.merchant, livemode: true });
  for (const other of [platform.direct.key, live]) {
    expect((await platform.get("/v1/reserves", { key: other })).data).toEqual([]);
    const answer = await platform.call("GET", `/v1/reserves/${part!.id}`, undefined, { key: other });
    expect([answer.status, answer.body.error.code]).toEqual([404, "reserve.not_found"]);
  }
});
