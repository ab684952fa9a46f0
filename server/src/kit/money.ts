/**
 * Money: integer minor units (`bigint`) with an ISO 4217 currency. Rates are integer parts per million. There is no
 * division: what must be split is split by `allocate`, which loses nothing, and what must be rounded names its rounding.
 */
import { currencyExponents } from "./currencies.ts";

export interface Money {
  readonly amount: bigint;
  /** Upper-case ISO 4217 alphabetic code. */
  readonly currency: string;
}

/** half_up rounds 0.5 away from zero, half_even to the even neighbour, up and down away from and towards zero. */
export type Rounding = "half_up" | "half_even" | "up" | "down";

export const PPM = 1_000_000n;

/** An amount, a currency or a division that has no meaning. */
export class MoneyError extends Error {
  override readonly name = "MoneyError";
}

/** Money of minor units. Throws `MoneyError` for an unknown currency. */
export function money(amount: bigint, currency: string): Money {
  currencyExponent(currency);
  return { amount, currency };
}

/** Whether it is an ISO 4217 code in upper case. */
export function isCurrency(currency: string): boolean {
  return Object.hasOwn(currencyExponents, currency);
}

/** Number of decimal places of the currency's minor unit. Throws `MoneyError` for an unknown currency. */
export function currencyExponent(currency: string): number {
  const exponent = isCurrency(currency) ? currencyExponents[currency] : undefined;
  if (exponent === undefined) throw new MoneyError(`${currency} is not an ISO 4217 currency`);
  return exponent;
}

/** Throws `MoneyError` when the currencies differ. */
export function add(a: Money, b: Money): Money {
  return { amount: a.amount + sameCurrency(a, b).amount, currency: a.currency };
}

/** Throws `MoneyError` when the currencies differ. The result may be negative. */
export function subtract(a: Money, b: Money): Money {
  return { amount: a.amount - sameCurrency(a, b).amount, currency: a.currency };
}

function sameCurrency(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new MoneyError(`cannot combine ${a.currency} with ${b.currency}`);
  return b;
}

/** numerator / denominator as an integer, rounded as named. The denominator must be positive. */
export function divideRounded(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  if (denominator <= 0n) throw new MoneyError("the denominator must be positive");
  const negative = numerator < 0n;
  const magnitude = negative ? -numerator : numerator;
  const quotient = magnitude / denominator;
  const twice = (magnitude % denominator) * 2n;
  const result = quotient + (roundsAway(quotient, twice, denominator, rounding) ? 1n : 0n);
  return negative ? -result : result;
}

function roundsAway(quotient: bigint, twiceRemainder: bigint, denominator: bigint, rounding: Rounding): boolean {
  if (twiceRemainder === 0n || rounding === "down") return false;
  if (rounding === "up") return true;
  if (twiceRemainder !== denominator) return twiceRemainder > denominator;
  return rounding === "half_up" || quotient % 2n === 1n;
}

/** `amount × rate_ppm / 1,000,000`, rounded as named. */
export function applyRate(amount: bigint, rate_ppm: bigint, rounding: Rounding): bigint {
  return divideRounded(amount * rate_ppm, PPM, rounding);
}

/**
 * Splits `amount` by `weights` (non-negative, at least one positive) into parts that sum exactly to it. Largest
 * remainders get the leftover units; ties go to the earlier part.
 */
export function allocate(amount: bigint, weights: readonly bigint[]): bigint[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  if (weights.some((weight) => weight < 0n) || total === 0n) {
    throw new MoneyError("weights must not be negative and must not all be zero");
  }
  const sign = amount < 0n ? -1n : 1n;
  const magnitude = amount * sign;
  const parts = weights.map((weight) => (magnitude * weight) / total);
  let leftover = magnitude - parts.reduce((sum, part) => sum + part, 0n);
  const byRemainder = weights
    .map((weight, index) => ({ index, remainder: (magnitude * weight) % total }))
    .sort((a, b) => (a.remainder === b.remainder ? a.index - b.index : a.remainder > b.remainder ? -1 : 1));
  for (const { index } of byRemainder) {
    if (leftover === 0n) break;
    parts[index] = parts[index]! + 1n;
    leftover -= 1n;
  }
  return parts.map((part) => part * sign);
}

/** Decimal text in major units, `"12.34"`; for CNY 1234n. What Alipay and bills use. */
export function toDecimal({ amount, currency }: Money): string {
  const exponent = currencyExponent(currency);
  const sign = amount < 0n ? "-" : "";
  const digits = (amount < 0n ? -amount : amount).toString().padStart(exponent + 1, "0");
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/**
 * Reads decimal text in major units (`"12"`, `"12.3"`, `"-0.05"`). Throws `MoneyError` when it is not a plain decimal
 * or has more non-zero decimals than the currency.
 */
export function fromDecimal(text: string, currency: string): Money {
  const match = /^(-?)(\d{1,18})(?:\.(\d{1,18}))?$/.exec(text.trim());
  if (!match) throw new MoneyError(`"${text}" is not an amount`);
  const exponent = currencyExponent(currency);
  const decimals = (match[3] ?? "").padEnd(exponent, "0");
  if (/[1-9]/.test(decimals.slice(exponent))) {
    throw new MoneyError(`"${text}" has more than ${exponent} decimals, which ${currency} does not have`);
  }
  const magnitude = BigInt(match[2]! + decimals.slice(0, exponent));
  return { amount: match[1] === "-" ? -magnitude : magnitude, currency };
}
