/** The fields of a PayPal account, in the order of a form. Their types and forms are the schema's (`config.ts`). */
import type { ConfigField } from "../contract.ts";

/** What the developer site shows of a REST app, and the number of the business account that it belongs to. */
export const paypalFields: readonly ConfigField[] = [
  {
    name: "client_id",
    label: { zh: "客户端 ID（Client ID）", en: "Client ID" },
    hint: {
      zh: "developer.paypal.com → Apps & Credentials → 您的应用",
      en: "developer.paypal.com → Apps & Credentials → your app",
    },
    secret: false,
    required: true,
    input: "text",
  },
  {
    name: "client_secret",
    label: { zh: "客户端密钥（Secret）", en: "Client secret" },
    hint: { zh: "与客户端 ID 在同一页；只显示一次", en: "On the same page as the client ID" },
    secret: true,
    required: true,
    input: "text",
  },
  {
    name: "merchant_id",
    label: { zh: "商家账号（Merchant ID）", en: "Merchant ID" },
    hint: {
      zh: "PayPal 商家账户 → 账户设置 → 商家信息；13 位字母数字",
      en: "Business account → Account settings → Business information; 13 letters and digits",
    },
    secret: false,
    required: true,
    input: "text",
  },
  {
    name: "webhook_id",
    label: { zh: "Webhook ID", en: "Webhook ID" },
    hint: {
      zh: "在应用页添加 Webhook（地址为本账户的通知地址，订阅 Checkout、Payments 和 Disputes 事件）后显示",
      en: "Shown once a webhook is added to the app, with this account's notice address and the checkout, payment and dispute events",
    },
    secret: false,
    required: true,
    input: "text",
  },
  {
    name: "funding",
    label: { zh: "付款方式", en: "How payers may pay" },
    hint: {
      zh: "“不限”允许电子支票，款项可能数日后才到账；留空为“仅即时”",
      en: "Any way includes eChecks, whose money comes days later; instant ways only when left empty",
    },
    secret: false,
    required: false,
    input: "choice",
    choices: [
      { value: "instant", label: { zh: "仅即时到账", en: "Instant ways only" } },
      { value: "any", label: { zh: "不限", en: "Any way" } },
    ],
  },
  {
    name: "webhook_root_certificate",
    label: { zh: "Webhook 证书的根证书（PEM）", en: "Root certificate of the webhooks' signer (PEM)" },
    hint: { zh: "仅沙箱需要；留空为公共根证书", en: "For a sandbox only; the public roots when left empty" },
    secret: false,
    required: false,
    input: "file",
  },
  {
    name: "base_url",
    label: { zh: "API 地址", en: "API address" },
    hint: {
      zh: "留空为 https://api-m.paypal.com；测试账户填 https://api-m.sandbox.paypal.com",
      en: "https://api-m.paypal.com when left empty; test accounts: https://api-m.sandbox.paypal.com",
    },
    secret: false,
    required: false,
    input: "address",
  },
];
