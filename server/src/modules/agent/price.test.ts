// Guarantee: a fee is shared whole. For any depth, prices and rounding the platform's part and all commissions together are
// the fee to the fen, no part is negative, and a price is what a person reading the list would say.
import fc from "fast-check";
import { expect, test } from "vitest";
import { sumCommissions } from "../../ledger/index.ts";
import {
  type AgentPrice,
  chargeOf,
  findBrokenPrice,
  type Level,
  levelsOf,
  methodsOf,
  type Rate,
  rateText,
  shareFee,
} from "./price.ts";

const rate = (rate_ppm: bigint, fixed_amount = 0n): Rate => ({ rate_ppm, fixed_amount });
let made = 0;

function priceOf(agent_id: string, price: Rate, more: Partial<AgentPrice> = {}): AgentPrice {
  made += 1;
  const rates = { price, default: price, minimum: price, maximum: rate(1_000_000n, 1_000n) };
  const dates = { effective_from: 0, created_at: 0 };
  return { agent_id, id: String(made).padStart(8, "0"), method: null, currency: "CNY", ...rates, ...dates, ...more };
}

const group = (prices: readonly AgentPrice[]) => Map.groupBy(prices, (price) => price.agent_id);
const wanted = { method: "wechat.native", currency: "CNY", at: 10 };
const pricesAlong = (path: readonly string[], prices: readonly AgentPrice[], more: Partial<typeof wanted> = {}) =>
  levelsOf(path, group(prices), { ...wanted, ...more }).map(({ terms }) => terms?.price.rate_ppm);

const rates = fc.record({
  rate_ppm: fc.bigInt({ min: 0n, max: 50_000n }),
  fixed_amount: fc.bigInt({ min: 0n, max: 100n }),
});

test("platform and agents together get exactly the fee, and nobody less than nothing", () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 1n, max: 10n ** 12n }),
      fc.bigInt({ min: 0n, max: 10n ** 9n }),
      fc.array(fc.option(rates, { nil: undefined }), { maxLength: 12 }),
      (amount, fee, prices) => {
        const levels = prices.map((price, index): Level => {
          const terms = price && { price, default: price, minimum: price, maximum: price };
          return { agent_id: String(index), own: true, terms };
        });
        const parts = shareFee(levels, amount, fee);
        expect(parts.every((part) => part.amount > 0n)).toBe(true);
        const platform = fee - sumCommissions(parts);
        const charges = prices.flatMap((price) => (price ? [chargeOf(price, amount)] : []));
        // What is left is what the cheapest level pays: nobody above it can earn more than is paid below.
        expect([...charges, fee].every((charge) => platform <= charge) && [...charges, fee].includes(platform)).toBe(
          true,
        );
      },
    ),
  );
});

test("each level earns the difference to the level below, rounded half up by itself", () => {
  const path = ["a", "b", "c"];
  const prices = [priceOf("a", rate(3_800n)), priceOf("b", rate(4_000n)), priceOf("c", rate(4_500n))];
  const levels = levelsOf(path, group(prices), wanted);
  expect(shareFee(levels, 10_000n, 60n)).toEqual([
    { agent_id: "a", amount: 2n },
    { agent_id: "b", amount: 5n },
    { agent_id: "c", amount: 15n },
  ]);
  // 1.25 → 1.27 (0.38 %), 1.33 (0.40 %), 1.50 (0.45 %), 2.00: in fen of CNY 3.33 they are 1, 1, 1 (half up: 1.4985) and 2.
  expect(shareFee(levels, 333n, 2n)).toEqual([{ agent_id: "c", amount: 1n }]);
});

test("where the fee is below a price, the levels from below earn nothing first, and the platform at most the fee", () => {
  const levels = levelsOf(
    ["a", "b", "c"],
    group([priceOf("a", rate(3_800n)), priceOf("b", rate(4_000n)), priceOf("c", rate(4_500n))]),
    wanted,
  );
  expect(shareFee(levels, 10_000n, 42n)).toEqual([
    { agent_id: "a", amount: 2n },
    { agent_id: "b", amount: 2n },
  ]);
  expect(shareFee(levels, 10_000n, 39n)).toEqual([{ agent_id: "a", amount: 1n }]);
  expect(shareFee(levels, 10_000n, 20n)).toEqual([]);
  expect(shareFee(levels, 10_000n, 0n)).toEqual([]);
});

