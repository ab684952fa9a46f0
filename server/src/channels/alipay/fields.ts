/** The fields of an Alipay account as a form shows them, and what of an account stops being good. */
import { X509Certificate } from "node:crypto";
import type { ChannelAccount, ConfigField, Expiry } from "../contract.ts";
import type { AlipayConfig } from "./config.ts";

/** Every field of `config` and of `secrets`, in the order of a form. */
export const alipayFields: readonly ConfigField[] = [
  {
    name: "app_id",
    label: { zh: "应用 APPID", en: "APPID of the application" },
    hint: {
      zh: "开放平台 → 控制台 → 应用详情，16 位数字；服务商代商户收款时填第三方应用的 APPID",
      en: "Open platform, console, application details; 16 digits. A service provider gives the third-party application's",
    },
    secret: false,
    required: true,
  },
  {
    name: "seller_id",
    label: { zh: "收款商户 PID", en: "PID of the receiving merchant" },
    hint: {
      zh: "2088 开头的 16 位数字；收到的每条通知都与它核对",
      en: "16 digits that begin with 2088; every notice is compared with it",
    },
    secret: false,
    required: true,
  },
  {
    name: "mode",
    label: { zh: "接口加签方式", en: "Signing mode" },
    hint: {
      zh: "须与开放平台的设置一致；转账只能用证书",
      en: "As set on the open platform; transfers need certificates",
    },
    secret: false,
    required: true,
    input: "choice",
    choices: [
      { value: "key", label: { zh: "公钥", en: "Keys" } },
      { value: "certificate", label: { zh: "证书", en: "Certificates" } },
    ],
  },
  {
    name: "app_private_key",
    label: { zh: "应用私钥", en: "App private key" },
    hint: {
      zh: "密钥工具生成的 RSA2（2048 位）私钥，PEM 或一行 Base64",
      en: "The RSA2 key (2048 bits) that was made with the key tool: PEM, or one line of base64",
    },
    secret: true,
    required: true,
    input: "file",
  },
  {
    name: "alipay_public_keys",
    label: { zh: "支付宝公钥", en: "Alipay's public keys" },
    hint: {
      zh: "公钥方式必填：支付宝公钥，不是应用公钥；更换期间可同时填新旧两个",
      en: "For keys: Alipay's, not the application's own. While Alipay's key is changed, the old and the new one",
    },
    secret: false,
    required: false,
    input: "files",
  },
  {
    name: "app_certificate",
    label: { zh: "应用公钥证书", en: "App certificate" },
    hint: { zh: "证书方式必填：appCertPublicKey_….crt", en: "For certificates: appCertPublicKey_….crt" },
    secret: false,
    required: false,
    input: "file",
  },
  {
    name: "alipay_certificates",
    label: { zh: "支付宝公钥证书", en: "Alipay's certificates" },
    hint: {
      zh: "证书方式必填：alipayCertPublicKey_RSA2.crt；更换期间可同时填新旧两个",
      en: "For certificates: alipayCertPublicKey_RSA2.crt. While it is changed, the old and the new one",
    },
    secret: false,
    required: false,
    input: "files",
  },
  {
    name: "alipay_root_certificate",
    label: { zh: "支付宝根证书", en: "Alipay's root certificates" },
    hint: {
      zh: "证书方式必填：alipayRootCert.crt，整个文件",
      en: "For certificates: alipayRootCert.crt, the whole file",
    },
    secret: false,
    required: false,
    input: "file",
  },
  {
    name: "auth_app_id",
    label: { zh: "授权商户的应用 APPID（服务商代调用）", en: "APPID of the merchant's application (service provider)" },
    hint: {
      zh: "换取应用授权令牌时返回的 auth_app_id；不是服务商则不填",
      en: "The auth_app_id that came with the token. Left out: the account is the merchant's own",
    },
    secret: false,
    required: false,
  },
  {
    name: "app_auth_token",
    label: { zh: "应用授权令牌（服务商代调用）", en: "App authorization token (service provider)" },
    hint: {
      zh: "商户授权第三方应用后得到的 app_auth_token；不是服务商则不填",
      en: "The app_auth_token that the merchant's authorization gave. Left out: the account is the merchant's own",
    },
    secret: true,
    required: false,
  },
  {
    name: "op_app_id",
    label: { zh: "小程序 APPID（JSAPI 支付产品）", en: "APPID of the mini program (JSAPI_PAY)" },
    hint: { zh: "签约了 JSAPI 支付才填", en: "Only where the product JSAPI_PAY is signed for" },
    secret: false,
    required: false,
  },
  {
    name: "payer_id",
    label: { zh: "付款人标识", en: "How payers are named" },
    hint: {
      zh: "新应用只有 openid；不填则按标识的形式判断",
      en: "New applications have open ids only. Left out: told by the form of the id",
    },
    secret: false,
    required: false,
    input: "choice",
    choices: [
      { value: "user_id", label: { zh: "支付宝用户号（2088…）", en: "User id (2088…)" } },
      { value: "open_id", label: { zh: "openid", en: "Open id" } },
    ],
  },
  {
    name: "gateway",
    label: { zh: "网关地址", en: "Gateway" },
    hint: { zh: "不填即支付宝正式网关", en: "Left out: Alipay's own" },
    secret: false,
    required: false,
    input: "address",
  },
  {
    name: "oauth_base_url",
    label: { zh: "用户授权地址", en: "Address of user authorization" },
    hint: { zh: "不填即支付宝正式地址", en: "Left out: Alipay's own" },
    secret: false,
    required: false,
    input: "address",
  },
];

/** The end of each certificate of an account in certificate mode; keys do not expire. Throws when one cannot be read. */
export function listExpiries(account: ChannelAccount): Expiry[] {
  const { mode, app_certificate, alipay_certificates = [] } = account.config as AlipayConfig;
  if (mode !== "certificate") return [];
  const end = (text: string) => Date.parse(new X509Certificate(text).validTo);
  const certificates = alipay_certificates.map((text, index) => ({
    name: `alipay_certificates/${index}`,
    label: { zh: "支付宝公钥证书", en: "Alipay's certificate" },
    expires_at: end(text),
  }));
  if (!app_certificate) return certificates;
  const own = { zh: "应用公钥证书", en: "App certificate" };
  return [{ name: "app_certificate", label: own, expires_at: end(app_certificate) }, ...certificates];
}
