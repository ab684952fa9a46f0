/** PayPal's amounts: decimal text with two decimals, or with none in the three currencies that it takes whole. */

/** In the order of PayPal's own list of currencies. */
export const currencies = [
  "AUD",
  "BRL",
  "CAD",
  "CNY",
  "CZK",
  "DKK",
  "EUR",
  "HKD",
  "HUF",
  "ILS",
  "JPY",
  "MYR",
  "MXN",
  "TWD",
  "NZD",
  "NOK",
  "PHP",
  "PLN",
  "GBP",
  "SGD",
  "SEK",
  "CHF",
  "THB",
  "USD",
] as const;

const whole_currencies = new Set(["HUF", "JPY", "TWD"]);
/** ISO 4217 gives the yen alone no minor unit: an amount of 5 forints is 500 of its minor units. */
const minor_of_whole = (currency: string) => (currency === "JPY" ? 1n : 100n);

export type Value = { currency_code: string; value: string };

/** Why an amount is not one: the `issue` of PayPal's refusal. */
export type AmountIssue =
  | "CURRENCY_NOT_SUPPORTED"
  | "DECIMALS_NOT_SUPPORTED"
  | "DECIMAL_PRECISION"
  | "CANNOT_BE_ZERO_OR_NEGATIVE"
  | "INVALID_STRING_LENGTH";

/** Minor units of ISO 4217, or the issue. */
export function readValue({ currency_code, value }: Value): bigint | AmountIssue {
  if (!(currencies as readonly string[]).includes(currency_code)) return "CURRENCY_NOT_SUPPORTED";
  if (value.length > 32) return "INVALID_STRING_LENGTH";
  const match = /^(\d+)(?:\.(\d+))?$/.exec(value);
  if (match === null) return "CANNOT_BE_ZERO_OR_NEGATIVE";
  const decimals = match[2] ?? "";
  const whole = whole_currencies.has(currency_code);
  if (whole && decimals !== "") return "DECIMALS_NOT_SUPPORTED";
  if (decimals.length > 2) return "DECIMAL_PRECISION";
  const amount = whole
    ? BigInt(match[1]!) * minor_of_whole(currency_code)
    : BigInt(match[1]! + decimals.padEnd(2, "0"));
  return amount === 0n ? "CANNOT_BE_ZERO_OR_NEGATIVE" : amount;
}

/** The amount as PayPal writes it. */
export function writeValue(amount: bigint, currency: string): Value {
  if (whole_currencies.has(currency)) {
    return { currency_code: currency, value: (amount / minor_of_whole(currency)).toString() };
  }
  const digits = amount.toString().padStart(3, "0");
  return { currency_code: currency, value: `${digits.slice(0, -2)}.${digits.slice(-2)}` };
}

/** PayPal's fee of the simulation: 3.49 % and 49 of the minor unit, never more than the amount. */
export function feeOf(amount: bigint, currency: string): bigint {
  const unit = whole_currencies.has(currency) ? minor_of_whole(currency) : 1n;
  const fee = ((amount * 349n) / 10_000n / unit) * unit + 49n * unit;
  return fee < amount ? fee : amount;
}
