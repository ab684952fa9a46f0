import { Type } from "typebox";

const Figure = (description: string) => Type.Integer({ description });
const Group = (description: string) => Type.Object({ count: Type.Integer(), amount: Type.Integer() }, { description });
const NullableString = Type.Union([Type.String(), Type.Null()]);

/** The answer's schema of an agent's month. */
export const CommissionSettlementObject = Type.Object(
  {
    id: Type.String(),
    object: Type.Literal("commission_settlement"),
    agent: Type.String(),
    livemode: Type.Boolean(),
    currency: Type.String(),
    month: Type.String({ description: "2026-11, by the agent's calendar." }),
    status: Type.Unsafe<"collecting" | "settled">({ type: "string", enum: ["collecting", "settled"] }),
    total: Figure("What was earned less what refunds took back, in minor units."),
    brought_forward: Figure("What the month before left: a debt where it is negative."),
    amount: Figure("What became available to the agent."),
    carried_forward: Figure("Left for the next month: a debt, or held while the agent's account takes nothing."),
    merchant_count: Type.Integer(),
    ends_at: Type.String({ format: "date-time", description: "What was booked then or later is not in it." }),
    settled_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()]),
    created_at: Type.String({ format: "date-time" }),
  },
  { description: "brought_forward and total are amount and carried_forward." },
);

/** The answer's schema of one merchant and method in a month. */
export const CommissionLineObject = Type.Object({
  object: Type.Literal("commission_line"),
  merchant: Type.String(),
  merchant_name: NullableString,
  method: Type.Union([Type.String(), Type.Null()], { description: "Null for corrections." }),
  payments: Group("What was paid."),
  refunds: Group("What was refunded (negative), less refunds that failed."),
  earned: Figure("Commission of these payments."),
  returned: Figure("What refunds took back of commission (negative)."),
  commission: Figure("The sum of the two."),
});
