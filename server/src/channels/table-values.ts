/** How texts of tables are read as moments and amounts, by what a mapping says of their form. */
import { dayOf, instantAt } from "../kit/local-day.ts";
import { currencyExponent } from "../kit/money.ts";

type Reader<Value> = (text: string) => Value | undefined;

const patterns: Readonly<Record<string, string>> = {
  yyyy: "(?<y>\\d{4})",
  yy: "(?<y>\\d{2})",
  MM: "(?<M>\\d{2})",
  M: "(?<M>\\d{1,2})",
  dd: "(?<d>\\d{2})",
  d: "(?<d>\\d{1,2})",
  HH: "(?<H>\\d{2})",
  H: "(?<H>\\d{1,2})",
  mm: "(?<m>\\d{2})",
  ss: "(?<s>\\d{2})",
};

/**
 * Reads times in a form such as `yyyy-MM-dd HH:mm:ss` as epoch milliseconds in a zone. What of the form stands behind the day may
 * be missing from a text. With `workbook`, days counted as workbooks do are read, too.
 */
export function createTimeReader(
  format: string,
  time_zone: string,
  workbook?: { readonly from_1904: boolean },
): Reader<number> {
  const [, day = "", time] = /^(.*?)([^A-Za-z]*H.*)?$/.exec(format) ?? [];
  const optional = time !== undefined && !/[yMd]/.test(time);
  const source = optional ? `${sourceOf(day)}(?:${sourceOf(time)})?` : sourceOf(format);
  const expression = new RegExp(`^${source}$`);
  return (text) => {
    if (workbook && /^\d{1,6}(?:\.\d+)?$/.test(text)) return readSerial(text, time_zone, workbook.from_1904);
    const found = expression.exec(text)?.groups;
    if (!found) return undefined;
    const year = found.y!.length === 2 ? `20${found.y}` : found.y!;
    const date = `${year}-${found.M!.padStart(2, "0")}-${found.d!.padStart(2, "0")}`;
    return at(date, Number(found.H ?? 0), Number(found.m ?? 0), Number(found.s ?? 0), time_zone);
  };
}

function sourceOf(format: string): string {
  return format.replace(/yyyy|yy|MM|M|dd|d|HH|H|mm|ss|./g, (token) =>
    Object.hasOwn(patterns, token) ? patterns[token]! : token.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"),
  );
}

function at(date: string, hour: number, minute: number, second: number, time_zone: string): number | undefined {
  const day = dayOf(date, time_zone);
  if (!day || hour > 23 || minute > 59 || second > 59) return undefined;
  if (hour === 0 && minute === 0) return day.from + second * 1000;
  return instantAt(date, hour * 60 + minute, time_zone) + second * 1000;
}

const DAY_S = 86_400;
/** Day 0 as workbooks count from March 1900 on: they take 1900 for a leap year. */
const EPOCH_1900 = Date.UTC(1899, 11, 30);
const EPOCH_1904 = Date.UTC(1904, 0, 1);

/** A count of days, the time as its fraction: to the nearest second. */
function readSerial(text: string, time_zone: string, from_1904: boolean): number | undefined {
  const seconds = Math.round(Number(text) * DAY_S);
  const shown = new Date((from_1904 ? EPOCH_1904 : EPOCH_1900) + seconds * 1000).toISOString();
  const [hour = 0, minute = 0, second = 0] = shown.slice(11, 19).split(":").map(Number);
  return at(shown.slice(0, 10), hour, minute, second, time_zone);
}

/** What workbooks keep of a decimal is off by no more than this, in minor units. */
const NOISE_DECIMALS = 6;

/**
 * Reads an amount in minor units; undefined for what is none, or has more decimals than the currency. Takes thousands
 * separators, a sign before or behind, parentheses for below zero, a currency sign; `workbook`: the noise of stored numbers.
 */
export function readAmount(
  text: string,
  currency: string,
  {
    point = ".",
    minor_units = false,
    workbook = false,
  }: { point?: "." | ","; minor_units?: boolean; workbook?: boolean },
): bigint | undefined {
  const exponent = minor_units ? 0 : currencyExponent(currency);
  const plain = (workbook ? expand(text) : text).replace(/[\s\u00a0￥¥$€£]|[A-Z]{3}/g, "");
  const wrapped = /^\((.+)\)$/.exec(plain)?.[1];
  const behind = /^([^-+]+)-$/.exec(plain)?.[1];
  const match = /^([-+]?)(.+)$/.exec(wrapped ?? behind ?? plain);
  if (!match) return undefined;
  const digits = match[2]!;
  const grouped =
    point === "." || workbook ? /^(\d+|\d{1,3}(?:,\d{3})+)(?:\.(\d+))?$/ : /^(\d+|\d{1,3}(?:\.\d{3})+)(?:,(\d+))?$/;
  const found = grouped.exec(digits);
  if (!found) return undefined;
  const size = round(found[1]!.replace(/\D/g, ""), found[2] ?? "", exponent, workbook);
  if (size === undefined) return undefined;
  return (match[1] === "-") !== (wrapped !== undefined || behind !== undefined) ? -size : size;
}

/** `1.5E-2` is how a workbook stores 0.015. */
function expand(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d{1,2})$/.exec(text);
  if (!match) return text;
  const [, sign = "", whole = "", fraction = ""] = match;
  const shift = Number(match[4]);
  const digits = whole + fraction;
  const place = whole.length + shift;
  if (place <= 0) return `${sign}0.${"0".repeat(-place)}${digits}`;
  return `${sign}${digits.slice(0, place).padEnd(place, "0")}.${digits.slice(place) || "0"}`;
}

function round(whole: string, fraction: string, exponent: number, noisy: boolean): bigint | undefined {
  const kept = fraction.slice(0, exponent).padEnd(exponent, "0");
  const rest = fraction.slice(exponent);
  const size = BigInt(whole + kept);
  if (!/[1-9]/.test(rest)) return size;
  if (!noisy) return undefined;
  const noise = rest.slice(0, NOISE_DECIMALS).padEnd(NOISE_DECIMALS, "0");
  if (/^0+$/.test(noise)) return size;
  return /^9+$/.test(noise) ? size + 1n : undefined;
}
