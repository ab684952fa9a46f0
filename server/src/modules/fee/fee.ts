/** What a rule says, and what it comes to. */
import { applyRate, isCurrency, PPM, type Rounding } from "../../kit/money.ts";
import { feeErrors } from "./errors.ts";
import type { Quota } from "./quota.ts";

/** How an amount is charged; all amounts in minor units of `currency`. */
export interface Tariff {
  currency: string;
  /** Parts per million of the amount, up to 1,000,000. */
  rate_ppm: bigint;
  /** Added to the rated part. */
  fixed_amount: bigint;
  /** The least and the most that is charged; no cap is null. */
  floor_amount: bigint;
  cap_amount: bigint | null;
  rounding: Rounding;
}

/** Amounts to which a rule applies: from one on, and below another. Null is no limit. */
export interface Band {
  amount_from: bigint | null;
  amount_below: bigint | null;
}

/** When a rule is in force; epoch milliseconds. */
export interface Term {
  effective_from: number;
  /** From then on it is not; null while nobody has ended it. */
  effective_until: number | null;
  /** When somebody decided that it ends. */
  ended_at: number | null;
  created_at: number;
}

/** A fee rule applies to what it names; null means any. With a quota it is a promotion. */
export interface FeeRule extends Tariff, Band, Term, Quota {
  merchant_id: string;
  id: string;
  livemode: boolean;
  app_id: string | null;
  channel: string | null;
  channel_account_id: string | null;
  /** A method, or all of a channel as `wechat.*`. */
  method: string | null;
  /** The merchant's own name of a store, as payments carry it. */
  store: string | null;
  /** Whether a refund gives back its share of the fee. */
  refund_returns_fee: boolean;
}

export interface ChannelCostRule extends Tariff, Band, Term {
  channel_account_id: string;
  id: string;
  /** As a fee rule's. */
  method: string | null;
  /** Whether the channel gives back its share with a refund. */
  refund_returns_cost: boolean;
}

/** The fee of `amount`: never below zero, never above the amount itself. */
export function chargeOf(tariff: Tariff, amount: bigint): bigint {
  let charge = applyRate(amount, tariff.rate_ppm, tariff.rounding) + tariff.fixed_amount;
  if (charge < tariff.floor_amount) charge = tariff.floor_amount;
  if (tariff.cap_amount !== null && charge > tariff.cap_amount) charge = tariff.cap_amount;
  return charge > amount ? amount : charge;
}

/** The channel whose methods `wechat.*` means; undefined for a single method. */
export function familyOf(method: string): string | undefined {
  return method.endsWith(".*") ? method.slice(0, -2) : undefined;
}

/** 0 for a rule that names the method, 1 for one of its channel's methods, 2 for any; undefined where it does not apply. */
function methodRank(rule: string | null, method: string): 0 | 1 | 2 | undefined {
  if (rule === null) return 2;
  if (rule === method) return 0;
  return familyOf(rule) === method.slice(0, method.indexOf(".")) ? 1 : undefined;
}

export interface WantedCost {
  channel_account_id: string;
  method: string;
  currency: string;
  amount: bigint;
  at: number;
}

/**
 * The cost rule that is in force: one for the method before one for its channel's and one for all, then one for a band of
 * amounts, then the latest; undefined when there is none.
 */
export function costRuleFor(rules: readonly ChannelCostRule[], wanted: WantedCost): ChannelCostRule | undefined {
  return rules
    .filter((rule) => rule.channel_account_id === wanted.channel_account_id && applies(rule, wanted))
    .reduce<ChannelCostRule | undefined>(
      (best, rule) => (best && !comesBefore(rule, best, wanted.method) ? best : rule),
      undefined,
    );
}

function applies(rule: ChannelCostRule, { method, currency, amount, at }: WantedCost): boolean {
  const isInForce = rule.effective_from <= at && (rule.effective_until === null || at < rule.effective_until);
  const isInBand =
    (rule.amount_from === null || rule.amount_from <= amount) &&
    (rule.amount_below === null || amount < rule.amount_below);
  return rule.currency === currency && isInForce && isInBand && methodRank(rule.method, method) !== undefined;
}

function comesBefore(a: ChannelCostRule, b: ChannelCostRule, method: string): boolean {
  const [rankA, rankB] = [methodRank(a.method, method)!, methodRank(b.method, method)!];
  if (rankA !== rankB) return rankA < rankB;
  if (isBanded(a) !== isBanded(b)) return isBanded(a);
  return a.effective_from === b.effective_from ? a.id > b.id : a.effective_from > b.effective_from;
}

const isBanded = ({ amount_from, amount_below }: Band) => amount_from !== null || amount_below !== null;

/** Fills what was left out of a tariff. @throws fee.invalid_rule */
export function checkTariff(input: Pick<Tariff, "currency" | "rate_ppm"> & Partial<Tariff>): Tariff {
  const { currency, rate_ppm, fixed_amount = 0n, floor_amount = 0n, cap_amount = null, rounding = "half_up" } = input;
  if (!isCurrency(currency)) throw invalidRule("currency", "currency must be an ISO 4217 code such as CNY.");
  if (rate_ppm < 0n || rate_ppm > PPM) throw invalidRule("rate_ppm", "rate_ppm must be between 0 and 1000000.");
  if (fixed_amount < 0n) throw invalidRule("fixed_amount", "fixed_amount must not be negative.");
  if (floor_amount < 0n) throw invalidRule("floor_amount", "floor_amount must not be negative.");
  if (cap_amount !== null && cap_amount < floor_amount) {
    throw invalidRule("cap_amount", "cap_amount must not be below floor_amount.");
  }
  return { currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding };
}

/** @throws fee.invalid_rule */
export function checkBand({ amount_from = null, amount_below = null }: Partial<Band>): Band {
  if (amount_from !== null && amount_from < 0n) throw invalidRule("amount_from", "amount_from must not be negative.");
  if (amount_below !== null && amount_below <= (amount_from ?? 0n)) {
    throw invalidRule("amount_below", "amount_below must be above amount_from, and above zero.");
  }
  return { amount_from, amount_below };
}

/** @throws fee.invalid_rule */
export function checkTerm(
  { effective_from, effective_until = null }: Partial<Pick<Term, "effective_from" | "effective_until">>,
  now: number,
): Term {
  const from = effective_from ?? now;
  if (effective_until !== null && effective_until <= from) {
    throw invalidRule("effective_until", "effective_until must be later than effective_from.");
  }
  const ended_at = effective_until === null ? null : now;
  return { effective_from: from, effective_until, ended_at, created_at: now };
}

export function invalidRule(param: string, problem: string) {
  return feeErrors["fee.invalid_rule"]({ param, values: { problem } });
}
