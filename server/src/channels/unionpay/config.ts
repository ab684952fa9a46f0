/** A UnionPay account (ACP 5.1.0, direct merchant): what is configured, how it is checked, and how it is opened. */
import { type KeyObject, X509Certificate } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import type { Clock } from "../../kit/clock.ts";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount, ConfigField } from "../contract.ts";
import { problemOf, problemsOfValidity, readPrivateKey } from "../key-material.ts";
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
    middle_certificates: Type.Array(pem, { minItems: 1, maxItems: 8 }),
    /** The third part of the CN of the certificate that UnionPay signs with; 中国银联股份有限公司 unless given. */
    signer_name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    /** The number of the terminal at which codes are scanned, where UnionPay has assigned one. */
    terminal_id: Type.Optional(Type.String({ pattern: "^[0-9A-Za-z]{8}$" })),
    /**
     * Whether a refund of the whole amount on the day of the payment goes as an undo (消费撤销), which UnionPay does not
     * charge for, rather than as a refund (退货).
     */
    undo_same_day: Type.Optional(Type.Boolean()),
    base_url: Type.Optional(Type.String({ pattern: "^https?://[^?#]+$" })),
  },
  { additionalProperties: false },
);
export type UnionpayConfig = Type.Static<typeof unionpayConfigSchema>;

export const unionpaySecretFields: readonly ConfigField[] = [
  {
    name: "merchant_private_key",
    label: { zh: "商户签名私钥（由 pfx 导出的 PEM）", en: "Merchant signing key (PEM, exported from the pfx)" },
    secret: true,
    required: true,
  },
];

/** An account with its key and certificates parsed. */
export interface UnionpayAccount {
  readonly mer_id: string;
  /** Serial number of the merchant's certificate, in decimal. */
  readonly cert_id: string;
  readonly private_key: KeyObject;
  readonly trust: Trust;
  readonly terminal_id: string | undefined;
  readonly undo_same_day: boolean;
  readonly base_url: string;
}

const DEFAULT_SIGNER = "中国银联股份有限公司";

/** Opens an account; remembered per version. Throws when the account has faults that `checkUnionpayAccount` names. */
export const openUnionpayAccount = memoizeByAccount((account): UnionpayAccount => {
  const config = account.config as UnionpayConfig;
  const privateKey = account.secrets.merchant_private_key;
  if (!privateKey) throw new Error("the account has no merchant_private_key");
  return {
    mer_id: config.mer_id,
    cert_id: decimalSerial(new X509Certificate(config.merchant_certificate)),
    private_key: readPrivateKey(privateKey.reveal()),
    trust: createTrust({
      root: new X509Certificate(config.root_certificate),
      middles: config.middle_certificates.map((text) => new X509Certificate(text)),
      signer_name: config.signer_name ?? DEFAULT_SIGNER,
    }),
    terminal_id: config.terminal_id,
    undo_same_day: config.undo_same_day ?? false,
    base_url: (config.base_url ?? "https://gateway.95516.com").replace(/\/+$/, ""),
  };
});

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
    ...middle_certificates.map((text, index): [string, string] => [`middle_certificates/${index}`, text]),
  ];
  const unreadable = [
    ...problemOf("merchant_private_key is not an RSA private key", () => readPrivateKey(privateKey)),
    ...named.flatMap(([name, text]) => problemOf(`${name} is not a certificate`, () => new X509Certificate(text))),
  ];
  if (unreadable.length > 0) return unreadable;
  const certificate = new X509Certificate(merchant_certificate);
  const root = new X509Certificate(root_certificate);
  return [
    ...named.flatMap(([name, text]) => problemsOfValidity(name, new X509Certificate(text), clock.now())),
    ...(certificate.checkPrivateKey(readPrivateKey(privateKey))
      ? []
      : ["merchant_private_key does not match merchant_certificate"]),
    ...middle_certificates.flatMap((text, index) =>
      isIssuedBy(new X509Certificate(text), root)
        ? []
        : [`middle_certificates/${index} was not issued by root_certificate`],
    ),
  ];
}
