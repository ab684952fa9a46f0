/** How the terminal says a fee rule. */
import type { Rounding } from "../../kit/money.ts";
import { type QuotaPeriod, quotaPeriods } from "../../modules/fee/index.ts";
import { StartError } from "../start-error.ts";
import { type Options, readId, requireText, textOption } from "./administration.ts";

/** The tariff's options: a percentage, and amounts in minor units. */
export function readTariff(options: Options) {
  const cap_amount = readAmount(options, "cap");
  return {
    currency: textOption(options, "currency") ?? "CNY",
    rate_ppm: percentToPpm(requireText(options, "rate")),
    fixed_amount: readAmount(options, "fixed") ?? 0n,
    floor_amount: readAmount(options, "floor") ?? 0n,
    ...(cap_amount !== undefined && { cap_amount }),
    ...readRounding(options),
    amount_from: readAmount(options, "amount-from") ?? null,
    amount_below: readAmount(options, "amount-below") ?? null,
  };
}

const roundings = ["half_up", "half_even", "up", "down"] as const satisfies readonly Rounding[];

function readRounding(options: Options): { rounding?: Rounding } {
  const text = textOption(options, "rounding");
  if (text === undefined) return {};
  const chosen = roundings.find((name) => name === text);
  if (chosen) return { rounding: chosen };
  throw new StartError(`--rounding is "${text}": choose one of ${roundings.join(", ")}.`);
}

/** Parts per million of a percentage with up to four decimals; `option` is what it was given as. */
export function percentToPpm(text: string, option = "rate"): bigint {
  const match = /^(\d{1,3})(?:\.(\d{1,4}))?%?$/.exec(text);
  if (!match)
    throw new StartError(`--${option} is "${text}": give a percentage with up to four decimals, such as 0.6%.`);
  return BigInt(match[1]! + (match[2] ?? "").padEnd(4, "0"));
}

/** A whole number of minor units, or undefined when it was not given. */
export function readAmount(options: Options, name: string): bigint | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  throw new StartError(`--${name} is "${text}": give a whole number of minor units, such as 10 for CNY 0.10.`);
}

/** Epoch milliseconds, or undefined when it was not given. */
export function readInstant(options: Options, name: string): number | undefined {
  const text = textOption(options, name);
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (!Number.isNaN(at)) return at;
  throw new StartError(`--${name} is "${text}": give an instant like 2026-12-01T00:00:00+08:00.`);
}

/** From when, and until when; both may be left out. */
export function readTerm(options: Options) {
  const [effective_from, effective_until] = [readInstant(options, "from"), readInstant(options, "until")];
  return {
    ...(effective_from !== undefined && { effective_from }),
    ...(effective_until !== undefined && { effective_until }),
  };
}

/** What the rule is limited to; null is any. */
export function readScope(options: Options) {
  const [account, app] = [textOption(options, "account"), textOption(options, "app")];
  return {
    app_id: app === undefined ? null : readId("app", app),
    channel: textOption(options, "channel") ?? null,
    channel_account_id: account === undefined ? null : readId("channel_account", account),
    method: textOption(options, "method") ?? null,
    store: textOption(options, "store") ?? null,
  };
}

/** The quota of a promotion, where one is said. */
export function readQuota(options: Options) {
  const period = textOption(options, "quota-period");
  const known = quotaPeriods.find((name): name is QuotaPeriod => name === period);
  if (period !== undefined && known === undefined) {
    throw new StartError(`--quota-period is "${period}": choose one of ${quotaPeriods.join(", ")}.`);
  }
  return {
    quota_period: known ?? null,
    quota_count: readAmount(options, "quota-count") ?? null,
    quota_amount: readAmount(options, "quota-amount") ?? null,
  };
}
