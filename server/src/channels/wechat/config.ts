/** A WeChat Pay account, of a direct merchant or of a service provider for one sub-merchant: what is configured, how it is checked, and how it is opened. */
import { createPublicKey, createSecretKey, type KeyObject, X509Certificate } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import type { Clock } from "../../kit/clock.ts";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount, ClientCertificate } from "../contract.ts";
import {
  problemOf,
  problemsOfValidity,
  readCertificate,
  readPrivateKey,
  readPublicKey,
  serialOf,
} from "../key-material.ts";

const url = Type.String({ pattern: "^https?://[^?#]+$" });
const pem = Type.String({ minLength: 1, maxLength: 10_000 });
const number = Type.String({ minLength: 1, maxLength: 32 });

/**
 * At least one key of WeChat Pay is needed: platform certificates (微信支付平台证书), or 微信支付公钥, or, while a merchant
 * migrates, both.
 */
export const wechatConfigSchema = Type.Object(
  {
    /** Who signs: the merchant, or the service provider. */
    mchid: number,
    appid: number,
    /** The mini program's appid, for wechat.mini; its openids are its own. */
    mini_appid: Type.Optional(number),
    /** The mobile app's appid at WeChat's open platform, for wechat.app. */
    app_appid: Type.Optional(number),
    /** The sub-merchant who gets the money; makes the account one of a service provider. */
    sub_mchid: Type.Optional(number),
    /** The sub-merchant's own apps; where one is missing, payers act under the provider's. */
    sub_appid: Type.Optional(number),
    sub_mini_appid: Type.Optional(number),
    sub_app_appid: Type.Optional(number),
    /** Serial number of the merchant's API certificate, in hex. */
    merchant_serial_no: Type.String({ pattern: "^[0-9A-Fa-f]{8,64}$" }),
    /** The merchant's API certificate itself: with it the account can be checked, and code payments can be reversed. */
    merchant_certificate: Type.Optional(pem),
    platform_certificates: Type.Optional(
      Type.Array(Type.Object({ serial_no: Type.String({ minLength: 1 }), pem }, { additionalProperties: false })),
    ),
    public_keys: Type.Optional(
      Type.Array(Type.Object({ id: Type.String({ pattern: "^PUB_KEY_ID_" }), pem }, { additionalProperties: false })),
    ),
    /**
     * Which key WeChat Pay should sign its responses with (the `Wechatpay-Serial` of requests). Left out: the first of
     * `public_keys` if there is one, else no header, which means the newest platform certificate.
     */
    wechatpay_serial: Type.Optional(Type.String({ minLength: 1 })),
    /** Over which API wechat.barcode is paid; v2 needs `api_v2_key` and `merchant_certificate`. */
    barcode_api: Type.Optional(Type.Union([Type.Literal("v2"), Type.Literal("v3")])),
    /** Under what heading transfers to persons are made (转账场景), as the merchant platform approved it. */
    transfer_scene_id: Type.Optional(number),
    /** What is reported to WeChat Pay with each transfer of that scene. */
    transfer_reports: Type.Optional(
      Type.Array(
        Type.Object(
          {
            info_type: Type.String({ minLength: 1, maxLength: 15 }),
            info_content: Type.String({ minLength: 1, maxLength: 32 }),
          },
          { additionalProperties: false },
        ),
      ),
    ),
    base_url: Type.Optional(url),
    /** Where the payer's browser authorizes. */
    oauth_authorize_base_url: Type.Optional(url),
    /** Where codes are exchanged for openids. */
    oauth_api_base_url: Type.Optional(url),
  },
  { additionalProperties: false },
);
export type WechatConfig = Type.Static<typeof wechatConfigSchema>;

export const API_V3_KEY_BYTES = 32;
const API_V2_KEY_BYTES = 32;

/** An account with its keys parsed. */
export interface WechatAccount {
  readonly mchid: string;
  readonly appid: string;
  readonly mini_appid: string | undefined;
  readonly app_appid: string | undefined;
  /** Only of a service provider's account: for whom it collects. */
  readonly sub_mchid: string | undefined;
  readonly sub_appid: string | undefined;
  readonly sub_mini_appid: string | undefined;
  readonly sub_app_appid: string | undefined;
  readonly merchant_serial_no: string;
  readonly private_key: KeyObject;
  /** Keys of WeChat Pay by certificate serial (upper case) or public key id. */
  readonly verification_keys: ReadonlyMap<string, KeyObject>;
  readonly wechatpay_serial: string | undefined;
  /** The serial of the platform certificate that was made last. */
  readonly newest_certificate: string | undefined;
  readonly api_v3_key: KeyObject;
  readonly api_v2_key: string | undefined;
  readonly barcode_api: "v2" | "v3";
  /** Shown to WeChat Pay where it asks who connects; in PEM. */
  readonly client_certificate: ClientCertificate | undefined;
  readonly base_url: string;
  readonly oauth_authorize_base_url: string;
  readonly oauth_api_base_url: string;
}

