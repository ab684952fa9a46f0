import { Type } from "typebox";
import { type ItemType, itemTypes } from "../items.ts";
import { type SettlementStatus, settlementStatuses } from "../settlement.ts";

export const StatusSchema = Type.Unsafe<SettlementStatus>({
  type: "string",
  enum: [...settlementStatuses],
  description: "in_review waits for the platform, and nothing is booked; what is rejected is in a later settlement.",
});

const NullableString = Type.Union([Type.String(), Type.Null()]);
const Figure = (description: string) => Type.Integer({ description });
const Group = (description: string) => Type.Object({ count: Type.Integer(), amount: Type.Integer() }, { description });

export const SettlementObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("settlement"),
    livemode: Type.Boolean(),
    status: StatusSchema,
    currency: Type.String(),
    amount: Figure("What is settled, in minor units: it becomes available, but for what is reserved."),
    reserved: Figure("The part of the amount that is held back and released later."),
    brought_forward: Figure("What the settlement before left over."),
    payments: Group("What was paid."),
    refunds: Group("What was refunded (negative), less refunds that failed."),
    shares: Group("Shared with receivers (negative), less what came back."),
    freezes: Group("Frozen by the platform (negative), less what was released."),
    adjustments: Group("Corrections."),
    fees: Figure("Fees taken (negative) and given back."),
    from_available: Figure("What your settled balance had paid of these already."),
    from_reserve: Figure("What your reserve had paid of them."),
    carried_forward: Figure("Left for the next settlement, because refunds after the cut-off have drawn on it."),
    cycle: Type.String({ description: "T+n (workdays), D+n (days), weekly, monthly or on_request." }),
    cut_off_at: Type.String({ format: "date-time", description: "What was booked then or later is not in it." }),
    created_at: Type.String({ format: "date-time" }),
  },
  {
    description:
      "brought_forward, payments, refunds, shares, freezes, adjustments, fees, from_available and from_reserve sum to amount and carried_forward.",
  },
);

export const SettlementItemObject = Type.Object({
  id: Type.String({ description: "Of the balance entry." }),
  object: Type.Literal("settlement_item"),
  livemode: Type.Boolean(),
  type: Type.Unsafe<ItemType>({ type: "string", enum: [...itemTypes] }),
  currency: Type.String(),
  amount: Figure("What was paid, or (negative) refunded."),
  fee: Figure("Fee taken (negative) or given back."),
  from_available: Figure("What your settled balance paid of it."),
  from_reserve: Figure("What your reserve paid of it."),
  net: Figure("The sum of the four: what it did to what was pending."),
  source: NullableString,
  payment: NullableString,
  out_trade_no: NullableString,
  out_refund_no: NullableString,
  created_at: Type.String({ format: "date-time" }),
});

export const SettlementParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
