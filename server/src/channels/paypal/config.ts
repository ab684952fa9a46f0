/** A PayPal account (a REST app of a business account): what is configured, how it is checked, and how it is opened. */
import { X509Certificate } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import type { Clock } from "../../kit/clock.ts";
import type { Secret } from "../../kit/secret.ts";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount, Expiry } from "../contract.ts";
import { problemOf, problemsOfValidity } from "../key-material.ts";

const text = (pattern: string) => Type.String({ pattern });

export const paypalConfigSchema = Type.Object(
  {
    client_id: text("^[A-Za-z0-9_-]{20,200}$"),
    /** The business account that is paid: echoed as the payee. */
    merchant_id: text("^[2-9A-HJ-NP-Z]{13}$"),
    /** Part of what each webhook's signature covers. */
    webhook_id: text("^[A-Za-z0-9]{1,50}$"),
    /** `instant` (unless given) refuses what PayPal could only collect later, such as eChecks. */
    funding: Type.Optional(Type.Union([Type.Literal("instant"), Type.Literal("any")])),
    /** Instead of the public roots: the chain of the webhooks' certificate must end in it. */
    webhook_root_certificate: Type.Optional(Type.String({ minLength: 1, maxLength: 10_000 })),
    base_url: Type.Optional(text("^https?://[^?#]+$")),
  },
  { additionalProperties: false },
);
export type PaypalConfig = Type.Static<typeof paypalConfigSchema>;

/** An account, opened. */
export interface PaypalAccount {
  readonly client_id: string;
  readonly client_secret: Secret;
  readonly merchant_id: string;
  readonly webhook_id: string;
  readonly funding: "instant" | "any";
  readonly webhook_root: X509Certificate | undefined;
  /** No slash at the end. */
  readonly base_url: string;
}

/** Opens an account; remembered per version. Throws when the account has faults that `checkPaypalAccount` names. */
export const openPaypalAccount = memoizeByAccount((account): PaypalAccount => {
  const config = account.config as PaypalConfig;
  const { client_secret } = account.secrets;
  if (!client_secret) throw new Error("the account has no client_secret");
  const { webhook_root_certificate: root } = config;
  return {
    client_id: config.client_id,
    client_secret,
    merchant_id: config.merchant_id,
    webhook_id: config.webhook_id,
    funding: config.funding ?? "instant",
    webhook_root: root === undefined ? undefined : new X509Certificate(root),
    base_url: (config.base_url ?? "https://api-m.paypal.com").replace(/\/+$/, ""),
  };
});

/** Sentences about what is wrong with an account; empty when it is good. */
export function checkPaypalAccount(account: ChannelAccount, clock: Clock): string[] {
  if (!Value.Check(paypalConfigSchema, account.config)) {
    return Value.Errors(paypalConfigSchema, account.config).map((e) => `config${e.instancePath} ${e.message}`);
  }
  const secret = account.secrets.client_secret?.reveal();
  if (secret === undefined) return ["client_secret is missing"];
  if (!/^[A-Za-z0-9_-]{40,200}$/.test(secret)) {
    return ["client_secret is not one of PayPal's: 40 to 200 letters, digits, - and _"];
  }
  const { webhook_root_certificate: root } = account.config;
  if (root === undefined) return [];
  const unreadable = problemOf("webhook_root_certificate is not a certificate", () => new X509Certificate(root));
  if (unreadable.length > 0) return unreadable;
  return problemsOfValidity("webhook_root_certificate", new X509Certificate(root), clock.now());
}

/** PayPal's secrets do not age; only a root of one's own does. */
export function expiriesOfPaypal(account: ChannelAccount): Expiry[] {
  const { webhook_root } = openPaypalAccount(account);
  if (!webhook_root) return [];
  return [
    {
      name: "webhook_root_certificate",
      label: { zh: "Webhook 证书的根证书", en: "Root certificate of the webhooks' signer" },
      expires_at: Date.parse(webhook_root.validTo),
    },
  ];
}
