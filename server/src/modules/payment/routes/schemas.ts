/** The wire shapes of payments. A schema is the contract, the validation and the documentation at once. */
import { Type } from "typebox";
import { methods } from "../../../channels/contract.ts";
import { RoutingDecisionObject } from "../../routing/index.ts";
import { AUTO_BARCODE } from "../new-attempt.ts";

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);

/** Above any payment a channel takes, and far below the integers that JSON numbers cannot carry exactly. */
const AMOUNT_MAX = 100_000_000_000;

export const Amount = Type.Integer({
  minimum: 1,
  maximum: AMOUNT_MAX,
  description: "Minor units of the currency: 1234 is CNY 12.34.",
});

const Currency = Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217 code in capitals, such as CNY." });

const namedMethods = [...methods, AUTO_BARCODE].map((method) => Type.Literal(method));

const Method = Type.Union(namedMethods, {
  description: "How the payer pays; `auto.barcode` chooses the channel by the digits of `payer.auth_code`.",
});

export const PayerInput = Type.Object(
  {
    openid: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "For wechat.jsapi and wechat.mini: the payer's openid under that appid.",
      }),
    ),
    buyer_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: "For alipay.jsapi: the buyer's user id or open id." }),
    ),
    user_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "For unionpay.jsapi: the payer's user id at UnionPay.",
      }),
    ),
    auth_code: Type.Optional(
      Type.String({
        pattern: "^[0-9]{16,24}$",
        description: "For the methods that end in `.barcode`: the digits of the payment code that the payer shows.",
      }),
    ),
    ip: Type.Optional(Type.String({ maxLength: 45, description: "The payer's address; wechat.h5 needs it." })),
  },
  { description: "What is known of the payer. Never shown again, never logged." },
);

const Metadata = Type.Record(Type.String({ pattern: "^.{1,40}$" }), Type.String({ maxLength: 500 }), {
  maxProperties: 50,
  description: "Up to 50 texts of your own, returned with the object and its events.",
});

const Url = (description: string) =>
  Type.String({ format: "uri", pattern: "^https?://", maxLength: 1024, description });

const AskedShare = Type.Object({
  receiver: Type.String({ maxLength: 64, description: "The receiver's id, rcv_…" }),
  amount: Type.Optional(Type.Integer({ minimum: 1, maximum: AMOUNT_MAX, description: "Minor units; or `ratio_ppm`." })),
  ratio_ppm: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: "Parts per million of the payment's amount, rounded down: 100000 is 10 %.",
    }),
  ),
  description: Type.Optional(Type.String({ minLength: 1, maxLength: 80, description: "The receiver may read it." })),
});

/** Whom to share with, wherever that may be said. */
export const sharesProperties = {
  receivers: Type.Optional(Type.Array(AskedShare, { minItems: 1, maxItems: 50 })),
  group: Type.Optional(Type.String({ maxLength: 64, description: "A group of receivers, rg_…, besides those named." })),
};

const SharingInput = Type.Object(
  {
    ...sharesProperties,
    hold: Type.Optional(
      Type.Boolean({
        description:
          "Whether the channel holds the money back until it is shared or released: true, unless all named receivers are merchants of this platform.",
      }),
    ),
    release: Type.Optional(
      Type.Boolean({ default: true, description: "Release the rest at the channel once all receivers have theirs." }),
    ),
  },
  {
    description:
      "Shares the payment as soon as it is paid. `{}` only holds it back, to be shared later by `/v1/sharing_orders`.",
  },
);

export const CreatePaymentBody = Type.Object({
  out_trade_no: Type.String({
    minLength: 1,
    maxLength: 64,
    description:
      "Your order number, unique within the app. The same number with the same content gives the same payment.",
  }),
  amount: Amount,
  currency: Currency,
  subject: Type.String({ minLength: 1, maxLength: 128, description: "What the payer reads." }),
  method: Type.Optional(
    Type.Union([...namedMethods, Type.Literal("cashier")], {
      description:
        "How the payer pays; `cashier` (also when left out) lets the payer choose on `cashier_url`, and `auto.barcode` chooses the channel by the digits of `payer.auth_code`.",
    }),
  ),
  description: Type.Optional(Type.String({ maxLength: 256 })),
  notify_url: Type.Optional(Url("Where this payment's events go, besides the app's webhook endpoints.")),
  return_url: Type.Optional(Url("Where the payer's browser goes afterwards.")),
  expires_in: Type.Optional(
    Type.Integer({ minimum: 60, maximum: 604_800, default: 7200, description: "Seconds until it closes by itself." }),
  ),
  payer: Type.Optional(PayerInput),
  store: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "The shop that takes the money." })),
  sharing: Type.Optional(SharingInput),
  metadata: Type.Optional(Metadata),
});

