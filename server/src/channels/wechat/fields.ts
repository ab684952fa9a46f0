/** Every field of a WeChat Pay account, in the order of a form. */
import type { ConfigField } from "../contract.ts";

const text = { secret: false, required: false, input: "text" } as const;
const secret = { secret: true, required: false, input: "text" } as const;
const address = { secret: false, required: false, input: "address" } as const;
const pemItem = { name: "pem", secret: false, required: true, input: "file" } as const;

const numbers: readonly ConfigField[] = [
  {
    ...text,
    name: "mchid",
    required: true,
    label: { zh: "商户号", en: "Merchant number (mchid)" },
    hint: { zh: "商户平台 → 账户中心 → 商户信息", en: "Merchant platform, account centre, merchant information" },
  },
  {
    ...text,
    name: "appid",
    required: true,
    label: { zh: "公众号 AppID", en: "Official account appid" },
    hint: { zh: "须与商户号绑定", en: "It must be bound to the merchant number" },
  },
  {
    ...text,
    name: "mini_appid",
    label: { zh: "小程序 AppID", en: "Mini program appid" },
    hint: { zh: "小程序支付需要", en: "Needed for wechat.mini" },
  },
  {
    ...text,
    name: "app_appid",
    label: { zh: "移动应用 AppID", en: "Mobile app appid" },
    hint: { zh: "APP 支付需要，取自微信开放平台", en: "Needed for wechat.app; from WeChat's open platform" },
  },
];

const partner: readonly ConfigField[] = [
  {
    ...text,
    name: "sub_mchid",
    label: { zh: "子商户号", en: "Sub-merchant number (sub_mchid)" },
    hint: {
      zh: "服务商模式：以上商户号与 AppID 为服务商的，收款方为此子商户；直连商户不填",
      en: "For a service provider: the numbers above are the provider's, and this sub-merchant gets the money",
    },
  },
  {
    ...text,
    name: "sub_appid",
    label: { zh: "子商户公众号 AppID", en: "Sub-merchant's official account appid" },
    hint: { zh: "不填则使用服务商的 AppID", en: "Left out: payers act under the provider's" },
  },
  { ...text, name: "sub_mini_appid", label: { zh: "子商户小程序 AppID", en: "Sub-merchant's mini program appid" } },
  { ...text, name: "sub_app_appid", label: { zh: "子商户移动应用 AppID", en: "Sub-merchant's mobile app appid" } },
];

const merchantKeys: readonly ConfigField[] = [
  {
    ...text,
    name: "merchant_serial_no",
    required: true,
    label: { zh: "商户 API 证书序列号", en: "Serial number of the merchant's API certificate" },
    hint: { zh: "商户平台 → 账户中心 → API安全", en: "Merchant platform, account centre, API security" },
  },
  {
    ...secret,
    name: "merchant_private_key",
    required: true,
    input: "file",
    label: { zh: "商户 API 私钥", en: "Merchant API private key" },
    hint: { zh: "证书压缩包中的 apiclient_key.pem", en: "apiclient_key.pem of the certificate's archive" },
  },
  {
    ...text,
    name: "merchant_certificate",
    input: "file",
    label: { zh: "商户 API 证书", en: "Merchant API certificate" },
    hint: {
      zh: "证书压缩包中的 apiclient_cert.pem；付款码支付撤销订单时需要",
      en: "apiclient_cert.pem of the certificate's archive; code payments over API v2 need it to be reversed",
    },
  },
  {
    ...secret,
    name: "api_v3_key",
    required: true,
    label: { zh: "APIv3 密钥", en: "APIv3 key" },
    hint: { zh: "32 个字符", en: "32 characters" },
  },
];