test("a method's own price comes before its family's, that before the one for all; then the latest in force", () => {
  const prices = [
    priceOf("a", rate(1n)),
    priceOf("a", rate(2n), { method: "wechat.*" }),
    priceOf("a", rate(3n), { method: "wechat.native" }),
    priceOf("a", rate(4n), { method: "wechat.native", effective_from: 5 }),
    priceOf("a", rate(5n), { method: "wechat.native", effective_from: 11 }),
    priceOf("a", rate(6n), { currency: "USD" }),
  ];
  expect(pricesAlong(["a"], prices)).toEqual([4n]);
  expect(pricesAlong(["a"], prices, { at: 11 })).toEqual([5n]);
  expect(pricesAlong(["a"], prices, { at: 4 })).toEqual([3n]);
  expect(pricesAlong(["a"], prices, { method: "wechat.app" })).toEqual([2n]);
  expect(pricesAlong(["a"], prices, { method: "alipay.qr" })).toEqual([1n]);
  expect(pricesAlong(["a"], prices, { currency: "USD" })).toEqual([6n]);
  expect(pricesAlong(["a"], prices, { currency: "EUR" })).toEqual([undefined]);
});

test("who has no price pays the default of the level above; above the first price nobody earns", () => {
  const prices = [priceOf("b", rate(10n), { default: rate(15n) }), priceOf("d", rate(20n))];
  expect(pricesAlong(["a", "b", "c", "d", "e"], prices)).toEqual([undefined, 10n, 15n, 20n, 20n]);
  const parts = shareFee(levelsOf(["a", "b", "c", "d", "e"], group(prices), wanted), 1_000_000n, 50n);
  expect(parts.map((part) => [part.agent_id, part.amount])).toEqual([
    ["b", 5n],
    ["c", 5n],
    ["e", 30n],
  ]);
});

test("a price outside what the level above may give is found, whichever of the two has the broader selector", () => {
  const tree = [{ path: ["a"] }, { path: ["a", "b"] }];
  const find = (...prices: AgentPrice[]) => findBrokenPrice(tree, prices, "CNY", [0])?.method;
  const above = { minimum: rate(20n), default: rate(20n), maximum: rate(90n) };
  const within = { maximum: rate(90n) };
  expect(find(priceOf("a", rate(10n), above), priceOf("b", rate(20n), within))).toBeUndefined();
  expect(find(priceOf("a", rate(10n), above), priceOf("b", rate(19n), within))).toBe("*.*");
  expect(find(priceOf("a", rate(10n), above), priceOf("b", rate(20n), { maximum: rate(91n) }))).toBe("*.*");
  expect(find(priceOf("a", rate(10n), { ...above, method: "wechat.*" }), priceOf("b", rate(20n), within))).toBe("*.*");
  const dear = { minimum: rate(50n), default: rate(50n), maximum: rate(90n), method: "wechat.app" };
  const cheap = priceOf("a", rate(10n), above);
  expect(find(cheap, priceOf("a", rate(10n), dear), priceOf("b", rate(20n), within))).toBe("wechat.app");
  expect(find(cheap, priceOf("a", rate(10n), dear), priceOf("b", rate(20n), { ...within, method: "alipay.*" }))).toBe(
    undefined,
  );
  expect(find(cheap, priceOf("b", rate(20n, 5n), within))).toBe("*.*");
});

test("each selector is looked at by a method that only it covers", () => {
  expect(methodsOf([null, "wechat.*", "wechat.app", "wechat.*"])).toEqual(["*.*", "wechat.*", "wechat.app"]);
});

test("a rate reads as a percentage", () => {
  expect(rateText(rate(3_800n), "CNY")).toBe("0.38 %");
  expect(rateText(rate(10_000n, 5n), "CNY")).toBe("1 % and CNY 0.05");
  expect(rateText(rate(0n), "CNY")).toBe("0 %");
  expect(rateText(rate(1_000_000n), "CNY")).toBe("100 %");
});
