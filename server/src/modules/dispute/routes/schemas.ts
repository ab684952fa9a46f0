import { Type } from "typebox";
import { disputeStatuses } from "../dispute.ts";

const NullableString = Type.Union([Type.String(), Type.Null()]);

export const DisputeObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("dispute"),
  livemode: Type.Boolean(),
  status: Type.String({ description: "needs_response, under_review, won, lost or closed." }),
  amount: Type.Integer({ description: "What the payer wants back." }),
  currency: Type.String(),
  reason: Type.String({ description: "The channel's own word." }),
  respond_by: Type.Union([Type.String(), Type.Null()], { description: "Until when the channel takes evidence." }),
  payment: Type.String(),
  out_trade_no: Type.String(),
  serial_no: Type.String(),
  channel_trade_no: NullableString,
  channel: Type.String(),
  channel_dispute_no: Type.String(),
  stated_at: Type.String({ description: "When the channel said so." }),
  created_at: Type.String(),
  updated_at: Type.String(),
});

export const DisputeParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

export const ListDisputesFilters = {
  payment: Type.Optional(Type.String({ maxLength: 64, description: "Only this payment's disputes." })),
  status: Type.Optional(Type.Union(disputeStatuses.map((status) => Type.Literal(status)))),
};
