import { Type } from "typebox";
import { approvalStatuses } from "../approval.ts";

const NullableString = Type.Union([Type.String(), Type.Null()]);
const NullableTime = Type.Union([Type.String({ format: "date-time" }), Type.Null()]);

/** Who made or checked something. */
export const Person = Type.Object({
  type: Type.Unsafe<"user" | "api_key" | "system">({ type: "string", enum: ["user", "api_key", "system"] }),
  id: NullableString,
  email: NullableString,
  name: NullableString,
});

export const StatusChoice = Type.Unsafe<(typeof approvalStatuses)[number]>({
  type: "string",
  enum: [...approvalStatuses],
});

export const ApprovalObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("approval"),
  kind: Type.String({ description: "What is done when it is approved." }),
  status: StatusChoice,
  merchant: NullableString,
  livemode: Type.Union([Type.Boolean(), Type.Null()]),
  subject: Type.Union([Type.String(), Type.Null()], { description: "Id of the object that it is about." }),
  details: Type.Unsafe<unknown>({ description: "What was asked for." }),
  amount: Type.Union([Type.Integer(), Type.Null()]),
  currency: NullableString,
  reason: Type.String(),
  maker: Person,
  checker: Type.Union([Person, Type.Null()], { description: "Who decided; null where no checker was needed." }),
  comment: NullableString,
  created_at: Type.String({ format: "date-time" }),
  expires_at: Type.String({ format: "date-time" }),
  decided_at: NullableTime,
  carried_out_at: Type.Union([Type.String({ format: "date-time" }), Type.Null()], {
    description: "When it was done; after the decision for what calls a channel.",
  }),
  problem: Type.Union([Type.String(), Type.Null()], {
    description: "Why it could not be done although it was approved: look at what it is about.",
  }),
});

export const PolicyObject = Type.Object({
  object: Type.Literal("approval_policy"),
  kind: Type.String(),
  currency: Type.String({ description: "`*`: currencies without a policy of their own, and what has no amount." }),
  above: Type.Integer({ description: "More than this needs a checker." }),
  updated_at: Type.String({ format: "date-time" }),
});

export const ApprovalParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
export const Comment = Type.String({ minLength: 1, maxLength: 500, description: "What the checker says to it." });
