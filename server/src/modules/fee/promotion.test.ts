// Guarantee: a promotion prices exactly as many payments, or as much money, as its quota says, whatever happens at once; an
// attempt that ends unpaid gives its place back; and periods are those of the merchant's clock.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { systemRandom } from "../../kit/random.ts";
import { openTestBooks, run, type TestBooks } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { createMerchant } from "../merchant/index.ts";
import { createFeeRule, type FeeRuleInput, moveQuotas, type Price, type PriceInput, priceAttempts } from "./index.ts";

const NOW = Date.UTC(2026, 10, 20, 4);
const clock = createManualClock(NOW);
let books: TestBooks;
let services: Parameters<typeof createFeeRule>[0];
let merchant_id: string;

beforeAll(async () => {
  books = await openTestBooks();
  services = { sql: books.db, clock, ids: createIdSource(clock, systemRandom) };
});
beforeEach(async () => {
  merchant_id = (await createMerchant(services, { name: "茶馆" })).id;
  await rule({ rate_ppm: 6_000n });
});
afterAll(() => books.close());

const rule = (more: Partial<FeeRuleInput>) =>
  createFeeRule(services, { merchant_id, livemode: true, currency: "CNY", rate_ppm: 0n, ...more });

const input = (amount = 10_000n, more: Partial<PriceInput> = {}): PriceInput => ({
  ...{ merchant_id, livemode: true, app_id: randomUUID(), channel: "wechat", channel_account_id: randomUUID() },
  ...{ funding_mode: "direct", method: "wechat.native", store: null, currency: "CNY", amount, at: clock.now() },
  ...more,
});

const price = (...inputs: PriceInput[]): Promise<Price[]> => books.db.transaction((tx) => priceAttempts(tx, inputs));
const fees = (prices: readonly Price[]) => prices.map(({ fee_amount }) => fee_amount);

const taken = () =>
  run<{ period: string; count: bigint; amount: bigint }>(
    books.db,
    "select period, count, amount from fee_quota_usage where merchant_id = $1 order by period",
    [merchant_id],
  );

test("the first payments of a day are free, and tomorrow's again, by the merchant's clock", async () => {
  await rule({ quota_period: "day", quota_count: 2n });
  expect(fees(await price(input(), input(), input()))).toEqual([0n, 0n, 60n]);
  expect(fees(await price(input()))).toEqual([60n]);
  // 23:59:59.999 and midnight in Shanghai.
  const midnight = Date.UTC(2026, 10, 20, 16);
  const prices = await price(input(10_000n, { at: midnight - 1 }), input(10_000n, { at: midnight }));
  expect(prices.map(({ quota_period }) => quota_period)).toEqual([null, "2026-11-21"]);
  expect(await taken()).toMatchObject([
    { period: "2026-11-20", count: 2n },
    { period: "2026-11-21", count: 1n },
  ]);
});

test("weeks begin on Monday, months on the first, and ever is one period", async () => {
  await rule({ quota_period: "week", quota_count: 1n });
  await rule({ quota_period: "month", quota_count: 1n });
  await rule({ quota_period: "ever", quota_count: 1n });
  const prices = await price(input(), input(), input(), input());
  expect(prices.map(({ quota_period }) => quota_period).sort()).toEqual(["2026-11", "2026-11-16", "ever", null]);
});

test("the first money is charged another rate; a payment that does not fit whole is not split", async () => {
  const promotion = await rule({ rate_ppm: 1_000n, quota_period: "month", quota_amount: 25_000n });
  const prices = await price(input(10_000n), input(20_000n), input(10_000n), input(5_000n), input(1n));
  expect(fees(prices)).toEqual([10n, 120n, 10n, 5n, 0n]);
  expect(prices.map(({ fee_rule_id }) => fee_rule_id === promotion.id)).toEqual([true, false, true, true, false]);
  expect(await taken()).toMatchObject([{ count: 3n, amount: 25_000n }]);
});

test("both limits hold where both are given, and a promotion used up gives way to the next", async () => {
  await rule({ rate_ppm: 2_000n, quota_period: "ever", quota_count: 1n });
  await rule({
    rate_ppm: 1_000n,
    method: "wechat.native",
    quota_period: "ever",
    quota_count: 2n,
    quota_amount: 10_000n,
  });
  expect(fees(await price(input(), input(), input()))).toEqual([10n, 20n, 60n]);
});

test("others pay their usual fee: another book, another channel, another currency", async () => {
  await rule({ channel: "wechat", quota_period: "ever", quota_count: 5n });
  const others = [{ livemode: false }, { channel: "alipay", method: "alipay.qr" }, { currency: "USD" }];
  const prices = await price(...others.map((more) => input(10_000n, more)));
  expect(prices.map(({ quota_period }) => quota_period)).toEqual([null, null, null]);
  expect(await taken()).toEqual([]);
});

test("twenty at once take exactly the quota", async () => {
  await rule({ quota_period: "ever", quota_count: 37n });
  const all = await Promise.all(Array.from({ length: 20 }, () => price(input(), input(), input())));
  expect(all.flat().filter(({ fee_amount }) => fee_amount === 0n)).toHaveLength(37);
  expect(await taken()).toMatchObject([{ count: 37n, amount: 370_000n }]);
});

test("what an attempt gives back the next one takes, and a late success takes its place again", async () => {
  await rule({ quota_period: "ever", quota_count: 1n });
  const [first] = await price(input());
  const attempt = { ...input(), ...first! };
  const move = (held: boolean) => books.db.transaction((tx) => moveQuotas(tx, [{ attempt, held }]));
  expect(fees(await price(input()))).toEqual([60n]);
  await move(false);
  expect(await taken()).toMatchObject([{ count: 0n, amount: 0n }]);
  expect(fees(await price(input()))).toEqual([0n]);
  // The first payer paid all the same: it keeps its price, and the quota is over its limit by one.
  await move(true);
  expect(await taken()).toMatchObject([{ count: 2n, amount: 20_000n }]);
  expect(fees(await price(input()))).toEqual([60n]);
});

test("a quota without a period, and one of nothing, are refused by name", async () => {
  await expect(rule({ quota_count: 1n })).rejects.toMatchObject({ code: "fee.invalid_rule", param: "quota_period" });
  await expect(rule({ quota_period: "day" })).rejects.toMatchObject({ param: "quota_period" });
  await expect(rule({ quota_period: "day", quota_count: 0n })).rejects.toMatchObject({ param: "quota_count" });
  await expect(rule({ quota_period: "day", quota_amount: -1n })).rejects.toMatchObject({ param: "quota_amount" });
});

test("verification finds a counter that is not that of its attempts", async () => {
  await rule({ quota_period: "ever", quota_count: 3n });
  const before = (await verifySnapshot(books.db)).difference_count;
  // Priced, and no attempt was written.
  await price(input());
  const { differences, difference_count } = await verifySnapshot(books.db);
  expect(difference_count).toBe(before + 1);
  expect(differences.find((one) => one.merchant_id === merchant_id)).toMatchObject({
    code: "wrong_quota",
    sentence: expect.stringMatching(/^fee_\w{26} has counted 1 attempts of 10000 in ever, but 0 of 0 hold places\.$/),
  });
});
