import type { AmountText, Language } from "../../../../web/cashier/view.ts";
import { currencyExponent, type Money, toDecimal } from "../../kit/money.ts";

const locales: Readonly<Record<Language, string>> = { zh: "zh-CN", en: "en" };

/** An amount in the page's language. `Intl` is given the exact decimal text, so that no digit passes through a float. */
export function formatAmount(money: Money, language: Language): AmountText {
  const { currency } = money;
  const decimal = toDecimal(money) as Intl.StringNumericLiteral;
  const digits = currencyExponent(currency);
  const format = (currencyDisplay: "narrowSymbol" | "name") =>
    new Intl.NumberFormat(locales[language], {
      style: "currency",
      currency,
      currencyDisplay,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  const parts = format("narrowSymbol").formatToParts(decimal);
  const symbol = parts.find((part) => part.type === "currency")?.value ?? currency;
  const shown = parts.filter((part) => part.type !== "currency" && part.type !== "literal");
  const own = language === "zh" && currency === "CNY";
  return {
    symbol: symbol === currency ? "" : symbol,
    digits: shown.map((part) => part.value).join(""),
    code: own ? undefined : currency,
    spoken: format("name").format(decimal),
  };
}