/** Opens an account; remembered per version. Throws when the account has faults that `checkWechatAccount` names. */
export const openWechatAccount = memoizeByAccount((account): WechatAccount => {
  const config = account.config as WechatConfig;
  return {
    mchid: config.mchid,
    appid: config.appid,
    mini_appid: config.mini_appid,
    app_appid: config.app_appid,
    sub_mchid: config.sub_mchid,
    sub_appid: config.sub_appid,
    sub_mini_appid: config.sub_mini_appid,
    sub_app_appid: config.sub_app_appid,
    merchant_serial_no: config.merchant_serial_no,
    private_key: readPrivateKey(secretOf(account, "merchant_private_key")),
    verification_keys: readVerificationKeys(config),
    wechatpay_serial: config.wechatpay_serial ?? config.public_keys?.[0]?.id,
    newest_certificate: findNewestCertificate(config),
    api_v3_key: createSecretKey(secretOf(account, "api_v3_key"), "utf8"),
    api_v2_key: account.secrets.api_v2_key?.reveal(),
    barcode_api: config.barcode_api ?? "v2",
    client_certificate: readClientCertificate(account, config),
    base_url: trimSlash(config.base_url ?? "https://api.mch.weixin.qq.com"),
    oauth_authorize_base_url: trimSlash(config.oauth_authorize_base_url ?? "https://open.weixin.qq.com"),
    oauth_api_base_url: trimSlash(config.oauth_api_base_url ?? "https://api.weixin.qq.com"),
  };
});

/** The key under which a `Wechatpay-Serial` is looked up: certificate serials are hex and come in either case. */
export function verificationKeyId(serial: string): string {
  return serial.startsWith("PUB_KEY_ID_") ? serial : serial.toUpperCase();
}

function readClientCertificate(account: ChannelAccount, config: WechatConfig): ClientCertificate | undefined {
  const { merchant_certificate: certificate } = config;
  if (certificate === undefined) return undefined;
  const key = readPrivateKey(secretOf(account, "merchant_private_key"));
  return { certificate, private_key: key.export({ type: "pkcs8", format: "pem" }).toString() };
}

function readVerificationKeys(config: WechatConfig): Map<string, KeyObject> {
  const keys = new Map<string, KeyObject>();
  for (const { serial_no, pem: text } of config.platform_certificates ?? []) {
    keys.set(verificationKeyId(serial_no), createPublicKey(text));
  }
  for (const { id, pem: text } of config.public_keys ?? []) keys.set(verificationKeyId(id), readPublicKey(text));
  return keys;
}

function findNewestCertificate({ platform_certificates = [] }: WechatConfig): string | undefined {
  const madeAt = (text: string) => Date.parse(new X509Certificate(text).validFrom);
  return platform_certificates.toSorted((a, b) => madeAt(b.pem) - madeAt(a.pem))[0]?.serial_no;
}

function secretOf(account: ChannelAccount, name: string): string {
  const secret = account.secrets[name];
  if (!secret) throw new Error(`the account has no ${name}`);
  return secret.reveal();
}

function trimSlash(address: string): string {
  return address.replace(/\/+$/, "");
}

/** Sentences about what is wrong with an account; empty when it is good. */
export function checkWechatAccount(account: ChannelAccount, clock: Clock): string[] {
  if (!Value.Check(wechatConfigSchema, account.config)) {
    return Value.Errors(wechatConfigSchema, account.config).map((e) => `config${e.instancePath} ${e.message}`);
  }
  const { config } = account;
  return [
    ...checkSubMerchant(config),
    ...checkSecrets(account),
    ...checkApiV2(account, config),
    ...checkMerchantCertificate(account, config, clock),
    ...checkVerificationKeys(config, clock),
    ...(config.wechatpay_serial && !listVerificationKeyIds(config).includes(verificationKeyId(config.wechatpay_serial))
      ? ["wechatpay_serial names neither a platform certificate nor a public key of this account"]
      : []),
  ];
}

