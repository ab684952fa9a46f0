/**
 * PayPal's currencies and amounts. It takes forints, yen and Taiwan dollars whole only, although ISO 4217 gives the first
 * and the last two decimals: an amount with a fraction of one is refused before anything is sent.
 */
import { fromDecimal, type Money, money, toDecimal } from "../../kit/money.ts";
import { RequestRefused } from "../refusal.ts";

/** In which PayPal collects; an account takes those that it holds or converts (BRL, CNY and MYR in their countries only). */
export const paypalCurrencies = [
  ...["AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK"],
  ...["NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD"],
] as const;

const known: ReadonlySet<string> = new Set(paypalCurrencies);
const whole: ReadonlySet<string> = new Set(["HUF", "JPY", "TWD"]);

/** PayPal's amount as its SDK has it. */
export interface PaypalMoney {
  readonly currencyCode: string;
  readonly value: string;
}

/** The amount in PayPal's form. Throws `RequestRefused` for a currency or a fraction that PayPal cannot take. */
export function toPaypalMoney({ amount, currency }: Money): PaypalMoney {
  if (!known.has(currency))
    throw new RequestRefused("CURRENCY_NOT_SUPPORTED", `PayPal does not collect in ${currency}`);
  const text = toDecimal(money(amount, currency));
  if (!whole.has(currency)) return { currencyCode: currency, value: text };
  const [units, fraction = ""] = text.split(".");
  if (/[1-9]/.test(fraction)) {
    throw new RequestRefused("DECIMALS_NOT_SUPPORTED", `PayPal takes whole ${currency} only, not ${text}`);
  }
  return { currencyCode: currency, value: units! };
}

/** An echoed amount, or undefined when it is none. */
export function fromPaypalMoney(echoed: Partial<PaypalMoney> | undefined): Money | undefined {
  if (typeof echoed?.currencyCode !== "string" || typeof echoed.value !== "string") return undefined;
  try {
    return fromDecimal(echoed.value, echoed.currencyCode);
  } catch {
    return undefined;
  }
}
