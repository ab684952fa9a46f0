/** A Stripe account: what is configured, how it is checked, and how it is opened. */
import Type from "typebox";
import { Value } from "typebox/value";
import type { ChannelAccount, ConfigField } from "../contract.ts";

const accountNumber = Type.String({ pattern: "^acct_[0-9A-Za-z]{6,40}$" });

export const stripeConfigSchema = Type.Object(
  {
    /** The account that the key is of; compared when the connection is checked. */
    account_id: Type.Optional(accountNumber),
    /** Of a Connect platform: the account to collect for (`Stripe-Account`). Its events must name it. */
    connected_account_id: Type.Optional(accountNumber),
    /** What the payer may pay by at the checkout; cards only when left out. */
    payment_method_types: Type.Optional(
      Type.Array(Type.String({ pattern: "^[a-z_0-9]{2,40}$" }), { minItems: 1, maxItems: 20, uniqueItems: true }),
    ),
    base_url: Type.Optional(Type.String({ pattern: "^https?://[^/?#]+/?$" })),
  },
  { additionalProperties: false },
);
export type StripeConfig = Type.Static<typeof stripeConfigSchema>;

/** Every field of an account, in the order of a form. */
export const stripeFields: readonly ConfigField[] = [
  {
    name: "secret_key",
    label: { zh: "私钥（Secret key）", en: "Secret key" },
    hint: {
      zh: "sk_ 或受限密钥 rk_；受限密钥需要结账会话、退款的写权限和 PaymentIntent、余额、余额交易来源的读权限",
      en: "sk_…, or a restricted rk_… that may write Checkout Sessions and refunds, and read payment intents, the balance and balance transaction sources",
    },
    secret: true,
    required: true,
    input: "text",
  },
  {
    name: "webhook_secret",
    label: { zh: "Webhook 签名密钥", en: "Webhook signing secret" },
    hint: {
      zh: "在 Stripe 后台添加指向 /notify/stripe/<账户> 的端点后显示，以 whsec_ 开头",
      en: "whsec_…, shown once the endpoint /notify/stripe/<account> has been added in Stripe's Dashboard",
    },
    secret: true,
    required: true,
    input: "text",
  },
  {
    name: "account_id",
    label: { zh: "账户编号", en: "Account number" },
    hint: {
      zh: "以 acct_ 开头；填写后检查连接时会核对密钥是否属于该账户",
      en: "acct_…; when given, checking the connection compares whose key it is",
    },
    secret: false,
    required: false,
    input: "text",
  },
  {
    name: "connected_account_id",
    label: { zh: "关联账户（Connect）", en: "Connected account" },
    hint: {
      zh: "仅 Connect 平台代其他账户收款时填写，以 acct_ 开头",
      en: "acct_…, only where a Connect platform collects for another account",
    },
    secret: false,
    required: false,
    input: "text",
  },
  {
    name: "payment_method_types",
    label: { zh: "支付方式", en: "Payment methods" },
    hint: { zh: "不填则只收银行卡（card）", en: "Left out: cards only (card)" },
    secret: false,
    required: false,
    input: "list",
  },
  {
    name: "base_url",
    label: { zh: "接口地址", en: "API address" },
    hint: { zh: "不填则为 https://api.stripe.com", en: "Left out: https://api.stripe.com" },
    secret: false,
    required: false,
    input: "address",
  },
];

/** What a call needs of an account. */
export interface StripeSettings {
  readonly secret_key: string;
  readonly connected_account_id: string | undefined;
  readonly payment_method_types: readonly string[];
  readonly base_url: URL;
}

/** Throws when the account has faults that `checkStripeAccount` names. */
export function readSettings(account: ChannelAccount): StripeSettings {
  const config = account.config as StripeConfig;
  const secret_key = account.secrets.secret_key?.reveal();
  if (!secret_key) throw new Error("the account has no secret_key");
  return {
    secret_key,
    connected_account_id: config.connected_account_id,
    payment_method_types: config.payment_method_types ?? ["card"],
    base_url: new URL(config.base_url ?? "https://api.stripe.com"),
  };
}

/** Sentences about what is wrong with an account; empty when it is good. They show nothing of the secrets. */
export function checkStripeAccount(account: ChannelAccount): string[] {
  if (!Value.Check(stripeConfigSchema, account.config)) {
    return Value.Errors(stripeConfigSchema, account.config).map((e) => `config${e.instancePath} ${e.message}`);
  }
  const { secret_key, webhook_secret } = account.secrets;
  return [
    ...(secret_key ? problemsOfKey(secret_key.reveal(), account.livemode) : ["secret_key is missing"]),
    ...(webhook_secret ? problemsOfWebhookSecret(webhook_secret.reveal()) : ["webhook_secret is missing"]),
  ];
}

function problemsOfKey(key: string, livemode: boolean): string[] {
  if (/^pk_/.test(key)) return ["secret_key is a publishable key (pk_…): the secret one begins with sk_ or rk_"];
  const mode = /^(?:sk|rk)_(test|live)_[0-9A-Za-z_]{8,}$/.exec(key)?.[1];
  if (mode === undefined) return ["secret_key is not a secret key of Stripe (sk_test_…, sk_live_…, rk_…)"];
  if (livemode === (mode === "live")) return [];
  return [`secret_key is a ${mode} key, but the account is ${livemode ? "live" : "for tests"}`];
}

function problemsOfWebhookSecret(secret: string): string[] {
  return /^whsec_[0-9A-Za-z+/=_-]{8,}$/.test(secret) ? [] : ["webhook_secret is not an endpoint's secret (whsec_…)"];
}
