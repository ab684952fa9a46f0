import { Type } from "typebox";

const NullableString = Type.Union([Type.String(), Type.Null()]);
const Figure = (description: string) => Type.Integer({ description });
const Group = (description: string) => Type.Object({ count: Type.Integer(), amount: Type.Integer() }, { description });

export const SettlementObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("settlement"),
    livemode: Type.Boolean(),
    currency: Type.String(),
    amount: Figure("What became available, in minor units."),
    brought_forward: Figure("What the settlement before left over."),
    payments: Group("What was paid."),
    refunds: Group("What was refunded (negative), less refunds that failed."),
    adjustments: Group("Corrections."),
    fees: Figure("Fees taken (negative) and given back."),
    from_available: Figure("What your settled balance had paid of these refunds already."),
    carried_forward: Figure("Left for the next settlement, because refunds after the cut-off have drawn on it."),
    cycle: Type.String({ description: "T+n (workdays), D+n (days), weekly, monthly or on_request." }),
    cut_off_at: Type.String({ format: "date-time", description: "What was booked then or later is not in it." }),
    created_at: Type.String({ format: "date-time" }),
  },
  {
    description:
      "brought_forward, payments, refunds, adjustments, fees and from_available sum to amount and carried_forward.",
  },
);

export const SettlementItemObject = Type.Object({
  id: Type.String({ description: "Of the balance entry." }),
  object: Type.Literal("settlement_item"),
  livemode: Type.Boolean(),
  type: Type.Unsafe<"payment" | "refund" | "adjustment">({ type: "string", enum: ["payment", "refund", "adjustment"] }),
  currency: Type.String(),
  amount: Figure("What was paid, or (negative) refunded."),
  fee: Figure("Fee taken (negative) or given back."),
  from_available: Figure("What your settled balance paid of it."),
  net: Figure("The sum of the three: what it did to what was pending."),
  source: NullableString,
  payment: NullableString,
  out_trade_no: NullableString,
  out_refund_no: NullableString,
  created_at: Type.String({ format: "date-time" }),
});

export const SettlementParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
