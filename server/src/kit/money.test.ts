// Guarantee: money is never lost, made or silently rounded. Checked against dinero.js where it computes the same.
import {
  dinero,
  add as dineroAdd,
  allocate as dineroAllocate,
  toDecimal as dineroToDecimal,
  halfAwayFromZero,
  halfEven,
  transformScale,
} from "dinero.js/bigint";
import * as dineroCurrencies from "dinero.js/bigint/currencies";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { currencyExponents } from "./currencies.ts";
import {
  add,
  allocate,
  applyRate,
  currencyExponent,
  divideRounded,
  fromDecimal,
  isCurrency,
  MoneyError,
  money,
  PPM,
  type Rounding,
  subtract,
  toDecimal,
} from "./money.ts";

const amounts = fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n });
const currencies = fc.constantFrom("CNY", "USD", "JPY", "BHD", "KWD");
const roundings: readonly Rounding[] = ["half_up", "half_even", "up", "down"];

/** The same amount in dinero.js. */
function inDinero(amount: bigint, currency: string) {
  return dinero({ amount, currency: { code: currency, base: 10n, exponent: BigInt(currencyExponent(currency)) } });
}

describe("currencies", () => {
  test("exponents agree with dinero.js", () => {
    // ISO 4217 gives the ariary and the ouguiya two decimals; dinero.js counts their subunit of a fifth instead.
    const fifths = ["MGA", "MRU"];
    const theirs = new Map(Object.values(dineroCurrencies).map((currency) => [currency.code, currency]));
    const compared = Object.entries(currencyExponents).filter(([code]) => theirs.has(code) && !fifths.includes(code));
    expect(compared.length).toBeGreaterThan(140);
    for (const [code, exponent] of compared) {
      expect([code, exponent]).toEqual([code, Number(theirs.get(code)?.exponent)]);
    }
    for (const code of fifths) expect(currencyExponent(code)).toBe(2);
  });

  test.each(["cny", "RMB", "", "constructor", "__proto__", "toString", "CNY "])("%j is not a currency", (code) => {
    expect(isCurrency(code)).toBe(false);
    expect(() => money(1n, code)).toThrow(MoneyError);
    expect(() => fromDecimal("1", code)).toThrow(MoneyError);
  });
});

describe("add and subtract", () => {
  test("agree with dinero.js, and undo each other", () => {
    fc.assert(
      fc.property(amounts, amounts, currencies, (a, b, currency) => {
        const sum = add(money(a, currency), money(b, currency));
        expect(toDecimal(sum)).toBe(dineroToDecimal(dineroAdd(inDinero(a, currency), inDinero(b, currency))));
        expect(subtract(sum, money(b, currency))).toEqual(money(a, currency));
      }),
    );
  });

  test("refuse to mix currencies", () => {
    expect(() => add(money(1n, "CNY"), money(1n, "USD"))).toThrow(MoneyError);
    expect(() => subtract(money(1n, "CNY"), money(1n, "USD"))).toThrow(MoneyError);
  });
});

describe("rounding", () => {
  const halves: [bigint, Record<Rounding, bigint>][] = [
    [25n, { half_up: 3n, half_even: 2n, up: 3n, down: 2n }],
    [35n, { half_up: 4n, half_even: 4n, up: 4n, down: 3n }],
    [24n, { half_up: 2n, half_even: 2n, up: 3n, down: 2n }],
    [26n, { half_up: 3n, half_even: 3n, up: 3n, down: 2n }],
    [20n, { half_up: 2n, half_even: 2n, up: 2n, down: 2n }],
    [5n, { half_up: 1n, half_even: 0n, up: 1n, down: 0n }],
    [0n, { half_up: 0n, half_even: 0n, up: 0n, down: 0n }],
  ];
  test.each(halves)("%s tenths, and its negative, round as named", (tenths, expected) => {
    for (const rounding of roundings) {
      expect(divideRounded(tenths, 10n, rounding)).toBe(expected[rounding]);
      expect(divideRounded(-tenths, 10n, rounding)).toBe(-expected[rounding]);
    }
  });

  test("is off by less than a unit, and by at most half a unit where a half decides", () => {
    fc.assert(
      fc.property(amounts, fc.bigInt(1n, 10n ** 9n), fc.constantFrom(...roundings), (numerator, divisor, rounding) => {
        const error = divideRounded(numerator, divisor, rounding) * divisor - numerator;
        const distance = error < 0n ? -error : error;
        expect(distance < divisor).toBe(true);
        if (rounding.startsWith("half")) expect(distance * 2n <= divisor).toBe(true);
      }),
    );
  });

  test("agrees with dinero.js to the half", () => {
    const pairs = [
      ["half_up", halfAwayFromZero],
      ["half_even", halfEven],
    ] as const;
    fc.assert(
      fc.property(amounts, fc.constantFrom(...pairs), (micros, [ours, theirs]) => {
        const currency = { code: "XXX", base: 10n, exponent: 0n };
        const scaled = transformScale(dinero({ amount: micros, currency, scale: 6n }), 0n, theirs);
        expect(applyRate(micros, 1n, ours)).toBe(BigInt(dineroToDecimal(scaled)));
      }),
    );
  });

  test("refuses a denominator that is not positive", () => {
    expect(() => divideRounded(1n, 0n, "down")).toThrow(MoneyError);
    expect(() => divideRounded(1n, -1n, "down")).toThrow(MoneyError);
  });
});