function checkSubMerchant({ mchid, sub_mchid, sub_appid, sub_mini_appid, sub_app_appid }: WechatConfig): string[] {
  if (sub_mchid === mchid) return ["sub_mchid is the mchid itself: a direct merchant leaves it out"];
  if (sub_mchid !== undefined || !(sub_appid ?? sub_mini_appid ?? sub_app_appid)) return [];
  return ["sub_mchid is missing: sub_appid, sub_mini_appid and sub_app_appid are a sub-merchant's"];
}

function checkSecrets({ secrets }: ChannelAccount): string[] {
  const problems: string[] = [];
  const privateKey = secrets.merchant_private_key?.reveal();
  const apiV3Key = secrets.api_v3_key?.reveal();
  if (privateKey === undefined) problems.push("merchant_private_key is missing");
  else problems.push(...problemOf("merchant_private_key is not an RSA private key", () => readPrivateKey(privateKey)));
  if (apiV3Key === undefined) problems.push("api_v3_key is missing");
  else if (Buffer.byteLength(apiV3Key) !== API_V3_KEY_BYTES) {
    problems.push(`api_v3_key must be ${API_V3_KEY_BYTES} bytes long; it is ${Buffer.byteLength(apiV3Key)}`);
  }
  return problems;
}

/** What code payments over v2 need, where the account has begun to say it. */
function checkApiV2({ secrets }: ChannelAccount, config: WechatConfig): string[] {
  const key = secrets.api_v2_key?.reveal();
  if (key === undefined) return config.barcode_api === "v2" ? ["api_v2_key is missing: barcode_api v2 needs it"] : [];
  return [
    ...(Buffer.byteLength(key) === API_V2_KEY_BYTES
      ? []
      : [`api_v2_key must be ${API_V2_KEY_BYTES} bytes long; it is ${Buffer.byteLength(key)}`]),
    ...(config.merchant_certificate === undefined
      ? ["merchant_certificate is missing: with api_v2_key it is needed to reverse code payments"]
      : []),
  ];
}

function checkMerchantCertificate({ secrets }: ChannelAccount, config: WechatConfig, clock: Clock): string[] {
  const { merchant_certificate: text, merchant_serial_no } = config;
  if (text === undefined) return [];
  const unreadable = problemOf("merchant_certificate is not a certificate", () => readCertificate(text));
  if (unreadable.length > 0) return unreadable;
  const certificate = new X509Certificate(text);
  const serial = serialOf(certificate);
  return [
    ...(serial === merchant_serial_no.toUpperCase()
      ? []
      : [`merchant_serial_no is ${merchant_serial_no} but merchant_certificate has the serial number ${serial}`]),
    ...(belongsTo(secrets.merchant_private_key?.reveal(), certificate)
      ? []
      : ["merchant_private_key does not match merchant_certificate"]),
    ...problemsOfValidity("merchant_certificate", certificate, clock.now()),
  ];
}

/** Whether a private key is the certificate's. A key that is missing or unreadable is reported by itself. */
function belongsTo(privateKey: string | undefined, certificate: X509Certificate): boolean {
  if (privateKey === undefined) return true;
  try {
    return createPublicKey(readPrivateKey(privateKey)).equals(certificate.publicKey);
  } catch {
    return true;
  }
}

function checkVerificationKeys(config: WechatConfig, clock: Clock): string[] {
  const certificates = config.platform_certificates ?? [];
  const publicKeys = config.public_keys ?? [];
  if (certificates.length + publicKeys.length === 0) {
    return ["platform_certificates or public_keys is needed: without a key of WeChat Pay no answer can be trusted"];
  }
  return [
    ...certificates.flatMap(({ serial_no, pem: text }) => checkPlatformCertificate(serial_no, text, clock)),
    ...publicKeys.flatMap(({ id, pem: text }) =>
      problemOf(`public key ${id} is not an RSA public key`, () => readPublicKey(text)),
    ),
  ];
}

function checkPlatformCertificate(serial_no: string, text: string, clock: Clock): string[] {
  const name = `platform certificate ${serial_no}`;
  const unreadable = problemOf(`${name} is not a certificate`, () => readCertificate(text));
  if (unreadable.length > 0) return unreadable;
  const certificate = new X509Certificate(text);
  const serial = serialOf(certificate);
  return [
    ...(serial === serial_no.toUpperCase() ? [] : [`${name} has the serial number ${serial}`]),
    ...problemsOfValidity(name, certificate, clock.now()),
  ];
}

function listVerificationKeyIds(config: WechatConfig): string[] {
  const serials = (config.platform_certificates ?? []).map(({ serial_no }) => serial_no);
  const ids = (config.public_keys ?? []).map(({ id }) => id);
  return [...serials, ...ids].map(verificationKeyId);
}
