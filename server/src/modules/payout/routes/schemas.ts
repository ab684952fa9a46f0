/** The wire shapes of payouts. */
import { Type } from "typebox";

const NullableString = Type.Union([Type.String(), Type.Null()]);
const NullableTime = Type.Union([Type.String({ format: "date-time" }), Type.Null()]);
const AMOUNT_MAX = 100_000_000_000;

export const Amount = Type.Integer({ minimum: 1, maximum: AMOUNT_MAX, description: "Minor units of the currency." });
export const Currency = Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217, such as CNY." });

export const CreatePayoutBody = Type.Object({
  out_payout_no: Type.String({
    minLength: 1,
    maxLength: 64,
    description:
      "Your number of the payout, unique within the app. The same number with the same content gives the same payout.",
  }),
  amount: Amount,
  currency: Currency,
  beneficiary: Type.String({ maxLength: 64, description: "The beneficiary's id, ben_…" }),
  title: Type.Optional(
    Type.String({ minLength: 1, maxLength: 32, description: "What the beneficiary reads; 提现 unless given." }),
  ),
  metadata: Type.Optional(
    Type.Record(Type.String({ maxLength: 40 }), Type.String({ maxLength: 500 }), { maxProperties: 50 }),
  ),
});

export const PayoutObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("payout"),
  livemode: Type.Boolean(),
  status: Type.String({
    description: "created, in_review, pending, sent, unknown, succeeded, failed, returned or cancelled.",
  }),
  out_payout_no: Type.Union([Type.String(), Type.Null()], {
    description: "Null when the platform made it by itself after a settlement.",
  }),
  amount: Type.Integer({ description: "What was asked for." }),
  currency: Type.String(),
  transfer_amount: Type.Integer({ description: "What the beneficiary gets." }),
  fee: Type.Integer({ description: "What it costs you besides transfer_amount." }),
  beneficiary: Type.String(),
  beneficiary_version: Type.Integer({ description: "The version of its account that is paid to." }),
  title: NullableString,
  metadata: Type.Record(Type.String(), Type.String()),
  automatic: Type.Boolean(),
  settlement: Type.Union([Type.String(), Type.Null()], { description: "The settlement after which it was made." }),
  batch: NullableString,
  channel: Type.Union([Type.String(), Type.Null()], { description: "Who pays: a channel, or the platform's bank." }),
  transfer_no: Type.String({ description: "Our number at the channel." }),
  channel_transfer_no: NullableString,
  action: Type.Union(
    [
      Type.Object({ type: Type.String(), parameters: Type.Optional(Type.Record(Type.String(), Type.String())) }),
      Type.Null(),
    ],
    {
      description:
        "What the beneficiary must still do: WeChat Pay's `jsapi` parameters are handed to requestMerchantTransfer in WeChat.",
    },
  ),
  waits_for: Type.Union([Type.String(), Type.Null()], {
    description:
      "Why nobody was told to pay yet: cooling (of the beneficiary), refused (nothing may leave your account), no_channel.",
  }),
  failure: Type.Union([Type.Object({ code: Type.String(), message: Type.String() }), Type.Null()]),
  created_at: Type.String({ format: "date-time" }),
  sent_at: NullableTime,
  succeeded_at: NullableTime,
  finished_at: NullableTime,
});

export const PayoutParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

export const OperatorPayoutObject = Type.Object({
  ...PayoutObject.properties,
  merchant: Type.String(),
  cost: Type.Integer({ description: "What the transfer costs the platform." }),
  channel_account: NullableString,
  bank_file: NullableString,
  unknown_reason: NullableString,
  recorded_by: Type.Union([Type.String(), Type.Null()], { description: "Who said how it ended, where a person did." }),
});

export const BankFileObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("payout_bank_file"),
  livemode: Type.Boolean(),
  currency: Type.String(),
  payouts: Type.Integer({ description: "How many." }),
  amount: Type.Integer({ description: "What the beneficiaries get in all." }),
  created_by: Type.String(),
  created_at: Type.String({ format: "date-time" }),
});
