/** What a rule says, and what it comes to. */
import { applyRate, isCurrency, PPM, type Rounding } from "../../kit/money.ts";
import { feeErrors } from "./errors.ts";

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

/** A fee rule applies to what it names; null means any. */
export interface FeeRule extends Tariff {
  merchant_id: string;
  id: string;
  livemode: boolean;
  app_id: string | null;
  channel_account_id: string | null;
  method: string | null;
  /** Whether a refund gives back its share of the fee. */
  refund_returns_fee: boolean;
  /** Epoch milliseconds. */
  effective_from: number;
  created_at: number;
}

export interface ChannelCostRule extends Tariff {
  channel_account_id: string;
  id: string;
  method: string | null;
  /** Whether the channel gives back its share with a refund. */
  refund_returns_cost: boolean;
  effective_from: number;
  created_at: number;
}

/** The fee of `amount`: never below zero, never above the amount itself. */
export function chargeOf(tariff: Tariff, amount: bigint): bigint {
  let charge = applyRate(amount, tariff.rate_ppm, tariff.rounding) + tariff.fixed_amount;
  if (charge < tariff.floor_amount) charge = tariff.floor_amount;
  if (tariff.cap_amount !== null && charge > tariff.cap_amount) charge = tariff.cap_amount;
  return charge > amount ? amount : charge;
}

/** The cost rule that is in force: one for the method before one for all, then the latest; undefined when there is none. */
export function costRuleFor(
  rules: readonly ChannelCostRule[],
  wanted: { channel_account_id: string; method: string; currency: string; at: number },
): ChannelCostRule | undefined {
  return rules
    .filter(
      (rule) =>
        rule.channel_account_id === wanted.channel_account_id &&
        rule.currency === wanted.currency &&
        rule.effective_from <= wanted.at &&
        (rule.method === null || rule.method === wanted.method),
    )
    .reduce<ChannelCostRule | undefined>((best, rule) => (best && !comesBefore(rule, best) ? best : rule), undefined);
}

function comesBefore(a: ChannelCostRule, b: ChannelCostRule): boolean {
  if ((a.method === null) !== (b.method === null)) return a.method !== null;
  return a.effective_from === b.effective_from ? a.id > b.id : a.effective_from > b.effective_from;
}

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

function invalidRule(param: string, problem: string) {
  return feeErrors["fee.invalid_rule"]({ param, values: { problem } });
}