describe("rates", () => {
  test("0.6 % of 100.00 is 0.60, and of 0.01 nothing, unless rounded up", () => {
    expect(applyRate(10_000n, 6_000n, "half_up")).toBe(60n);
    expect(applyRate(1n, 6_000n, "half_up")).toBe(0n);
    expect(applyRate(1n, 6_000n, "up")).toBe(1n);
  });

  test("the whole rate gives the whole amount, no rate gives none", () => {
    fc.assert(
      fc.property(amounts, fc.constantFrom(...roundings), (amount, rounding) => {
        expect(applyRate(amount, PPM, rounding)).toBe(amount);
        expect(applyRate(amount, 0n, rounding)).toBe(0n);
      }),
    );
  });
});

describe("allocate", () => {
  const weightLists = fc
    .array(fc.bigInt(0n, 10n ** 12n), { minLength: 1, maxLength: 12 })
    .filter((weights) => weights.some((weight) => weight > 0n));

  test("parts sum to the whole, each within a unit of its exact share, nothing to a weight of zero", () => {
    fc.assert(
      fc.property(amounts, weightLists, (amount, weights) => {
        const parts = allocate(amount, weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0n);
        expect(parts.reduce((sum, part) => sum + part, 0n)).toBe(amount);
        for (const [index, part] of parts.entries()) {
          const error = part * total - amount * weights[index]!;
          expect((error < 0n ? -error : error) < total).toBe(true);
          if (weights[index] === 0n) expect(part).toBe(0n);
        }
      }),
    );
  });

  test("is symmetric about zero", () => {
    fc.assert(
      fc.property(amounts, weightLists, (amount, weights) => {
        expect(allocate(-amount, weights)).toEqual(allocate(amount, weights).map((part) => -part));
      }),
    );
  });

  test("agrees with dinero.js where all weights are equal", () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 10n ** 18n), fc.integer({ min: 1, max: 20 }), (amount, count) => {
        const weights = Array.from({ length: count }, () => 1n);
        const theirs = dineroAllocate(inDinero(amount, "JPY"), weights).map((part) => BigInt(dineroToDecimal(part)));
        expect(allocate(amount, weights)).toEqual(theirs);
      }),
    );
  });

  test("gives the leftover to the largest remainders, then to the earlier part", () => {
    expect(allocate(100n, [1n, 1n, 1n])).toEqual([34n, 33n, 33n]);
    expect(allocate(10n, [1n, 1n, 4n])).toEqual([2n, 2n, 6n]);
    expect(allocate(1n, [1n, 3n])).toEqual([0n, 1n]);
  });

  test("refuses weights that name no share", () => {
    for (const weights of [[], [0n], [0n, 0n], [2n, -1n]]) expect(() => allocate(1n, weights)).toThrow(MoneyError);
  });
});

describe("decimal text", () => {
  test("round trip, and the same text as dinero.js", () => {
    fc.assert(
      fc.property(amounts, currencies, (amount, currency) => {
        const text = toDecimal(money(amount, currency));
        expect(text).toBe(dineroToDecimal(inDinero(amount, currency)));
        expect(fromDecimal(text, currency)).toEqual(money(amount, currency));
      }),
    );
  });

  test.each([
    ["12", "CNY", 1200n],
    ["12.3", "CNY", 1230n],
    ["-0.05", "CNY", -5n],
    ["-0", "CNY", 0n],
    ["0088.88000", "CNY", 8888n],
    [" 1.00\t", "CNY", 100n],
    ["7.000", "JPY", 7n],
    ["0.001", "BHD", 1n],
  ])("reads %j %s", (text, currency, amount) => {
    expect(fromDecimal(text, currency)).toEqual({ amount, currency });
  });

  test.each([
    "",
    "-",
    ".5",
    "5.",
    "1e3",
    "0x10",
    "1,000.00",
    "+1",
    "--1",
    "¥1",
    "1 2",
    "１２",
    "NaN",
    "Infinity",
    "1.2.3",
  ])("refuses %j", (text) => {
    expect(() => fromDecimal(text, "CNY")).toThrow(MoneyError);
  });

  test("refuses decimals that the currency does not have, rather than rounding", () => {
    expect(() => fromDecimal("0.001", "CNY")).toThrow(MoneyError);
    expect(() => fromDecimal("1.5", "JPY")).toThrow(MoneyError);
  });
});
