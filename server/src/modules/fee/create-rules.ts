import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { type ChannelCostRule, checkTariff, type FeeRule, type Tariff } from "./fee.ts";
import { insertChannelCostRule, insertFeeRule } from "./store.ts";

interface Services {
  sql: Sql;
  clock: Clock;
  ids: IdSource;
}

/** `currency` and `rate_ppm`; the other parts are nothing, no cap, and half_up unless given. */
type TariffInput = Pick<Tariff, "currency" | "rate_ppm"> & Partial<Tariff>;

export type FeeRuleInput = TariffInput &
  Pick<FeeRule, "merchant_id" | "livemode"> &
  Partial<Pick<FeeRule, "app_id" | "channel_account_id" | "method" | "refund_returns_fee" | "effective_from">>;

/** Adds a fee rule, in force from now unless `effective_from` says otherwise. @throws fee.invalid_rule */
export async function createFeeRule({ sql, clock, ids }: Services, input: FeeRuleInput): Promise<FeeRule> {
  const created_at = clock.now();
  const rule: FeeRule = {
    ...checkTariff(input),
    merchant_id: input.merchant_id,
    id: ids.uuid(),
    livemode: input.livemode,
    app_id: input.app_id ?? null,
    channel_account_id: input.channel_account_id ?? null,
    method: input.method ?? null,
    refund_returns_fee: input.refund_returns_fee ?? true,
    effective_from: input.effective_from ?? created_at,
    created_at,
  };
  await insertFeeRule(sql, rule);
  return rule;
}

export type ChannelCostRuleInput = TariffInput &
  Pick<ChannelCostRule, "channel_account_id"> &
  Partial<Pick<ChannelCostRule, "method" | "refund_returns_cost" | "effective_from">>;

/** Adds a channel cost rule, in force from now unless `effective_from` says otherwise. @throws fee.invalid_rule */
export async function createChannelCostRule(
  { sql, clock, ids }: Services,
  input: ChannelCostRuleInput,
): Promise<ChannelCostRule> {
  const created_at = clock.now();
  const rule: ChannelCostRule = {
    ...checkTariff(input),
    channel_account_id: input.channel_account_id,
    id: ids.uuid(),
    method: input.method ?? null,
    refund_returns_cost: input.refund_returns_cost ?? true,
    effective_from: input.effective_from ?? created_at,
    created_at,
  };
  await insertChannelCostRule(sql, rule);
  return rule;
}
