/** Answers of Alipay's gateway: https://opendocs.alipay.com/common/02mse7 (signature) and …/02km9f (public codes). */
import type { ChannelContext, Unknown, WireResponse } from "../contract.ts";
import { verifySha256 } from "../key-material.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { openAlipayAccount } from "./config.ts";
import { cutMembers } from "./raw-json.ts";

/** An answer after its checks. A refusal is shown by its `code` (Alipay's sub_code where it gives one) and looked up by `lookup`. */
export type AlipayAnswer =
  | { readonly kind: "accepted"; readonly data: JsonObject }
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly message: string;
      readonly lookup: string;
      readonly data: JsonObject;
    }
  | Unknown;

const ACCEPTED = "10000";
/** Gateway codes that say that Alipay does not know or does not serve: the order may exist. */
const unknownCodes: Readonly<Record<string, "system_error" | "rate_limited">> = {
  "20000": "system_error",
  "40005": "rate_limited",
};
/** Gateway refusals (a token, missing or bad parameters, permission) that are seen without a signature. */
const unsignedCodes = new Set(["20001", "40001", "40002", "40003", "40006"]);

/** Reads the answer to `method`, whose member is its name with underscores. */
export function readAnswer(context: ChannelContext, method: string, response: WireResponse): AlipayAnswer {
  if (response.status === 429) return unknown("rate_limited", "status 429");
  if (response.status !== 200) return unknown("http_status", `status ${response.status}`);
  const members = cutMembers(response.body.toString("utf8"));
  const raw = members?.get(`${method.replaceAll(".", "_")}_response`) ?? members?.get("error_response");
  const data = raw === undefined ? undefined : parseJsonObject(raw);
  if (!members || !raw || !data) return unknown("unreadable", "the answer is not a gateway response");
  const signature = stringOf(members.get("sign"));
  if (!signature) return readUnsigned(data);
  const problem = findSignatureProblem(context, raw, signature, stringOf(members.get("alipay_cert_sn")));
  return problem ? unknown("bad_signature", problem) : readSigned(data);
}

function stringOf(raw: string | undefined): string | undefined {
  return raw === undefined ? undefined : textOf(parseJsonObject(`{"value":${raw}}`), "value");
}

function findSignatureProblem(
  context: ChannelContext,
  raw: string,
  signature: string,
  alipay_cert_sn: string | undefined,
): string | undefined {
  const { verification_keys, certificate_numbers } = openAlipayAccount(context.account);
  const message = Buffer.from(raw, "utf8");
  if (certificate_numbers) {
    const key = verification_keys.get(alipay_cert_sn ?? "");
    if (!key) return `there is no certificate with the number ${alipay_cert_sn ?? "(none)"}`;
    return verifySha256(key, message, signature) ? undefined : "the signature does not match the answer";
  }
  const good = [...verification_keys.values()].some((key) => verifySha256(key, message, signature));
  return good ? undefined : "the signature does not match the answer";
}

/** A success or a business refusal without a signature is not believed; a refusal by the gateway itself is. */
function readUnsigned(data: JsonObject): AlipayAnswer {
  const code = textOf(data, "code") ?? "";
  if (!unsignedCodes.has(code) && !Object.hasOwn(unknownCodes, code)) {
    return unknown("bad_signature", `an answer with code ${code || "(none)"} is not signed`);
  }
  return readSigned(data);
}

/** `alipay.system.oauth.token` has no code when it succeeds. */
function readSigned(data: JsonObject): AlipayAnswer {
  const code = textOf(data, "code") ?? ACCEPTED;
  if (code === ACCEPTED) return { kind: "accepted", data };
  const sub_code = textOf(data, "sub_code") ?? code;
  const message = withoutQuotation(textOf(data, "sub_msg") ?? textOf(data, "msg") ?? "");
  if (Object.hasOwn(unknownCodes, code)) return unknown(unknownCodes[code]!, `${code} ${sub_code} ${message}`);
  // Acquiring has a prefix of its own, which the documents once spell AQC.
  if (/^(?:(?:ACQ|AQC)\.)?SYSTEM_ERROR$/.test(sub_code)) return unknown("system_error", `${sub_code} ${message}`);
  // The gateway's own refusals have many sub_codes that all mean the same: the call was not carried out.
  return { kind: "refused", code: sub_code, message, lookup: unsignedCodes.has(code) ? code : sub_code, data };
}

/**
 * A refusal may quote the whole request, as Alipay's does after a bad signature: with it a service provider's token, a
 * payer's code and a person's name. The parameters are quoted in the order of their names, of which these come first.
 */
function withoutQuotation(message: string): string {
  return message.replace(/\b(?:alipay_root_cert_sn|app_auth_token|app_cert_sn|app_id)=[\s\S]*$/, "…");
}
