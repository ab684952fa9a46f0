/** How a merchant is paid out, and what it comes to for one payout. */
import type { TributaryError } from "../../kit/error.ts";
import { isCurrency, PPM } from "../../kit/money.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { loadBeneficiaries } from "../beneficiary/index.ts";
import { getChannelAccount } from "../channel-account/index.ts";
import { chargeOf } from "../fee/index.ts";
import { getMerchant } from "../merchant/index.ts";
import { payoutErrors } from "./errors.ts";
import type { PayoutServices } from "./services.ts";
import { loadCost, loadSettings, saveCost, saveSettings } from "./settings-store.ts";

/** Whose settings: one of a merchant's books and a currency. */
export interface SettingsKey {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly currency: string;
}

/** All amounts in minor units; null sets no limit. */
export interface PayoutRules {
  readonly fee_rate_ppm: bigint;
  readonly fee_fixed_amount: bigint;
  readonly fee_floor_amount: bigint;
  readonly fee_cap_amount: bigint | null;
  /** Besides the amount, or out of it. */
  readonly fee_on_top: boolean;
  /** Whether the fee goes back with what a bank returns. */
  readonly fee_returns: boolean;
  readonly single_minimum: bigint;
  readonly single_maximum: bigint | null;
  readonly day_count_maximum: number | null;
  readonly day_amount_maximum: bigint | null;
  readonly month_amount_maximum: bigint | null;
  /** More than this is reviewed; null leaves it to the platform's policy for all merchants. */
  readonly review_above: bigint | null;
  /** UUIDs of the channel accounts that pay, the preferred first; empty: in the order of the merchant's bindings. */
  readonly channel_accounts: readonly string[];
  readonly automatic_beneficiary_id: string | null;
  readonly automatic_minimum: bigint;
  readonly automatic_keep: bigint;
}

export interface PayoutSettings extends SettingsKey, PayoutRules {}

export const DEFAULT_RULES: PayoutRules = {
  ...{ fee_rate_ppm: 0n, fee_fixed_amount: 0n, fee_floor_amount: 0n, fee_cap_amount: null },
  ...{ fee_on_top: true, fee_returns: false, single_minimum: 1n, single_maximum: null },
  ...{ day_count_maximum: null, day_amount_maximum: null, month_amount_maximum: null, review_above: null },
  ...{ channel_accounts: [], automatic_beneficiary_id: null, automatic_minimum: 1n, automatic_keep: 0n },
};

/** What was set, or what holds where nothing was. */
export async function readPayoutSettings(sql: Sql, key: SettingsKey): Promise<PayoutSettings> {
  const { merchant_id, livemode, currency } = key;
  const found = await loadSettings(sql, key);
  return found ?? { merchant_id, livemode, currency, ...DEFAULT_RULES };
}

/** What a payout comes to. */
export interface PayoutPrice {
  readonly transfer_amount: bigint;
  readonly fee_amount: bigint;
}

/** The beneficiary gets `transfer_amount`, the merchant pays both. Undefined where the fee leaves nothing to pay. */
export function priceOf(rules: PayoutRules, amount: bigint, currency: string): PayoutPrice | undefined {
  const fee_amount = chargeOf(
    {
      ...{ currency, rounding: "half_up", rate_ppm: rules.fee_rate_ppm, fixed_amount: rules.fee_fixed_amount },
      ...{ floor_amount: rules.fee_floor_amount, cap_amount: rules.fee_cap_amount },
    },
    amount,
  );
  const transfer_amount = rules.fee_on_top ? amount : amount - fee_amount;
  return transfer_amount > 0n ? { transfer_amount, fee_amount } : undefined;
}

/**
 * Sets what is given and leaves the rest; undefined leaves a rule as it is.
 * @throws payout.settings_invalid, merchant.not_found, channel_account.not_found
 */
export async function setPayoutSettings(
  { db, clock }: Pick<PayoutServices, "db" | "clock">,
  key: SettingsKey,
  changes: { readonly [Rule in keyof PayoutRules]?: PayoutRules[Rule] | undefined },
): Promise<PayoutSettings> {
  await getMerchant(db, key.merchant_id);
  if (!isCurrency(key.currency)) throw invalid(`"${key.currency}" is no currency: give an ISO 4217 code such as CNY.`);
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const settings: PayoutSettings = { ...(await readPayoutSettings(db, key)), ...given };
  checkAmounts(settings);
  await checkReferences(db, settings);
  await saveSettings(db, settings, clock.now());
  return settings;
}

