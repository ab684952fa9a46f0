import { methods } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { checkMerchantFee } from "../agent/index.ts";
import { getMerchant } from "../merchant/index.ts";
import {
  type Band,
  type ChannelCostRule,
  checkBand,
  checkTariff,
  checkTerm,
  type FeeRule,
  familyOf,
  invalidRule,
  type Tariff,
  type Term,
} from "./fee.ts";
import { checkQuota, type Quota } from "./quota.ts";
import { insertChannelCostRule, insertFeeRule } from "./store.ts";

interface Services {
  sql: Sql;
  clock: Clock;
  ids: IdSource;
}

/** `currency` and `rate_ppm`; the other parts are nothing, no cap, and half_up unless given. */
type TariffInput = Pick<Tariff, "currency" | "rate_ppm"> & Partial<Tariff & Band>;
/** In force from now, and without end, unless given. */
type TermInput = Partial<Pick<Term, "effective_from" | "effective_until">>;
type Scope = "app_id" | "channel" | "channel_account_id" | "method" | "store" | "refund_returns_fee";

export type FeeRuleInput = TariffInput &
  TermInput &
  Pick<FeeRule, "merchant_id" | "livemode"> &
  Partial<Pick<FeeRule, Scope> & Omit<Quota, "quota_time_zone">>;

/** Adds a fee rule; with a quota, a promotion. @throws fee.invalid_rule, merchant.not_found, agent.price_out_of_range */
export async function createFeeRule({ sql, clock, ids }: Services, input: FeeRuleInput): Promise<FeeRule> {
  const { time_zone } = await getMerchant(sql, input.merchant_id);
  checkMethod(input.method);
  if (input.channel != null && !isChannel(input.channel)) {
    throw invalidRule(
      "channel",
      `channel is "${input.channel}", of which there are no methods: give one such as wechat.`,
    );
  }
  const rule: FeeRule = {
    ...{ ...checkTariff(input), ...checkBand(input), ...checkTerm(input, clock.now()) },
    ...checkQuota(input, time_zone),
    merchant_id: input.merchant_id,
    id: ids.uuid(),
    livemode: input.livemode,
    app_id: input.app_id ?? null,
    channel: input.channel ?? null,
    channel_account_id: input.channel_account_id ?? null,
    method: input.method ?? null,
    store: input.store ?? null,
    refund_returns_fee: input.refund_returns_fee ?? true,
  };
  // A promotion may go below what agents pay: it is their commission, too, that it gives away.
  if (rule.quota_period === null) {
    const method = rule.method ?? (rule.channel && `${rule.channel}.*`);
    await checkMerchantFee(sql, { ...rule, method, at: rule.effective_from });
  }
  await insertFeeRule(sql, rule);
  return rule;
}

export type ChannelCostRuleInput = TariffInput &
  TermInput &
  Pick<ChannelCostRule, "channel_account_id"> &
  Partial<Pick<ChannelCostRule, "method" | "refund_returns_cost">>;

/** Adds a channel cost rule. @throws fee.invalid_rule */
export async function createChannelCostRule(
  { sql, clock, ids }: Services,
  input: ChannelCostRuleInput,
): Promise<ChannelCostRule> {
  checkMethod(input.method);
  const rule: ChannelCostRule = {
    ...{ ...checkTariff(input), ...checkBand(input), ...checkTerm(input, clock.now()) },
    channel_account_id: input.channel_account_id,
    id: ids.uuid(),
    method: input.method ?? null,
    refund_returns_cost: input.refund_returns_cost ?? true,
  };
  await insertChannelCostRule(sql, rule);
  return rule;
}

const isChannel = (name: string) => methods.some((method) => method.startsWith(`${name}.`));

/** A rule for a method that does not exist would never price anything, and nobody would notice. */
function checkMethod(method: string | null | undefined): void {
  if (method == null || methods.some((known) => known === method)) return;
  const family = familyOf(method);
  if (family !== undefined && isChannel(family)) return;
  throw invalidRule(
    "method",
    `method is "${method}": give one such as wechat.native, or wechat.* for all of a channel.`,
  );
}
