/** Stripe's currencies: which exist, how many decimals their amounts have, and the smallest charge of some. */

/** Amounts are whole units. */
const without_decimals = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
/** Amounts are thousandths, of which the last digit must be 0. */
const with_three_decimals = "bhd jod kwd omr tnd".split(" ");
/** Amounts are hundredths although the currency has none, so that the last two digits must be 0. */
const hundredths_of_whole = "isk ugx".split(" ");
const with_two_decimals =
  "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std szl thb tjs top try ttd twd tzs uah uyu uzs wst xcd yer zar zmw".split(
    " ",
  );

const supported = new Set([...without_decimals, ...with_three_decimals, ...hundredths_of_whole, ...with_two_decimals]);

/** The smallest charge, where it is not 1: about half a US dollar. */
const minimums: Readonly<Record<string, bigint>> = {
  ...{ usd: 50n, eur: 50n, gbp: 30n, cad: 50n, aud: 50n, nzd: 50n, chf: 50n, sgd: 50n, brl: 50n, inr: 50n },
  ...{
    jpy: 50n,
    hkd: 400n,
    mxn: 1000n,
    sek: 300n,
    nok: 300n,
    dkk: 250n,
    pln: 200n,
    czk: 1500n,
    huf: 17500n,
    thb: 1000n,
  },
};

export function isSupported(currency: string): boolean {
  return supported.has(currency);
}

/** A sentence about what is wrong with an amount, or undefined. */
export function problemOfAmount(amount: bigint, currency: string): { message: string; code: string } | undefined {
  if (amount < 0n) return { message: "Invalid non-negative integer", code: "parameter_invalid_integer" };
  if (amount > 99_999_999n && currency !== "idr") {
    return { message: "The amount must be no more than 99999999.", code: "amount_too_large" };
  }
  if (with_three_decimals.includes(currency) && amount % 10n !== 0n) {
    return { message: `Amounts in ${currency} must be divisible by 10.`, code: "invalid_charge_amount" };
  }
  if (hundredths_of_whole.includes(currency) && amount % 100n !== 0n) {
    return { message: `Amounts in ${currency} must be divisible by 100.`, code: "invalid_charge_amount" };
  }
  if (amount < (minimums[currency] ?? 1n)) {
    return {
      message: "The Checkout Session's total amount must convert to at least 50 cents.",
      code: "amount_too_small",
    };
  }
  return undefined;
}

/** For a page: the amount in major units with the currency's code. */
export function showAmount(amount: bigint, currency: string): string {
  const decimals = without_decimals.includes(currency) ? 0 : with_three_decimals.includes(currency) ? 3 : 2;
  const digits = amount.toString().padStart(decimals + 1, "0");
  const text = decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
  return `${text} ${currency.toUpperCase()}`;
}
