import { Type } from "typebox";

const NullableString = Type.Union([Type.String(), Type.Null()]);
const NullableTime = Type.Union([Type.String({ format: "date-time" }), Type.Null()]);
const OneOf = <Value extends string>(values: readonly Value[], description: string) =>
  Type.Unsafe<Value>({ type: "string", enum: [...values], description });

export const Metadata = Type.Record(Type.String({ maxLength: 40 }), Type.String({ maxLength: 500 }), {
  maxProperties: 50,
});
export const Label = Type.String({ minLength: 1, maxLength: 80, description: "Your own name for it." });

/** The particulars of an account. */
export const accountProperties = {
  type: OneOf(["bank_card", "alipay", "wechat"] as const, "Which of the three below is given."),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description:
        "The account's owner as the bank or channel knows them. Needed for bank_card and for an Alipay login_id; WeChat Pay compares it from CNY 2,000 on.",
    }),
  ),
  bank_card: Type.Optional(
    Type.Object({
      number: Type.String({ minLength: 5, maxLength: 40 }),
      account_type: Type.Optional(OneOf(["personal", "corporate"] as const, "personal unless given.")),
      bank_name: Type.String({ minLength: 1, maxLength: 100 }),
      branch_name: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      cnaps_code: Type.Optional(Type.String({ maxLength: 12, description: "联行号, 12 digits." })),
    }),
  ),
  alipay: Type.Optional(
    Type.Object({
      login_id: Type.Optional(Type.String({ maxLength: 100, description: "Mobile number or e-mail address." })),
      user_id: Type.Optional(Type.String({ maxLength: 16, description: "2088…, 16 digits." })),
    }),
  ),
  wechat: Type.Optional(
    Type.Object({
      openid: Type.String({ maxLength: 64 }),
      appid: Type.String({ maxLength: 32, description: "The app that the openid belongs to." }),
    }),
  ),
};

export const BeneficiaryObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("beneficiary"),
  livemode: Type.Boolean(),
  status: OneOf(
    ["unverified", "verified", "disabled", "deleted"] as const,
    "Only a verified one is paid to, from payable_from on.",
  ),
  type: Type.String(),
  account: Type.String({ description: "Masked." }),
  name: Type.Union([Type.String(), Type.Null()], { description: "Masked." }),
  details: Type.Object({
    account_type: Type.Optional(Type.String()),
    bank_name: Type.Optional(Type.String()),
    branch_name: Type.Optional(Type.String()),
    cnaps_code: Type.Optional(Type.String()),
    appid: Type.Optional(Type.String()),
  }),
  version: Type.Integer({ description: "Counts the changes of the account." }),
  fingerprint: Type.String({ description: "The same for the same account." }),
  payable_from: Type.String({ format: "date-time", description: "When the cooling after the last change is over." }),
  verified_at: NullableTime,
  label: NullableString,
  metadata: Type.Record(Type.String(), Type.String()),
  created_at: Type.String({ format: "date-time" }),
});

export const BeneficiaryParams = Type.Object({ id: Type.String({ maxLength: 64 }) });
