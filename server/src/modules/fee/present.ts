/** The wire shapes of fee rules and previews. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { FeeRule } from "./fee.ts";
import type { Quote } from "./preview-fee.ts";

const numberOf = (amount: bigint | null) => (amount === null ? null : Number(amount));

/** A rule as its merchant sees it; null is any. */
export function presentFeeRule(rule: FeeRule) {
  const { app_id, channel_account_id, effective_until, quota_period } = rule;
  return {
    id: publicId("fee_rule", rule.id),
    object: "fee_rule" as const,
    livemode: rule.livemode,
    currency: rule.currency,
    rate_ppm: Number(rule.rate_ppm),
    fixed_amount: Number(rule.fixed_amount),
    floor_amount: Number(rule.floor_amount),
    cap_amount: numberOf(rule.cap_amount),
    rounding: rule.rounding,
    app: app_id && publicId("app", app_id),
    channel: rule.channel,
    channel_account: channel_account_id && publicId("channel_account", channel_account_id),
    method: rule.method,
    store: rule.store,
    amount_from: numberOf(rule.amount_from),
    amount_below: numberOf(rule.amount_below),
    quota:
      quota_period === null
        ? null
        : {
            period: quota_period,
            count: numberOf(rule.quota_count),
            amount: numberOf(rule.quota_amount),
            time_zone: rule.quota_time_zone!,
          },
    refund_returns_fee: rule.refund_returns_fee,
    effective_from: toRfc3339(rule.effective_from),
    effective_until: effective_until === null ? null : toRfc3339(effective_until),
    created_at: toRfc3339(rule.created_at),
  };
}

/** What a payment would come to through one account. What the channel costs the platform is not the merchant's to see. */
export function presentQuote({ account, rule_id, fee, net, quota_period, refund_returns_fee }: Quote) {
  return {
    object: "fee_quote" as const,
    channel_account: publicId("channel_account", account.id),
    channel: account.channel,
    funding_mode: account.funding_mode,
    fee_rule: rule_id && publicId("fee_rule", rule_id),
    fee: Number(fee),
    net: Number(net),
    quota_period,
    refund_returns_fee,
  };
}
