/** A bank account that payers transfer to: what is configured, how it is checked, and how it is opened. */
import { createSecretKey, type KeyObject } from "node:crypto";
import Type from "typebox";
import { Value } from "typebox/value";
import { isCurrency } from "../../kit/money.ts";
import { memoizeByAccount } from "../account-cache.ts";
import type { ChannelAccount, ConfigField } from "../contract.ts";

const name = Type.String({ minLength: 1, maxLength: 100 });

export const bankTransferConfigSchema = Type.Object(
  {
    bank_name: name,
    /** SWIFT/BIC, or the bank's number in its own country (联行号). */
    bank_code: Type.Optional(Type.String({ pattern: "^[0-9A-Za-z]{8,14}$" })),
    account_name: name,
    account_number: Type.String({ pattern: "^[0-9A-Za-z]{5,34}$" }),
    /** The only currency that the account takes. */
    currency: Type.String({ pattern: "^[A-Z]{3}$" }),
  },
  { additionalProperties: false },
);
export type BankTransferConfig = Type.Static<typeof bankTransferConfigSchema>;

export const bankTransferFields: readonly ConfigField[] = [
  { name: "bank_name", label: { zh: "开户行", en: "Bank" }, secret: false, required: true },
  {
    name: "bank_code",
    label: { zh: "联行号或 SWIFT 代码", en: "SWIFT/BIC or national bank code" },
    hint: { zh: "境内跨行转账填联行号，跨境填 SWIFT", en: "Payers from other banks or countries need it" },
    secret: false,
    required: false,
  },
  { name: "account_name", label: { zh: "户名", en: "Account holder" }, secret: false, required: true },
  {
    name: "account_number",
    label: { zh: "账号", en: "Account number or IBAN" },
    hint: { zh: "不含空格；保存后不能更改", en: "Without spaces; it cannot change afterwards" },
    secret: false,
    required: true,
  },
  {
    name: "currency",
    label: { zh: "币种", en: "Currency" },
    hint: { zh: "ISO 4217 代码，例如 CNY", en: "The ISO 4217 code, such as CNY" },
    secret: false,
    required: true,
  },
  {
    name: "statement_key",
    label: { zh: "确认密钥", en: "Key of statements" },
    hint: {
      zh: "自行生成：whsec_ 加 24 至 64 个随机字节的 Base64。到账与退款的确认用它签名",
      en: "Made by yourself: whsec_ and 24 to 64 random bytes in base64. It signs what confirms a transfer or a refund",
    },
    secret: true,
    required: true,
  },
];

const KEY_PREFIX = "whsec_";
const KEY_BYTES_MIN = 24;
const KEY_BYTES_MAX = 64;

/** The HMAC key of statements; remembered per version of the account. */
export const openStatementKey = memoizeByAccount((account): { readonly key: KeyObject } => {
  const text = account.secrets.statement_key?.reveal();
  if (text === undefined) throw new Error("the account has no statement_key");
  return { key: createSecretKey(readKey(text)) };
});

function readKey(text: string): Buffer {
  return Buffer.from(text.startsWith(KEY_PREFIX) ? text.slice(KEY_PREFIX.length) : "", "base64");
}

/** Sentences about what is wrong with an account; empty when it is good. */
export function checkBankTransferAccount(account: ChannelAccount): string[] {
  if (!Value.Check(bankTransferConfigSchema, account.config)) {
    return Value.Errors(bankTransferConfigSchema, account.config).map((e) => `config${e.instancePath} ${e.message}`);
  }
  const { currency } = account.config;
  const { length } = readKey(account.secrets.statement_key?.reveal() ?? "");
  return [
    ...(isCurrency(currency) ? [] : [`currency is ${currency}, which is no ISO 4217 currency`]),
    ...(length >= KEY_BYTES_MIN && length <= KEY_BYTES_MAX
      ? []
      : [`statement_key must be whsec_ and ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes in base64`]),
  ];
}
