/** An Alipay account (openapi, RSA2): what is configured, how it is checked, and how it is opened. */
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import type { Clock } from "../../kit/clock.ts";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount } from "../contract.ts";
import { problemOf, problemsOfValidity, readCertificate, readPrivateKey, readPublicKey } from "../key-material.ts";
import { certificateSn, rootCertificateSn } from "./certificate-sn.ts";

const url = Type.String({ pattern: "^https?://[^?#]+$" });
const pem = Type.String({ minLength: 1, maxLength: 10_000 });

/**
 * `mode` key: `alipay_public_keys` (支付宝公钥, not the app's own). `mode` certificate: the app's certificate, Alipay's
 * certificates and Alipay's root certificates. Both lists hold more than one entry while Alipay's key is changed.
 */
export const alipayConfigSchema = Type.Object(
  {
    app_id: Type.String({ minLength: 1, maxLength: 32 }),
    /** Alipay's number of the receiving merchant (2088…), compared with every notice. */
    seller_id: Type.String({ minLength: 1, maxLength: 32 }),
    /** The merchant's own application, where `app_id` is a service provider's that acts for it (`app_auth_token`). */
    auth_app_id: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
    /** The mini program in which alipay.jsapi pays, where that product (JSAPI_PAY) is signed for. */
    op_app_id: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
    /** How this application names payers. Left out: a payer's id is told by its form. */
    payer_id: Type.Optional(Type.Union([Type.Literal("user_id"), Type.Literal("open_id")])),
    mode: Type.Union([Type.Literal("key"), Type.Literal("certificate")]),
    /** PEM or bare base64, as Alipay's portal shows it. */
    alipay_public_keys: Type.Optional(Type.Array(pem)),
    app_certificate: Type.Optional(pem),
    alipay_certificates: Type.Optional(Type.Array(pem)),
    /** The whole bundle, as downloaded. */
    alipay_root_certificate: Type.Optional(Type.String({ minLength: 1, maxLength: 100_000 })),
    gateway: Type.Optional(url),
    /** Where the payer's browser authorizes. */
    oauth_base_url: Type.Optional(url),
  },
  { additionalProperties: false },
);
export type AlipayConfig = Type.Static<typeof alipayConfigSchema>;

/** What certificate mode adds to every request. */
export interface CertificateNumbers {
  readonly app_cert_sn: string;
  readonly alipay_root_cert_sn: string;
}

/** An account with its keys parsed. */
export interface AlipayAccount {
  readonly app_id: string;
  readonly seller_id: string;
  readonly op_app_id: string | undefined;
  readonly payer_id: "user_id" | "open_id" | undefined;
  /** The application whose trades these are: the merchant's own. */
  readonly merchant_app_id: string;
  /** Shows that the merchant lets `app_id` act for it. */
  readonly app_auth_token: string | undefined;
  readonly private_key: KeyObject;
  readonly certificate_numbers: CertificateNumbers | undefined;
  /** Alipay's keys: by `alipay_cert_sn` in certificate mode, by position in key mode. */
  readonly verification_keys: ReadonlyMap<string, KeyObject>;
  readonly gateway: string;
  readonly oauth_base_url: string;
}

/** Opens an account; remembered per version. Throws when the account has faults that `checkAlipayAccount` names. */
export const openAlipayAccount = memoizeByAccount((account): AlipayAccount => {
  const config = account.config as AlipayConfig;
  const privateKey = account.secrets.app_private_key;
  if (!privateKey) throw new Error("the account has no app_private_key");
  return {
    app_id: config.app_id,
    seller_id: config.seller_id,
    op_app_id: config.op_app_id,
    payer_id: config.payer_id,
    merchant_app_id: config.auth_app_id ?? config.app_id,
    app_auth_token: account.secrets.app_auth_token?.reveal(),
    private_key: readPrivateKey(privateKey.reveal()),
    certificate_numbers: config.mode === "certificate" ? readCertificateNumbers(config) : undefined,
    verification_keys: readVerificationKeys(config),
    gateway: config.gateway ?? "https://openapi.alipay.com/gateway.do",
    oauth_base_url: (config.oauth_base_url ?? "https://openauth.alipay.com").replace(/\/+$/, ""),
  };
});

function readCertificateNumbers(config: AlipayConfig): CertificateNumbers {
  return {
    app_cert_sn: certificateSn(new X509Certificate(config.app_certificate ?? "")),
    alipay_root_cert_sn: rootCertificateSn(config.alipay_root_certificate ?? ""),
  };
}

