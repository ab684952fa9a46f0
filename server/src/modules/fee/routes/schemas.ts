/** The wire shapes of fee rules and previews, as the API describes them. */
import { Type } from "typebox";

const NullableString = (description: string) => Type.Union([Type.String(), Type.Null()], { description });
const NullableAmount = (description: string) => Type.Union([Type.Integer(), Type.Null()], { description });
const Amount = (description: string) => Type.Integer({ description });
const FundingMode = Type.Unsafe<"direct" | "pooled">({ type: "string", enum: ["direct", "pooled"] });

const QuotaObject = Type.Object(
  {
    period: Type.String({ description: "day, week, month or ever." }),
    count: NullableAmount("Payments in each period."),
    amount: NullableAmount("Money in each period, in minor units."),
    time_zone: Type.String(),
  },
  { description: "The rule is a promotion: it prices while this lasts, before any other rule." },
);

export const FeeRuleObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("fee_rule"),
    livemode: Type.Boolean(),
    currency: Type.String(),
    rate_ppm: Amount("Parts per million of the amount: 6000 is 0.6 %."),
    fixed_amount: Amount("Added to each payment, in minor units."),
    floor_amount: Amount("The least that is charged."),
    cap_amount: NullableAmount("The most that is charged."),
    rounding: Type.String({ description: "half_up, half_even, up or down." }),
    app: NullableString("Only this app."),
    channel: NullableString("Only this channel."),
    channel_account: NullableString("Only this channel account."),
    method: NullableString("Only this method, or all of a channel as wechat.*."),
    store: NullableString("Only payments that carry this store."),
    amount_from: NullableAmount("Only payments of this amount or more."),
    amount_below: NullableAmount("Only payments of less than this amount."),
    quota: Type.Union([QuotaObject, Type.Null()]),
    refund_returns_fee: Type.Boolean({ description: "Whether a refund gives back its share of the fee." }),
    effective_from: Type.String({ format: "date-time" }),
    effective_until: NullableString("From then on it prices nothing more; null while it has no end."),
    created_at: Type.String({ format: "date-time" }),
  },
  { description: "Where a field that names something is null, the rule applies to any." },
);

export const FeeQuoteObject = Type.Object({
  object: Type.Literal("fee_quote"),
  channel_account: Type.String(),
  channel: Type.String(),
  funding_mode: FundingMode,
  fee_rule: NullableString("The rule that would price the payment; null where none applies and nothing is charged."),
  fee: Amount("Minor units."),
  net: Amount("The amount less the fee."),
  quota_period: NullableString("Where a promotion prices it: the period whose quota it would take a place of."),
  refund_returns_fee: Type.Boolean(),
});
