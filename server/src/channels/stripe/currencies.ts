/**
 * Stripe's currencies and the amounts in which its API counts them: https://docs.stripe.com/currencies . It counts in the
 * currency's minor unit as ISO 4217 does, but for the exceptions below.
 */
import { currencyExponent, type Money, money } from "../../kit/money.ts";
import { RequestRefused } from "../refusal.ts";

/** Presentment currencies, in which a card can be charged. Whether one is open to an account, Stripe says. */
export const stripeCurrencies: readonly string[] = (
  "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP " +
  "CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD " +
  "JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN " +
  "NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB " +
  "TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
).split(" ");

/** Decimals of Stripe's amounts where they are not ISO's: the ariary has none there, krónur and shillings have two zeros. */
const decimalsAtStripe: Readonly<Record<string, number>> = { MGA: 0, ISK: 2, UGX: 2 };

/** Stripe takes thousandths, but rounds cards' amounts to ten of them: the last digit must be 0. */
const threeDecimals: ReadonlySet<string> = new Set(["BHD", "JOD", "KWD", "OMR", "TND"]);

const AMOUNT_AT_STRIPE_MAX = 999_999_999_999n;

/** Stripe's amount. Throws RequestRefused for one that Stripe's unit cannot express. */
export function toStripeAmount({ amount, currency }: Money): number {
  const stripe = decimalsAtStripe[currency];
  const shift = stripe === undefined ? 0 : stripe - currencyExponent(currency);
  const scale = 10n ** BigInt(Math.abs(shift));
  const step = threeDecimals.has(currency) ? 10n : shift < 0 ? scale : 1n;
  if (amount % step !== 0n) {
    throw new RequestRefused("AMOUNT_NOT_EXPRESSIBLE", `Stripe takes ${currency} in steps of ${step} minor units`);
  }
  const scaled = shift < 0 ? amount / scale : amount * scale;
  if (scaled > AMOUNT_AT_STRIPE_MAX) throw new RequestRefused("AMOUNT_TOO_LARGE", "Stripe takes no such amount");
  return Number(scaled);
}

/** Money that Stripe states; undefined when it is none. `currency` as Stripe writes it, in lower case. */
export function fromStripeAmount(amount: unknown, currency: unknown): Money | undefined {
  if (typeof amount !== "number" || !Number.isSafeInteger(amount) || typeof currency !== "string") return undefined;
  const code = currency.toUpperCase();
  if (!stripeCurrencies.includes(code)) return undefined;
  const stripe = decimalsAtStripe[code];
  const shift = stripe === undefined ? 0 : stripe - currencyExponent(code);
  const scale = 10n ** BigInt(Math.abs(shift));
  const stated = BigInt(amount);
  if (shift <= 0) return money(stated * scale, code);
  return stated % scale === 0n ? money(stated / scale, code) : undefined;
}
