import { Type } from "typebox";

const NullableString = Type.Union([Type.String(), Type.Null()]);

export const CreateRefundBody = Type.Object({
  payment: Type.String({ maxLength: 64, description: "The payment's id, pay_…" }),
  out_refund_no: Type.String({
    minLength: 1,
    maxLength: 64,
    description:
      "Your number of the refund, unique within the app. The same number with the same content gives the same refund.",
  }),
  amount: Type.Integer({ minimum: 1, maximum: 100_000_000_000, description: "Minor units of the payment's currency." }),
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 80, description: "The payer may read it." })),
});

export const RefundObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("refund"),
  livemode: Type.Boolean(),
  status: Type.String({
    description: "returning (receivers of shares give back first), created, sent, unknown, succeeded or failed.",
  }),
  amount: Type.Integer(),
  currency: Type.String(),
  payment: Type.String(),
  out_trade_no: Type.String(),
  serial_no: Type.String(),
  channel_trade_no: NullableString,
  out_refund_no: Type.Union([Type.String(), Type.Null()], {
    description: "Null when the platform refunded by itself.",
  }),
  refund_no: Type.String({ description: "Our number at the channel." }),
  channel_refund_no: NullableString,
  channel: Type.String(),
  reason: NullableString,
  automatic: Type.Boolean({ description: "The payer had paid twice, and the second money goes back." }),
  from_receivers: Type.Integer({ description: "What receivers of shares give back within the channel's refund." }),
  fee_returned: Type.Integer(),
  failure: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  created_at: Type.String(),
  finished_at: NullableString,
});

export const RefundParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

export const ListRefundsFilters = {
  payment: Type.Optional(Type.String({ maxLength: 64, description: "Only this payment's refunds." })),
  status: Type.Optional(
    Type.Union(
      ["returning", "created", "sent", "unknown", "succeeded", "failed"].map((status) => Type.Literal(status)),
    ),
  ),
  out_refund_no: Type.Optional(Type.String({ maxLength: 64 })),
};
