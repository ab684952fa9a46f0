/**
 * Guarantee: an amount means the same money to us and to Stripe in every currency that Stripe takes, and what Stripe's unit
 * cannot express is refused before anything is sent.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { currencyExponent, money } from "../../kit/money.ts";
import { RequestRefused } from "../refusal.ts";
import { fromStripeAmount, stripeCurrencies, toStripeAmount } from "./currencies.ts";

it.each([
  ["USD", 1234n, 1234],
  ["CNY", 1n, 1],
  ["JPY", 500n, 500],
  ["KWD", 5120n, 5120],
  // Whole in ISO 4217, and hundredths at Stripe.
  ["ISK", 5n, 500],
  ["UGX", 5n, 500],
  // Hundredths in ISO 4217, and whole at Stripe.
  ["MGA", 1200n, 12],
  // Only payouts of these are whole.
  ["HUF", 1234n, 1234],
  ["TWD", 80_045n, 80_045],
])("%s %i is %i at Stripe", (currency, amount, expected) => {
  expect(toStripeAmount(money(amount, currency))).toBe(expected);
  expect(fromStripeAmount(expected, currency.toLowerCase())).toEqual({ amount, currency });
});

it.each([
  ["KWD", 5123n],
  ["MGA", 1250n],
  ["USD", 10n ** 13n],
])("%s %i cannot be asked for", (currency, amount) => {
  expect(() => toStripeAmount(money(amount, currency))).toThrow(RequestRefused);
});

it("comes back as it was, in every currency", () => {
  const anyMoney = fc.record({
    currency: fc.constantFrom(...stripeCurrencies),
    // Whole units of any currency are expressible in all of them.
    units: fc.bigInt({ min: 1n, max: 9_999_999n }),
  });
  fc.assert(
    fc.property(anyMoney, ({ currency, units }) => {
      const asked = money(units * 10n ** BigInt(currencyExponent(currency)), currency);
      expect(fromStripeAmount(toStripeAmount(asked), currency.toLowerCase())).toEqual(asked);
    }),
  );
});

it.each([
  [1.5, "usd"],
  ["100", "usd"],
  [100, "xxx"],
  [100, undefined],
  [550, "isk"],
  [Number.MAX_SAFE_INTEGER + 1, "usd"],
])("%s %s is no money of Stripe's", (amount, currency) => {
  expect(fromStripeAmount(amount, currency)).toBeUndefined();
});