function invalid(problem: string): TributaryError {
  return payoutErrors["payout.settings_invalid"]({ values: { problem } });
}

function checkAmounts(rules: PayoutRules): void {
  const negative = Object.entries(rules).find(([, value]) => typeof value === "bigint" && value < 0n);
  if (negative) throw invalid(`${negative[0]} must not be below zero.`);
  if (rules.fee_rate_ppm > PPM) throw invalid("fee_rate_ppm is at most 1000000.");
  if (rules.fee_cap_amount !== null && rules.fee_cap_amount < rules.fee_floor_amount) {
    throw invalid("fee_cap_amount must not be below fee_floor_amount.");
  }
  const { day_count_maximum } = rules;
  if (day_count_maximum !== null && (!Number.isSafeInteger(day_count_maximum) || day_count_maximum < 0)) {
    throw invalid("day_count_maximum is a whole number.");
  }
  if (rules.single_minimum < 1n) throw invalid("single_minimum is at least 1.");
  if (rules.automatic_minimum < 1n) throw invalid("automatic_minimum is at least 1.");
  if (rules.single_maximum !== null && rules.single_maximum < rules.single_minimum) {
    throw invalid("single_maximum must not be below single_minimum.");
  }
}

async function checkReferences(sql: Sql, settings: PayoutSettings): Promise<void> {
  const { merchant_id, livemode, automatic_beneficiary_id: id } = settings;
  const beneficiary = id === null ? undefined : (await loadBeneficiaries(sql, [{ merchant_id, id }])).get(id);
  if (id !== null && beneficiary?.livemode !== livemode) {
    throw invalid("The automatic beneficiary is none of this merchant's in this mode.");
  }
  for (const account_id of settings.channel_accounts) {
    const account = await getChannelAccount(sql, account_id);
    if (account.livemode !== livemode || account.funding_mode !== "pooled") {
      throw invalid(`${account.name} does not pay out here: choose pooled accounts of the same mode.`);
    }
  }
}

/** What a transfer costs the platform; all amounts in minor units. */
export interface TransferCost {
  readonly rate_ppm: bigint;
  readonly fixed_amount: bigint;
  readonly floor_amount: bigint;
  readonly cap_amount: bigint | null;
}

/** Through which channel account, or (null) by our bank. */
export interface CostKey {
  readonly channel_account_id: string | null;
  readonly livemode: boolean;
  readonly currency: string;
}

/** The cost of one transfer by the rule that was set, if one was. */
export async function costOf(sql: Sql, key: CostKey, amount: bigint): Promise<bigint> {
  const cost = await loadCost(sql, key);
  return cost ? chargeOf({ ...cost, currency: key.currency, rounding: "half_up" }, amount) : 0n;
}

/** Says what transfers cost from now on. @throws payout.settings_invalid, channel_account.not_found */
export async function setTransferCost(
  { db, clock }: Pick<PayoutServices, "db" | "clock">,
  key: CostKey,
  given: Partial<TransferCost>,
): Promise<TransferCost> {
  if (!isCurrency(key.currency)) throw invalid(`"${key.currency}" is no currency: give an ISO 4217 code such as CNY.`);
  if (key.channel_account_id !== null) await getChannelAccount(db, key.channel_account_id);
  const cost: TransferCost = { rate_ppm: 0n, fixed_amount: 0n, floor_amount: 0n, cap_amount: null, ...given };
  const amounts = [cost.rate_ppm, cost.fixed_amount, cost.floor_amount, cost.cap_amount ?? cost.floor_amount];
  if (amounts.some((amount) => amount < 0n) || cost.rate_ppm > PPM) {
    throw invalid("Costs are not below zero, and a rate is at most 1000000.");
  }
  if (cost.cap_amount !== null && cost.cap_amount < cost.floor_amount) throw invalid("A cap is not below its floor.");
  await saveCost(db, key, cost, clock.now());
  return cost;
}
