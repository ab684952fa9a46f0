/**
 * The platform certificates in force: GET /v3/certificates, to be asked at most every twelve hours. Merchants who use
 * 微信支付公钥 only get 404 here.
 */
import { type CipherKey, createPublicKey, X509Certificate } from "node:crypto";
import { fromRfc3339 } from "../beijing-time.ts";
import type { ChannelContext, ChannelFailure, Operation, Unknown, WireResponse } from "../contract.ts";
import { serialOf, verifySha256 } from "../key-material.ts";
import { interpretRefusal, unknown } from "../refusal.ts";
import { asObject, type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount, verificationKeyId } from "./config.ts";
import { decryptResource } from "./resource.ts";
import { signRequest } from "./sign.ts";
import { codeSpelling, findSignatureProblem, readRefusal } from "./verify.ts";

export interface PlatformCertificate {
  readonly serial_no: string;
  readonly pem: string;
  /** Epoch milliseconds. */
  readonly effective_at: number;
  readonly expires_at: number;
}

export type CertificatesOutcome =
  | { readonly kind: "certificates"; readonly certificates: readonly PlatformCertificate[] }
  /** This merchant has none (it uses public keys), may not ask, or cannot open them (API_V3_KEY_WRONG). */
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;

/** Input: nothing. */
export const certificates: Operation<Readonly<Record<string, never>>, CertificatesOutcome> = {
  toRequest: (context) => signRequest(context, { method: "GET", path: "/v3/certificates" }),
  fromResponse: (context, _input, response) => readCertificates(context, response),
};

function readCertificates(context: ChannelContext, response: WireResponse): CertificatesOutcome {
  if (response.status !== 200) return readCertificatesRefusal(response);
  const data = parseJsonObject(response.body.toString("utf8"));
  if (!data || !Array.isArray(data.data)) return unknown("unreadable", "the answer has no list of certificates");
  const { api_v3_key } = openWechatAccount(context.account);
  const found = data.data.map((item) => readCertificate(api_v3_key, asObject(item)));
  const list = found.filter((certificate) => certificate !== undefined);
  const problem = findProblem(context, response, list);
  if (list.length === found.length && list.length > 0) {
    return problem ? unknown("bad_signature", problem) : { kind: "certificates", certificates: list };
  }
  const message = "a certificate does not open with the APIv3 key";
  // With a good signature the channel's answer is what it should be: the key is not the merchant's.
  return problem ? unknown("unreadable", message) : { kind: "failed", failure: { code: "API_V3_KEY_WRONG", message } };
}

function readCertificate(key: CipherKey, item: JsonObject | undefined): PlatformCertificate | undefined {
  const pem = decryptResource(key, asObject(item?.encrypt_certificate));
  const serial_no = textOf(item, "serial_no");
  const effective_at = fromRfc3339(textOf(item, "effective_time") ?? "");
  const expires_at = fromRfc3339(textOf(item, "expire_time") ?? "");
  if (!pem || !serial_no || effective_at === undefined || expires_at === undefined) return undefined;
  try {
    if (serialOf(new X509Certificate(pem)) !== serial_no.toUpperCase()) return undefined;
  } catch {
    return undefined;
  }
  return { serial_no, pem, effective_at, expires_at };
}

/**
 * The response may be signed by a key that only it brings. That is sound: only WeChat Pay and the merchant have the
 * APIv3 key that sealed the certificate (authenticated encryption).
 */
function findProblem(
  context: ChannelContext,
  response: WireResponse,
  list: readonly PlatformCertificate[],
): string | undefined {
  const { headers, body } = response;
  const serial = verificationKeyId(headers["wechatpay-serial"] ?? "");
  const brought = list.find(({ serial_no }) => verificationKeyId(serial_no) === serial);
  if (!brought) return findSignatureProblem(context, headers, body);
  const prefix = `${headers["wechatpay-timestamp"]}\n${headers["wechatpay-nonce"]}\n`;
  const message = Buffer.concat([Buffer.from(prefix, "utf8"), body, Buffer.from("\n")]);
  const good = verifySha256(createPublicKey(brought.pem), message, headers["wechatpay-signature"] ?? "");
  return good ? undefined : "the signature does not match the body";
}

function readCertificatesRefusal(response: WireResponse): CertificatesOutcome {
  const answer = readRefusal(response);
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "accepted") return unknown("http_status", `status ${answer.status}`);
  const failure = { code: answer.code, message: answer.message };
  const table = { RESOURCENOTEXISTS: "failed", NOAUTH: "failed", INVALIDREQUEST: "failed" } as const;
  // A 404 under any code says the same: there are no certificates for this merchant.
  const lookup = response.status === 404 ? "RESOURCENOTEXISTS" : codeSpelling(answer.code);
  return interpretRefusal(table, failure, lookup);
}
