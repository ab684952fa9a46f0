/**
 * Guarantee: an amount means the same money to us and to PayPal in every currency that PayPal takes, and what PayPal cannot
 * take is refused before anything is sent.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { currencyExponent, money } from "../../kit/money.ts";
import { RequestRefused } from "../refusal.ts";
import { fromPaypalMoney, paypalCurrencies, toPaypalMoney } from "./amounts.ts";

it.each([
  ["USD", 1_234n, "12.34"],
  ["EUR", 5n, "0.05"],
  ["CNY", 100n, "1.00"],
  ["JPY", 500n, "500"],
  // Hundredths in ISO 4217, and whole at PayPal.
  ["HUF", 50_000n, "500"],
  ["TWD", 100n, "1"],
])("%s %i is %s at PayPal", (currencyCode, amount, value) => {
  expect(toPaypalMoney(money(amount, currencyCode))).toEqual({ currencyCode, value });
  expect(fromPaypalMoney({ currencyCode, value })).toEqual({ amount, currency: currencyCode });
});

it.each([
  ["HUF", 50_001n],
  ["TWD", 50n],
  ["KWD", 1_000n],
  ["KRW", 1_000n],
])("%s %i cannot be asked for", (currency, amount) => {
  expect(() => toPaypalMoney(money(amount, currency))).toThrow(RequestRefused);
});

it("comes back as it was, in every currency", () => {
  const anyMoney = fc.record({
    currency: fc.constantFrom(...paypalCurrencies),
    units: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  });
  fc.assert(
    fc.property(anyMoney, ({ currency, units }) => {
      // Whole units are expressible in all of them.
      const asked = money(units * 10n ** BigInt(currencyExponent(currency)), currency);
      expect(fromPaypalMoney(toPaypalMoney(asked))).toEqual(asked);
    }),
  );
});

it("is read from nothing but a plain decimal of a known currency", () => {
  for (const value of ["", "1,00", "1e3", "Infinity", "0x10", "1.234", "١"]) {
    expect(fromPaypalMoney({ currencyCode: "USD", value })).toBeUndefined();
  }
  expect(fromPaypalMoney({ currencyCode: "XXQ", value: "1" })).toBeUndefined();
  expect(fromPaypalMoney({ value: "1" })).toBeUndefined();
  expect(fromPaypalMoney(undefined)).toBeUndefined();
  fc.assert(
    fc.property(fc.string(), fc.string(), (currencyCode, value) => {
      expect(() => fromPaypalMoney({ currencyCode, value })).not.toThrow();
    }),
  );
});