export const CreateAttemptBody = Type.Object({
  method: Method,
  payer: Type.Optional(PayerInput),
  return_url: Type.Optional(Url("Where the payer's browser goes afterwards, for this attempt.")),
});

export const ActionObject = Type.Object(
  {
    type: Type.String({ description: "qr_code, redirect, form, jsapi, app, bank_transfer or none." }),
    qr_code: Type.Optional(Type.String()),
    url: Type.Optional(Type.String()),
    fields: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: "Of a form: what the browser posts to `url`." }),
    ),
    parameters: Type.Optional(Type.Record(Type.String(), Type.String())),
    order_string: Type.Optional(Type.String()),
    bank_name: Type.Optional(Type.String({ description: "Of a bank_transfer, as the fields below." })),
    bank_code: Type.Optional(Type.String()),
    account_name: Type.Optional(Type.String()),
    account_number: Type.Optional(Type.String()),
    reference: Type.Optional(Type.String({ description: "What the payer must write into the transfer." })),
    amount: Type.Optional(Type.String({ description: "In major units, as the payer types it: 12.34." })),
    currency: Type.Optional(Type.String()),
  },
  { description: "What the payer's side does next." },
);

const Failure = Nullable(Type.Object({ code: Type.String(), message: Type.String() }));
const NullableString = Nullable(Type.String());
const Integer = Type.Integer();

export const PaymentObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("payment"),
  livemode: Type.Boolean(),
  status: Type.String({ description: "created, processing, succeeded, closed or failed." }),
  amount: Integer,
  currency: Type.String(),
  amount_refunded: Integer,
  amount_refunding: Integer,
  amount_shared: Type.Integer({ description: "What receivers got or are about to get, less what they gave back." }),
  out_trade_no: Type.String(),
  serial_no: Nullable(Type.String({ description: "Our number at the channel." })),
  channel_trade_no: Nullable(Type.String({ description: "The channel's number." })),
  method: Type.String(),
  channel: NullableString,
  subject: Type.String(),
  description: NullableString,
  action: ActionObject,
  cashier_url: Type.String(),
  failure: Failure,
  closing: Type.Boolean({ description: "A close was asked for and its channel has not answered yet." }),
  notify_url: NullableString,
  return_url: NullableString,
  store: NullableString,
  metadata: Type.Record(Type.String(), Type.String()),
  app: Type.String(),
  created_at: Type.String(),
  expires_at: Type.String(),
  succeeded_at: NullableString,
  closed_at: NullableString,
});

export const AttemptObject = Type.Object({
  id: Type.String(),
  object: Type.Literal("attempt"),
  livemode: Type.Boolean(),
  payment: Type.String(),
  serial_no: Type.String(),
  channel_trade_no: NullableString,
  channel_order_no: Nullable(
    Type.String({ description: "The channel's number of the order before it is paid, where it has one of its own." }),
  ),
  channel: Type.String(),
  channel_account: Type.String(),
  method: Type.String(),
  status: Type.String({ description: "created, sent, unknown, succeeded, failed or closed." }),
  amount: Integer,
  currency: Type.String(),
  action: ActionObject,
  failure: Failure,
  unknown_reason: NullableString,
  duplicate: Type.Boolean(),
  fee: Integer,
  routing: Nullable(RoutingDecisionObject),
  created_at: Type.String(),
  finished_at: NullableString,
});

export const PaymentParams = Type.Object({ id: Type.String({ maxLength: 64 }) });

export const IdempotencyHeaders = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({ description: "Makes a repeated request safe: it gives the first one's object." }),
  ),
});
