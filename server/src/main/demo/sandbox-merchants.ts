/** Registers the demo merchant at the simulated channels, as a person does on the channels' merchant portals. */
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import type { NewAccount } from "../../modules/channel-account/index.ts";
import { StartError } from "../start-error.ts";

type Registered = Record<string, string>;

/** What a channel account of the demo merchant is made of. */
export type DemoAccount = Pick<NewAccount, "channel" | "name" | "methods" | "config" | "secrets"> & {
  /** Of a channel that is told one address for all notices: tells it, once the account's is known. */
  readonly tellAddress?: (notify_url: string) => Promise<void>;
};

/** The config of an account that was registered before, whose numbers stay also when the sandbox has forgotten them. */
type Earlier = Readonly<Record<string, unknown>>;

/** Of the fields named, those that an earlier registration has. */
function numbersOf(earlier: Earlier | undefined, ...names: string[]): Registered {
  const known = names.map((name) => [name, earlier?.[name]]).filter(([, number]) => number !== undefined);
  return Object.fromEntries(known.map(([name, number]) => [name, String(number)]));
}

export async function registerWechat(sandbox_url: string, name: string, earlier?: Earlier): Promise<DemoAccount> {
  const merchant = await register(sandbox_url, {
    channel: "wechat",
    name,
    verify_mode: "both",
    ...numbersOf(earlier, "mchid", "appid", "mini_appid", "app_appid"),
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
      transfer_scene_id: "1005",
      transfer_reports: [{ info_type: "岗位类型", info_content: "演示" }],
      base_url: sandbox_url,
      oauth_authorize_base_url: sandbox_url,
      oauth_api_base_url: sandbox_url,
    },
    secrets: {
      merchant_private_key: new Secret(merchant.merchant_private_key_pem!),
      api_v3_key: new Secret(merchant.api_v3_key!),
      api_v2_key: new Secret(merchant.api_v2_key!),
      app_secret: new Secret(merchant.app_secret!),
      mini_app_secret: new Secret(merchant.mini_app_secret!),
    },
  };
}

export async function registerAlipay(sandbox_url: string, name: string, earlier?: Earlier): Promise<DemoAccount> {
  const numbers = numbersOf(earlier, "app_id", "seller_id");
  const merchant = await register(sandbox_url, { channel: "alipay", name, mode: "certificate", ...numbers });
  return {
    channel: "alipay",
    name: "Alipay sandbox 支付宝沙箱",
    methods: ["alipay.qr", "alipay.wap", "alipay.page", "alipay.app", "alipay.jsapi", "alipay.barcode"],
    config: {
      app_id: merchant.app_id,
      seller_id: merchant.seller_id,
      mode: "certificate",
      app_certificate: merchant.app_cert_pem,
      alipay_certificates: [merchant.alipay_cert_pem],
      alipay_root_certificate: merchant.alipay_root_cert_pem,
      gateway: merchant.gateway,
      oauth_base_url: sandbox_url,
    },
    secrets: { app_private_key: new Secret(merchant.app_private_key_pem!) },
  };
}

export async function registerUnionpay(sandbox_url: string, name: string, earlier?: Earlier): Promise<DemoAccount> {
  const merchant = await register(sandbox_url, { channel: "unionpay", name, ...numbersOf(earlier, "mer_id") });
  return {
    channel: "unionpay",
    name: "UnionPay sandbox 银联沙箱",
    methods: ["unionpay.qr", "unionpay.web", "unionpay.app", "unionpay.jsapi", "unionpay.barcode"],
    config: {
      mer_id: merchant.mer_id,
      merchant_certificate: merchant.merchant_certificate_pem,
      root_certificate: merchant.root_certificate_pem,
      middle_certificates: [{ pem: merchant.middle_certificate_pem }],
      signer_name: merchant.signer_name,
      base_url: sandbox_url,
    },
    secrets: { merchant_private_key: new Secret(merchant.merchant_private_key_pem!) },
  };
}

export async function registerStripe(sandbox_url: string, name: string, earlier?: Earlier): Promise<DemoAccount> {
  const numbers = { channel: "stripe", name, ...numbersOf(earlier, "account_id") };
  const merchant = await register(sandbox_url, numbers);
  const { account_id } = merchant;
  return {
    channel: "stripe",
    name: "Stripe sandbox 沙箱",
    methods: ["stripe.checkout"],
    config: { account_id, base_url: sandbox_url },
    secrets: {
      secret_key: new Secret(merchant.secret_key!),
      webhook_secret: new Secret(merchant.webhook_secret!),
    },
    async tellAddress(notify_url) {
      await register(sandbox_url, { channel: "stripe", account_id: account_id!, webhook_url: notify_url });
    },
  };
}

export async function registerPaypal(sandbox_url: string, name: string, earlier?: Earlier): Promise<DemoAccount> {
  const numbers = numbersOf(earlier, "client_id", "merchant_id");
  const merchant = await register(sandbox_url, { channel: "paypal", name, ...numbers });
  const { client_id } = merchant;
  return {
    channel: "paypal",
    name: "PayPal sandbox 沙箱",
    methods: ["paypal.checkout"],
    config: {
      client_id,
      merchant_id: merchant.merchant_id,
      webhook_id: merchant.webhook_id,
      webhook_root_certificate: merchant.root_certificate_pem,
      base_url: sandbox_url,
    },
    secrets: { client_secret: new Secret(merchant.client_secret!) },
    async tellAddress(notify_url) {
      await register(sandbox_url, { channel: "paypal", client_id: client_id!, webhook_url: notify_url });
    },
  };
}

/** No bank is simulated: a person confirms what arrived, with `tributary payment confirm-transfer`. */
export async function registerBank(): Promise<DemoAccount> {
  return {
    channel: "bank",
    name: "Bank account 银行账户",
    methods: ["bank.transfer"],
    config: {
      bank_name: "示例银行 Example Bank",
      account_name: "汇流演示商店 Tributary Demo",
      account_number: "6200000000000000",
      currency: "CNY",
    },
    secrets: { statement_key: new Secret(`whsec_${systemRandom.bytes(32).toString("base64")}`) },
  };
}

/** Each channel of the demo: how its merchant is registered. */
export const registrations: Readonly<
  Record<string, (sandbox_url: string, name: string, earlier?: Earlier) => Promise<DemoAccount>>
> = {
  wechat: registerWechat,
  alipay: registerAlipay,
  unionpay: registerUnionpay,
  stripe: registerStripe,
  paypal: registerPaypal,
  bank: registerBank,
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
