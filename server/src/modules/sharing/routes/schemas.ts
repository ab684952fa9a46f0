/** The wire shapes of receivers and sharings. */
import { type TSchema, Type } from "typebox";
import { sharesProperties } from "../../payment/index.ts";
import { refundPolicies } from "../sharing.ts";

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const NullableString = Nullable(Type.String());
const Failure = Nullable(Type.Object({ code: Type.String(), message: Type.String() }));

export const IdParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

export const CreateReceiverBody = Type.Object({
  kind: Type.Union(
    ["merchant", "merchant_no", "openid", "user_id", "login_id"].map((kind) => Type.Literal(kind)),
    { description: "A merchant of this platform, or how the channel names the receiver." },
  ),
  merchant: Type.Optional(Type.String({ maxLength: 64, description: "For `merchant`: its id, mch_…" })),
  channel: Type.Optional(Type.String({ maxLength: 32, description: "For the others: wechat or alipay." })),
  account: Type.Optional(
    Type.String({ minLength: 1, maxLength: 128, description: "The receiver's number or name at the channel." }),
  ),
  name: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 128,
      description: "The receiver's real name, where the channel checks it. Encrypted, and never shown again.",
    }),
  ),
  label: Type.Optional(
    Type.String({ minLength: 1, maxLength: 64, description: "For you; the receiver never sees it." }),
  ),
});

export const ReceiverObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("receiver"),
  livemode: Type.Boolean(),
  kind: Type.String(),
  merchant: NullableString,
  channel: NullableString,
  account: Nullable(Type.String({ description: "Masked." })),
  name: Nullable(Type.String({ description: "Masked." })),
  label: NullableString,
  status: Type.String({ description: "active or disabled." }),
  channel_accounts: Type.Array(
    Type.Object({
      channel_account: Type.String(),
      status: Type.String({ description: "created (being added), bound, failed, removing or removed." }),
      failure: Failure,
    }),
    { description: "Which channel accounts know it. They are told when something is first shared." },
  ),
  created_at: Type.String(),
});

const Share = Type.Object({
  receiver: Type.String(),
  amount: Nullable(Type.Integer()),
  ratio_ppm: Nullable(Type.Integer()),
  description: NullableString,
});

export const CreateGroupBody = Type.Object({
  name: Type.String({ minLength: 1, maxLength: 64 }),
  members: sharesProperties.receivers,
});

export const GroupObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("receiver_group"),
  livemode: Type.Boolean(),
  name: Type.String(),
  members: Type.Array(Share),
  status: Type.String({ description: "active or disabled." }),
  created_at: Type.String(),
});

export const CreateOrderBody = Type.Object({
  payment: Type.String({ maxLength: 64, description: "The payment's id, pay_…" }),
  out_sharing_no: Type.String({
    minLength: 1,
    maxLength: 64,
    description:
      "Your number of the sharing, unique within the app. The same number with the same content gives the same sharing.",
  }),
  ...sharesProperties,
  release: Type.Optional(
    Type.Boolean({ default: false, description: "Release the rest at the channel once all receivers have theirs." }),
  ),
  refund_policy: Type.Optional(
    Type.Union(
      refundPolicies.map((policy) => Type.Literal(policy)),
      {
        description:
          "What a refund does that is larger than what is left: `return` has receivers give back first, `refuse` refuses it, `merchant` takes it from your balance. As set for the merchant unless given.",
      },
    ),
  ),
});

const Part = Type.Object({
  id: Type.String(),
  receiver: Type.String(),
  mode: Type.String({ description: "channel, or books: to another merchant of this platform." }),
  status: Type.String({ description: "created, sent, unknown, succeeded or failed." }),
  amount: Type.Integer(),
  amount_returned: Type.Integer(),
  amount_returning: Type.Integer(),
  description: Type.String(),
  retried: Type.Boolean({ description: "It failed, and another part took its place." }),
  failure: Failure,
  finished_at: NullableString,
});

export const OrderObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("sharing_order"),
  livemode: Type.Boolean(),
  status: Type.String({
    description: "scheduled, created, processing, succeeded, partially_succeeded or failed.",
  }),
  payment: Type.String(),
  out_trade_no: Type.String(),
  out_sharing_no: Nullable(Type.String({ description: "Null when the payment or a rule asked for it." })),
  sharing_no: Type.String({ description: "Our number at the channel." }),
  channel_sharing_no: NullableString,
  channel: Type.String(),
  currency: Type.String(),
  amount: Type.Integer({ description: "All parts that did not fail." }),
  amount_returned: Type.Integer(),
  receivers: Type.Array(Part),
  automatic: Type.Boolean(),
  release: Type.Boolean(),
  refund_policy: Type.String(),
  failure: Failure,
  unknown_reason: NullableString,
  created_at: Type.String(),
  finished_at: NullableString,
});

export const ListOrdersFilters = {
  payment: Type.Optional(Type.String({ maxLength: 64, description: "Only this payment's." })),
  status: Type.Optional(
    Type.Union(
      ["scheduled", "created", "processing", "succeeded", "partially_succeeded", "failed"].map((status) =>
        Type.Literal(status),
      ),
    ),
  ),
  out_sharing_no: Type.Optional(Type.String({ maxLength: 64 })),
};

export const CreateReturnBody = Type.Object({
  out_return_no: Type.String({
    minLength: 1,
    maxLength: 64,
    description:
      "Your number of the return, unique within the app. The same number with the same content gives the same return.",
  }),
  receiver: Type.String({ maxLength: 64, description: "Who gives back, rcv_…" }),
  amount: Type.Integer({ minimum: 1, maximum: 100_000_000_000, description: "Minor units." }),
});

export const ReturnObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("sharing_return"),
  livemode: Type.Boolean(),
  status: Type.String({ description: "created, sent, unknown, succeeded or failed." }),
  amount: Type.Integer(),
  currency: Type.String(),
  sharing_order: Type.String(),
  payment: Type.String(),
  receiver: Type.String(),
  out_return_no: Nullable(Type.String({ description: "Null when a refund asked for it." })),
  return_no: Type.String({ description: "Our number at the channel." }),
  refund: NullableString,
  with_refund: Type.Boolean({ description: "The channel takes it back within the refund." }),
  failure: Failure,
  unknown_reason: NullableString,
  created_at: Type.String(),
  finished_at: NullableString,
});

export const ReleaseObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("sharing_release"),
  livemode: Type.Boolean(),
  status: Type.String({ description: "created, sent, unknown, succeeded or failed." }),
  payment: Type.String(),
  release_no: Type.String({ description: "Our number at the channel." }),
  failure: Failure,
  unknown_reason: NullableString,
  created_at: Type.String(),
  finished_at: NullableString,
});

export const PaymentSharingObject = Type.Object({
  object: Type.Literal("payment_sharing"),
  payment: Type.String(),
  currency: Type.String(),
  amount: Type.Integer(),
  shared: Type.Integer({ description: "What receivers have or are about to get." }),
  left: Type.Integer({
    description:
      "What may still be shared: less fee, refunds, refunds under way and what is shared. Channels may allow less.",
  }),
  held: Type.Boolean({ description: "The channel was asked to hold the money back." }),
  release: Nullable(ReleaseObject),
});
