import { Type } from "typebox";
import { operationTypes, scopes } from "../operation.ts";

const NullableString = Type.Union([Type.String(), Type.Null()]);
const NullableAmount = Type.Union([Type.Integer(), Type.Null()]);
const NullableTime = Type.Union([Type.String({ format: "date-time" }), Type.Null()]);
const choice = <Value extends string>(values: readonly Value[], description?: string) =>
  Type.Unsafe<Value>({ type: "string", enum: [...values], ...(description !== undefined && { description }) });
const nullable = <Value extends string>(values: readonly Value[], description?: string) =>
  Type.Unsafe<Value | null>({ enum: [...values, null], ...(description !== undefined && { description }) });

export const OperationType = choice(operationTypes, "What is done to the account.");
export const ScopeChoice = choice(scopes, "freeze, unfreeze: money that comes in, that goes out, or both.");
export const AccountChoice = choice(["pending", "available"] as const, "freeze_amount, adjust: which balance.");
export const DirectionChoice = choice(["credit", "debit"] as const, "adjust: to the merchant, or from it.");
export const OperationStatusChoice = choice(["pending", "done", "declined"] as const);

const Person = Type.Object({
  type: choice(["user", "api_key", "system"] as const),
  id: NullableString,
  email: NullableString,
  name: NullableString,
});

const SnapshotObject = Type.Object({
  status: choice(["open", "closed"] as const),
  credit_frozen: Type.Boolean(),
  debit_frozen: Type.Boolean(),
  refunds_frozen: Type.Boolean(),
  balances: Type.Record(Type.String(), Type.Integer()),
});

export const OperationObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("account_operation"),
  merchant: Type.String(),
  livemode: Type.Boolean(),
  currency: Type.String(),
  type: OperationType,
  scope: nullable(scopes),
  include_refunds: Type.Boolean(),
  account: nullable(["pending", "available"]),
  direction: nullable(["credit", "debit"]),
  amount: NullableAmount,
  released: Type.Union([Type.Integer(), Type.Null()], { description: "Of a frozen amount: how much is free again." }),
  freeze: Type.Union([Type.String(), Type.Null()], { description: "release_amount: the freeze." }),
  transaction: Type.Union([Type.String(), Type.Null()], { description: "reverse: what is taken back." }),
  reason: Type.String(),
  status: OperationStatusChoice,
  approval: NullableString,
  maker: Type.Union([Person, Type.Null()]),
  checker: Type.Union([Person, Type.Null()]),
  comment: NullableString,
  booked_by: Type.Union([Type.String(), Type.Null()], {
    description: "The balance entry's transaction, if money moved.",
  }),
  before: Type.Union([SnapshotObject, Type.Null()]),
  after: Type.Union([SnapshotObject, Type.Null()]),
  created_at: Type.String({ format: "date-time" }),
  done_at: NullableTime,
});

export const ControlsObject = Type.Object({
  object: Type.Literal("account_controls"),
  merchant: Type.String(),
  livemode: Type.Boolean(),
  currency: Type.String(),
  status: choice(["open", "closed"] as const),
  credit_frozen: Type.Boolean({
    description: "止收: no payment, share or adjustment in the merchant's favour begins.",
  }),
  debit_frozen: Type.Boolean({ description: "止付: no payout, share or adjustment against the merchant begins." }),
  refunds_frozen: Type.Boolean({ description: "Whether refunds do not begin either." }),
});
