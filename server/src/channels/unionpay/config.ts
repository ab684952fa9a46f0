/** A UnionPay account (ACP 5.1.0, direct merchant): what is configured, how it is checked, and how it is opened. */
import { type KeyObject, X509Certificate } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import type { Clock } from "../../kit/clock.ts";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount, Expiry } from "../contract.ts";
import { problemOf, problemsOfValidity, readCertificate, readPrivateKey, serialOf } from "../key-material.ts";
import { createTrust, isIssuedBy, type Trust } from "./trust.ts";

const pem = Type.String({ minLength: 1, maxLength: 10_000 });

export const unionpayConfigSchema = Type.Object(
  {
    mer_id: Type.String({ pattern: "^[0-9A-Za-z]{15}$" }),
    /** The certificate of `merchant_private_key` in PEM: its serial number is the `certId` of every request. */
    merchant_certificate: pem,
    /** UnionPay's root certificate (acp_…_root.cer). */
    root_certificate: pem,
    /** Its middle certificates (acp_…_middle.cer); more than one while UnionPay changes them. */
    middle_certificates: Type.Array(Type.Object({ pem }, { additionalProperties: false }), {
      minItems: 1,
      maxItems: 8,
    }),
    /** The third part of the CN of the certificate that UnionPay signs with; 中国银联股份有限公司 unless given. */
    signer_name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** The number of the terminal at which codes are scanned, where UnionPay has assigned one. */
    terminal_id: Type.Optional(Type.String({ pattern: "^[0-9A-Za-z]{8}$" })),
    /**
     * How a refund of the whole amount on the day of the payment goes: as a refund (退货, when left out) or as an undo
     * (消费撤销), which is faster and which a few issuing banks do not take.
     */
    same_day_refund: Type.Optional(Type.Union([Type.Literal("refund"), Type.Literal("undo")])),
    base_url: Type.Optional(Type.String({ pattern: "^https?://[^?#]+$" })),
  },
  { additionalProperties: false },
);
export type UnionpayConfig = Type.Static<typeof unionpayConfigSchema>;

/** An account with its key and certificates parsed. */
export interface UnionpayAccount {
  readonly mer_id: string;
  /** Serial number of the merchant's certificate, in decimal. */
  readonly cert_id: string;
  readonly private_key: KeyObject;
  readonly trust: Trust;
  readonly terminal_id: string | undefined;
  readonly same_day_refund: "refund" | "undo";
  readonly base_url: string;
  /** Where the payer's browser authorizes: https://qr.95516.com beside https://gateway.95516.com. */
  readonly authorize_base_url: string;
  /** Where files are fetched: https://filedownload.95516.com/ beside https://gateway.95516.com. */
  readonly file_url: string;
}

const DEFAULT_SIGNER = "中国银联股份有限公司";

/** Opens an account; remembered per version. Throws when the account has faults that `checkUnionpayAccount` names. */
export const openUnionpayAccount = memoizeByAccount((account): UnionpayAccount => {
  const config = account.config as UnionpayConfig;
  const privateKey = account.secrets.merchant_private_key;
  const base_url = (config.base_url ?? "https://gateway.95516.com").replace(/\/+$/, "");
  if (!privateKey) throw new Error("the account has no merchant_private_key");
  return {
    mer_id: config.mer_id,
    cert_id: decimalSerial(new X509Certificate(config.merchant_certificate)),
    private_key: readPrivateKey(privateKey.reveal()),
    trust: createTrust({
      root: new X509Certificate(config.root_certificate),
      middles: config.middle_certificates.map((middle) => new X509Certificate(middle.pem)),
      signer_name: config.signer_name ?? DEFAULT_SIGNER,
    }),
    terminal_id: config.terminal_id,
    same_day_refund: config.same_day_refund ?? "refund",
    base_url,
    authorize_base_url: besideGateway(base_url, "qr"),
    file_url: `${besideGateway(base_url, "filedownload")}/`,
  };
});

/** UnionPay's other hosts are named after its gateway's, in production and for tests; elsewhere one host is all of them. */
function besideGateway(base_url: string, name: string): string {
  return base_url.replace(/^https:\/\/gateway\.(?=(?:test\.)?95516\.com$)/, `https://${name}.`);
}

/** A serial number of 20 bytes is beyond the integers that a number holds exactly. */
function decimalSerial(certificate: X509Certificate): string {
  return BigInt(`0x${certificate.serialNumber}`).toString();
}

/** Sentences about what is wrong with an account; empty when it is good. */
export function checkUnionpayAccount(account: ChannelAccount, clock: Clock): string[] {
  if (!Value.Check(unionpayConfigSchema, account.config)) {
    return Value.Errors(unionpayConfigSchema, account.config).map((e) => `config${e.instancePath} ${e.message}`);
  }
  const privateKey = account.secrets.merchant_private_key?.reveal();
  if (privateKey === undefined) return ["merchant_private_key is missing"];
  const { merchant_certificate, root_certificate, middle_certificates } = account.config;
  const named: [string, string][] = [
    ["merchant_certificate", merchant_certificate],
    ["root_certificate", root_certificate],
    ...middle_certificates.map(({ pem: text }, index): [string, string] => [`middle_certificates/${index}`, text]),
  ];
  const unreadable = [
    ...problemOf("merchant_private_key is not an RSA private key", () => readPrivateKey(privateKey)),
    ...named.flatMap(([name, text]) => problemOf(`${name} is not a certificate`, () => readCertificate(text))),
  ];
  if (unreadable.length > 0) return unreadable;
  const certificate = new X509Certificate(merchant_certificate);
  const root = new X509Certificate(root_certificate);
  return [
    ...named.flatMap(([name, text]) => problemsOfValidity(name, new X509Certificate(text), clock.now())),
    ...(certificate.checkPrivateKey(readPrivateKey(privateKey))
      ? []
      : ["merchant_private_key does not match merchant_certificate"]),
    ...middle_certificates.flatMap(({ pem: text }, index) =>
      isIssuedBy(new X509Certificate(text), root)
        ? []
        : [`middle_certificates/${index} was not issued by root_certificate`],
    ),
  ];
}

/**
 * The certificates of an account that run out. UnionPay's own signing certificate is not among them: it comes with each
 * message, and UnionPay renews it by itself. Throws when a certificate does not parse.
 */
export function expiriesOfUnionpay(account: ChannelAccount): Expiry[] {
  const { merchant_certificate, root_certificate, middle_certificates } = account.config as UnionpayConfig;
  const expiryOf = (name: string, label: Expiry["label"], certificate: X509Certificate): Expiry => ({
    name,
    label,
    expires_at: Date.parse(certificate.validTo),
  });
  const middles = middle_certificates.map((middle) => new X509Certificate(middle.pem));
  return [
    expiryOf(
      "merchant_certificate",
      { zh: "商户签名证书", en: "Merchant signing certificate" },
      new X509Certificate(merchant_certificate),
    ),
    expiryOf(
      "root_certificate",
      { zh: "银联根证书", en: "UnionPay's root certificate" },
      new X509Certificate(root_certificate),
    ),
    ...middles.map((middle) =>
      expiryOf(
        `middle_certificates/${serialOf(middle)}`,
        { zh: "银联中级证书", en: "UnionPay's middle certificate" },
        middle,
      ),
    ),
  ];
}