const channelKeys: readonly ConfigField[] = [
  {
    ...text,
    name: "platform_certificates",
    input: "list",
    label: { zh: "微信支付平台证书", en: "Platform certificates of WeChat Pay" },
    hint: {
      zh: "平台证书与微信支付公钥至少填一种，切换期间两种都填",
      en: "These or public keys are needed; both while a merchant migrates",
    },
    items: [
      { ...text, name: "serial_no", required: true, label: { zh: "证书序列号", en: "Serial number" } },
      { ...pemItem, label: { zh: "证书", en: "Certificate" } },
    ],
  },
  {
    ...text,
    name: "public_keys",
    input: "list",
    label: { zh: "微信支付公钥", en: "Public keys of WeChat Pay" },
    hint: {
      zh: "商户平台 → 账户中心 → API安全 → 微信支付公钥",
      en: "Merchant platform, account centre, API security, WeChat Pay public key",
    },
    items: [
      { ...text, name: "id", required: true, label: { zh: "公钥 ID（PUB_KEY_ID_…）", en: "Key id (PUB_KEY_ID_…)" } },
      { ...pemItem, label: { zh: "公钥", en: "Public key" } },
    ],
  },
  {
    ...text,
    name: "wechatpay_serial",
    label: { zh: "应答签名所用的密钥", en: "Key that answers are signed with" },
    hint: {
      zh: "平台证书序列号或公钥 ID；不填则用第一个公钥，没有公钥则由微信支付选择证书",
      en: "A certificate's serial or a key's id; left out: the first public key, or WeChat Pay's choice of certificate",
    },
  },
];

const products: readonly ConfigField[] = [
  {
    ...text,
    name: "barcode_api",
    input: "choice",
    label: { zh: "付款码支付接口", en: "API of code payments" },
    hint: { zh: "不填为 v2", en: "v2 unless chosen" },
    choices: [
      { value: "v2", label: { zh: "API v2（XML）", en: "API v2 (XML)" } },
      { value: "v3", label: { zh: "API v3", en: "API v3" } },
    ],
  },
  {
    ...secret,
    name: "api_v2_key",
    label: { zh: "API 密钥（v2）", en: "API v2 key" },
    hint: { zh: "32 个字符；通过 v2 使用付款码支付需要", en: "32 characters; for code payments over v2" },
  },
  {
    ...secret,
    name: "app_secret",
    label: { zh: "公众号 AppSecret", en: "Official account AppSecret" },
    hint: { zh: "JSAPI 支付获取 openid 需要", en: "To learn a payer's openid for wechat.jsapi" },
  },
  {
    ...secret,
    name: "mini_app_secret",
    label: { zh: "小程序 AppSecret", en: "Mini program AppSecret" },
    hint: {
      zh: "小程序支付用登录 code 换取 openid 需要",
      en: "To exchange a mini program's login code for the payer's openid",
    },
  },
];

const transfers: readonly ConfigField[] = [
  {
    ...text,
    name: "transfer_scene_id",
    label: { zh: "转账场景 ID", en: "Transfer scene id" },
    hint: {
      zh: "商家转账需要：商户平台 → 产品中心 → 商家转账",
      en: "For transfers to persons, as the platform approved it",
    },
  },
  {
    ...text,
    name: "transfer_reports",
    input: "list",
    label: { zh: "转账场景报备信息", en: "What is reported with each transfer" },
    hint: { zh: "按所选场景的要求填写", en: "As the scene asks for it" },
    items: [
      { ...text, name: "info_type", required: true, label: { zh: "信息类型", en: "Kind" } },
      { ...text, name: "info_content", required: true, label: { zh: "信息内容", en: "Content" } },
    ],
  },
];

const addresses: readonly ConfigField[] = [
  {
    ...address,
    name: "base_url",
    label: { zh: "接口地址", en: "API address" },
    hint: { zh: "不填为 https://api.mch.weixin.qq.com", en: "https://api.mch.weixin.qq.com unless given" },
  },
  {
    ...address,
    name: "oauth_authorize_base_url",
    label: { zh: "网页授权地址", en: "Web authorization address" },
    hint: { zh: "不填为 https://open.weixin.qq.com", en: "https://open.weixin.qq.com unless given" },
  },
  {
    ...address,
    name: "oauth_api_base_url",
    label: { zh: "授权码换取 openid 的地址", en: "Address where codes become openids" },
    hint: { zh: "不填为 https://api.weixin.qq.com", en: "https://api.weixin.qq.com unless given" },
  },
];

export const wechatFields: readonly ConfigField[] = [
  ...numbers,
  ...partner,
  ...merchantKeys,
  ...channelKeys,
  ...products,
  ...transfers,
  ...addresses,
];
