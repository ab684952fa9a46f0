/** Which of its two languages a page speaks: the payer's choice, else the browser's first preference that it has. */
import type { Language } from "../../../../web/cashier/view.ts";

export function readLanguage(text: unknown): Language | undefined {
  return text === "zh" || text === "en" ? text : undefined;
}

/** The best language for an `Accept-Language` header (RFC 9110, 12.5.4); Chinese when it names neither. */
export function acceptLanguage(header: string | undefined): Language {
  const ranges = (header ?? "").split(",", 32).map((part) => {
    const [tag = "", ...parameters] = part.trim().split(/\s*;\s*/);
    const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    return {
      language: readLanguage(tag.toLowerCase().split("-")[0]),
      weight: weight === undefined ? 1 : Number(weight),
    };
  });
  const known = ranges.filter((range) => range.language !== undefined && range.weight > 0);
  return known.sort((a, b) => b.weight - a.weight)[0]?.language ?? "zh";
}
