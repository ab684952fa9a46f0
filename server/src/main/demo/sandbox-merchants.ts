/** Registers the demo merchant at the simulated channels, as a person does on the channels' merchant portals. */
import { Secret } from "../../kit/secret.ts";
import type { NewAccount } from "../../modules/channel-account/index.ts";
import { StartError } from "../start-error.ts";

type Registered = Record<string, string>;

/** What a channel account of the demo merchant is made of. */
export type DemoAccount = Pick<NewAccount, "channel" | "name" | "methods" | "config" | "secrets">;

/** @param mchid the number that the demo merchant has already; undefined the first time. */
export async function registerWechat(sandbox_url: string, name: string, mchid?: string): Promise<DemoAccount> {
  const merchant = await register(sandbox_url, {
    channel: "wechat",
    name,
    verify_mode: "both",
    ...(mchid && { mchid }),
  });
  return {
    channel: "wechat",
    name: "WeChat Pay sandbox 微信支付沙箱",
    methods: ["wechat.native", "wechat.jsapi", "wechat.h5", "wechat.mini", "wechat.app", "wechat.barcode"],
    config: {
      mchid: merchant.mchid,
      appid: merchant.appid,
      mini_appid: merchant.mini_appid,
      app_appid: merchant.app_appid,
      merchant_serial_no: merchant.merchant_serial_no,
      merchant_certificate: merchant.merchant_certificate_pem,
      platform_certificates: [{ serial_no: merchant.platform_serial_no, pem: merchant.platform_certificate_pem }],
      public_keys: [{ id: merchant.public_key_id, pem: merchant.public_key_pem }],
      base_url: sandbox_url,
      oauth_authorize_base_url: sandbox_url,
      oauth_api_base_url: sandbox_url,
    },
    secrets: {
      merchant_private_key: new Secret(merchant.merchant_private_key_pem!),
      api_v3_key: new Secret(merchant.api_v3_key!),
      api_v2_key: new Secret(merchant.api_v2_key!),
      app_secret: new Secret(merchant.app_secret!),
    },
  };
}

/** @param app_id the number that the demo merchant has already; undefined the first time. */
export async function registerAlipay(sandbox_url: string, name: string, app_id?: string): Promise<DemoAccount> {
  const merchant = await register(sandbox_url, { channel: "alipay", name, mode: "key", ...(app_id && { app_id }) });
  return {
    channel: "alipay",
    name: "Alipay sandbox 支付宝沙箱",
    methods: ["alipay.qr", "alipay.wap", "alipay.page", "alipay.app", "alipay.jsapi", "alipay.barcode"],
    config: {
      app_id: merchant.app_id,
      seller_id: merchant.seller_id,
      mode: "key",
      alipay_public_keys: [merchant.alipay_public_key_pem],
      gateway: merchant.gateway,
      oauth_base_url: sandbox_url,
    },
    secrets: { app_private_key: new Secret(merchant.app_private_key_pem!) },
  };
}

/** @param mer_id the number that the demo merchant has already; undefined the first time. */
export async function registerUnionpay(sandbox_url: string, name: string, mer_id?: string): Promise<DemoAccount> {
  const merchant = await register(sandbox_url, { channel: "unionpay", name, ...(mer_id && { mer_id }) });
  return {
    channel: "unionpay",
    name: "UnionPay sandbox 银联沙箱",
    methods: ["unionpay.qr", "unionpay.web", "unionpay.app", "unionpay.barcode"],
    config: {
      mer_id: merchant.mer_id,
      merchant_certificate: merchant.merchant_certificate_pem,
      root_certificate: merchant.root_certificate_pem,
      middle_certificates: [merchant.middle_certificate_pem],
      signer_name: merchant.signer_name,
      base_url: sandbox_url,
    },
    secrets: { merchant_private_key: new Secret(merchant.merchant_private_key_pem!) },
  };
}

/** Each channel of the demo: how its merchant is registered, and the field of its config that says the number. */
export const registrations: Readonly<
  Record<string, { register: (url: string, name: string, number?: string) => Promise<DemoAccount>; number: string }>
> = {
  wechat: { register: registerWechat, number: "mchid" },
  alipay: { register: registerAlipay, number: "app_id" },
  unionpay: { register: registerUnionpay, number: "mer_id" },
};

async function register(sandbox_url: string, body: Record<string, string>): Promise<Registered> {
  const response = await fetch(`${sandbox_url}/control/merchants`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => undefined);
  if (!response?.ok) {
    throw new StartError(`The sandbox at ${sandbox_url} does not answer: start one with --roles sandbox, or all.`);
  }
  return (await response.json()) as Registered;
}