function readVerificationKeys(config: AlipayConfig): Map<string, KeyObject> {
  if (config.mode === "key") {
    return new Map((config.alipay_public_keys ?? []).map((text, index) => [String(index), readPublicKey(text)]));
  }
  const certificates = (config.alipay_certificates ?? []).map((text) => new X509Certificate(text));
  return new Map(certificates.map((certificate) => [certificateSn(certificate), certificate.publicKey]));
}

/** Sentences about what is wrong with an account; empty when it is good. */
export function checkAlipayAccount(account: ChannelAccount, clock: Clock): string[] {
  if (!Value.Check(alipayConfigSchema, account.config)) {
    return Value.Errors(alipayConfigSchema, account.config).map((e) => `config${e.instancePath} ${e.message}`);
  }
  const { config } = account;
  const privateKey = account.secrets.app_private_key?.reveal();
  if (privateKey === undefined) return ["app_private_key is missing"];
  const unreadable = problemOf("app_private_key is not an RSA private key", () => readPrivateKey(privateKey));
  if (unreadable.length > 0) return unreadable;
  const own = createPublicKey(readPrivateKey(privateKey));
  return [
    ...checkNumbers(config),
    ...checkProvider(account),
    ...(config.mode === "key" ? checkKeys(config, own) : checkCertificates(config, own, clock)),
  ];
}

/** Both numbers are easily mistaken for each other, and for the numbers of a bank. */
function checkNumbers({ app_id, seller_id }: AlipayConfig): string[] {
  return [
    ...(/^\d{16}$/.test(app_id) && !app_id.startsWith("2088")
      ? []
      : ["app_id must be an application's 16 digits; 2088… is a merchant"]),
    ...(/^2088\d{12}$/.test(seller_id) ? [] : ["seller_id must be 16 digits that begin with 2088"]),
  ];
}

/** A service provider's account names the merchant's application and holds its token; any other has neither. */
function checkProvider({ config, secrets }: ChannelAccount): string[] {
  const { app_id, auth_app_id } = config as AlipayConfig;
  const token = secrets.app_auth_token?.reveal();
  if (token === undefined) return auth_app_id === undefined ? [] : ["auth_app_id needs the secret app_auth_token"];
  if (auth_app_id === undefined) return ["app_auth_token needs auth_app_id, the merchant's own application"];
  return [
    ...(auth_app_id === app_id ? ["auth_app_id must be the merchant's application, not app_id's"] : []),
    ...(/^[\x21-\x7e]{1,128}$/.test(token) ? [] : ["app_auth_token is not one line of letters and digits"]),
  ];
}

function checkKeys(config: AlipayConfig, own: KeyObject): string[] {
  const texts = config.alipay_public_keys ?? [];
  if (texts.length === 0) return ["alipay_public_keys is needed in key mode"];
  return texts.flatMap((text, index) => {
    const name = `alipay_public_keys/${index}`;
    const unreadable = problemOf(`${name} is not an RSA public key`, () => readPublicKey(text));
    if (unreadable.length > 0) return unreadable;
    // The commonest mistake: the portal shows both, and only answers would tell.
    return readPublicKey(text).equals(own) ? [`${name} is the app's own public key; Alipay's is needed`] : [];
  });
}

function checkCertificates(config: AlipayConfig, own: KeyObject, clock: Clock): string[] {
  const { app_certificate, alipay_certificates = [], alipay_root_certificate } = config;
  if (!app_certificate || !alipay_root_certificate || alipay_certificates.length === 0) {
    return ["app_certificate, alipay_certificates and alipay_root_certificate are needed in certificate mode"];
  }
  const named: [string, string][] = [
    ["app_certificate", app_certificate],
    ...alipay_certificates.map((text, index): [string, string] => [`alipay_certificates/${index}`, text]),
  ];
  const unreadable = [
    ...named.flatMap(([name, text]) => problemOf(`${name} is not a certificate`, () => readCertificate(text))),
    ...problemOf("alipay_root_certificate is not a list of certificates", () =>
      rootCertificateSn(alipay_root_certificate),
    ),
  ];
  if (unreadable.length > 0) return unreadable;
  return [
    ...named.flatMap(([name, text]) => problemsOfValidity(name, new X509Certificate(text), clock.now())),
    ...alipay_certificates.flatMap((text, index) =>
      new X509Certificate(text).publicKey.equals(own)
        ? [`alipay_certificates/${index} is the app's own certificate; Alipay's is needed`]
        : [],
    ),
    ...(new X509Certificate(app_certificate).publicKey.equals(own)
      ? []
      : ["app_private_key does not match app_certificate"]),
  ];
}
