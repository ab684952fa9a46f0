/**
 * Guarantee: after a settlement all that is available but what the merchant keeps is paid out, once for each settlement, by
 * however many workers and also by one that follows another's death; what cannot be paid stays available.
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { alipayAccount, balanceOf, coolAtOnce, enter, fund } from "../../../../test/platform/payouts.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { parsePublicId } from "../../kit/id.ts";
import { amountOf, payAutomatically } from "./automatic.ts";
import { setPayoutSettings } from "./index.ts";
import { DEFAULT_RULES, type PayoutRules, priceOf } from "./settings.ts";

let platform: Platform;
let beneficiary: Json;
const key = () => ({ merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" });
const set = (rules: Partial<PayoutRules>) =>
  setPayoutSettings(platform.services, key(), {
    ...{ ...DEFAULT_RULES, automatic_beneficiary_id: parsePublicId("beneficiary", beneficiary.id)! },
    ...rules,
  });
const payouts = async () => (await platform.get("/v1/payouts")).data as Json[];
const available = async () => (await balanceOf(platform)).available;

beforeAll(async () => {
  platform = await startPlatform();
  await coolAtOnce(platform);
  beneficiary = await enter(platform, alipayAccount());
}, 60_000);
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

test("all but what is kept goes after each settlement, with its fee, and every app is told", async () => {
  await set({ automatic_keep: 5_000n, fee_fixed_amount: 100n, automatic_minimum: 1_000n });
  await fund(platform, 50_000);
  const before = await available();
  await platform.settle();
  const [payout, ...others] = await payouts();
  expect(others).toEqual([]);
  expect(payout).toMatchObject({
    ...{ status: "succeeded", automatic: true, out_payout_no: null, amount: before - 5_100, fee: 100 },
    ...{ beneficiary: beneficiary.id, settlement: expect.stringMatching(/^stl_/) },
  });
  expect(await available()).toBe(5_000);
  const told = await platform.get("/v1/events?type=payout.succeeded");
  expect(told.data.map((event: Json) => event.data.object.id)).toEqual([payout!.id]);
});

test("less than the minimum stays, and goes with the next", async () => {
  await set({ automatic_minimum: 20_000n });
  await fund(platform, 10_000);
  await platform.settle();
  expect((await payouts()).length).toBe(1);
  await fund(platform, 10_000);
  await platform.settle();
  const [payout] = await payouts();
  expect([payout!.amount >= 20_000, await available()]).toEqual([true, 0]);
});

test("twenty workers, and one after the other's death, make one payout of a settlement", async () => {
  await set({});
  await fund(platform, 10_000);
  const count = (await payouts()).length;
  const loop = platform.services.workers;
  await Promise.all(Array.from({ length: 20 }, () => Promise.all(loop.map((worker) => worker.drain()))));
  await platform.settle();
  const [payout, ...others] = await payouts();
  expect(others.length).toBe(count);
  const settlement_id = parsePublicId("settlement", payout!.settlement)!;
  await fund(platform, 10_000);
  // The row of the settlement that was paid is found again.
  await payAutomatically(platform.services.payout, { ...key(), settlement_id });
  expect((await payouts()).length).toBe(count + 1);
  await platform.settle();
  expect((await payouts()).length).toBe(count + 2);
});

test("what is refused stays available", async () => {
  await set({ day_count_maximum: 0 });
  await fund(platform, 10_000);
  const [before, count] = [await available(), (await payouts()).length];
  await platform.settle();
  expect([await available(), (await payouts()).length]).toEqual([before, count]);
});

test("the amount is the most that fits, whatever the fee", () => {
  const rules = fc.record({
    fee_rate_ppm: fc.bigInt({ min: 0n, max: 1_000_000n }),
    fee_fixed_amount: fc.bigInt({ min: 0n, max: 500n }),
    fee_on_top: fc.boolean(),
    automatic_keep: fc.bigInt({ min: 0n, max: 2_000n }),
  });
  fc.assert(
    fc.property(rules, fc.bigInt({ min: 0n, max: 10_000n }), (given, balance) => {
      const all = { ...DEFAULT_RULES, ...given };
      const most = balance - all.automatic_keep;
      const cost = (amount: bigint) => {
        const price = priceOf(all, amount, "CNY");
        return price ? price.transfer_amount + price.fee_amount : undefined;
      };
      const amount = amountOf(all, balance, "CNY");
      if (amount > 0n) expect((cost(amount) ?? 0n) <= most).toBe(true);
      const more = cost(amount + 1n);
      if (more !== undefined) expect(more > most).toBe(true);
    }),
  );
});
