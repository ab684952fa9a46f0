/**
 * Signatures of WeChat Pay on 2xx responses and on notices, over the raw bytes:
 * https://pay.weixin.qq.com/doc/v3/merchant/4012365350 . Its 4xx answers were observed unsigned and are read as they are.
 */
import type { ChannelContext, Unknown, WireResponse } from "../contract.ts";
import { verifySha256 } from "../key-material.ts";
import { unknown } from "../refusal.ts";
import { type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { openWechatAccount, verificationKeyId } from "./config.ts";

const SKEW_S_MAX = 300;
/** WeChat Pay sends wrongly signed probes now and then and watches that they are refused. */
const PROBE_PREFIX = "WECHATPAY/SIGNTEST/";

/** Why the signature of a message is not good, as a sentence; undefined when it is. */
export function findSignatureProblem(
  context: ChannelContext,
  headers: Readonly<Record<string, string | undefined>>,
  body: Buffer,
): string | undefined {
  const timestamp = headers["wechatpay-timestamp"];
  const nonce = headers["wechatpay-nonce"];
  const signature = headers["wechatpay-signature"];
  const serial = headers["wechatpay-serial"];
  if (!timestamp || !nonce || !signature || !serial) return "a signature header is missing";
  if (signature.startsWith(PROBE_PREFIX)) return "the signature is a probe of WeChat Pay";
  if (!/^\d{1,12}$/.test(timestamp)) return "the timestamp is not a number of seconds";
  const skew_s = Math.abs(Math.floor(context.clock.now() / 1000) - Number(timestamp));
  if (skew_s > SKEW_S_MAX) return `the timestamp is ${skew_s} s away`;
  const key = openWechatAccount(context.account).verification_keys.get(verificationKeyId(serial));
  if (!key) return `there is no key for the serial ${serial.slice(0, 80)}`;
  const message = Buffer.concat([Buffer.from(`${timestamp}\n${nonce}\n`, "utf8"), body, Buffer.from("\n")]);
  return verifySha256(key, message, signature) ? undefined : "the signature does not match the body";
}

/** A response after its checks: verified data (empty for 204), an unsigned refusal, or trouble. */
export type WechatAnswer =
  | { readonly kind: "accepted"; readonly status: number; readonly data: JsonObject }
  | { readonly kind: "refused"; readonly status: number; readonly code: string; readonly message: string }
  | Unknown;

/** Reads a response after checking its signature; 2xx answers that are not signed well are not believed. */
export function readAnswer(context: ChannelContext, response: WireResponse): WechatAnswer {
  if (response.status < 200 || response.status > 299) return readRefusal(response);
  const problem = findSignatureProblem(context, response.headers, response.body);
  if (problem) return unknown("bad_signature", problem);
  if (response.body.length === 0) return { kind: "accepted", status: response.status, data: {} };
  const data = parseJsonObject(response.body.toString("utf8"));
  if (!data) return unknown("unreadable", "a signed answer is not a JSON object");
  return { kind: "accepted", status: response.status, data };
}

/** Reads an answer outside 2xx. Trouble on the channel's side is unknown whatever the operation was. */
export function readRefusal(response: WireResponse): WechatAnswer {
  const data = parseJsonObject(response.body.toString("utf8"));
  const code = textOf(data, "code");
  const message = textOf(data, "message") ?? "";
  const shown = `${response.status} ${code ?? "without a code"} ${message}`;
  const spelling = code && codeSpelling(code);
  if (response.status === 429 || spelling === "FREQUENCYLIMITED") return unknown("rate_limited", shown);
  if (spelling === "SYSTEMERROR") return unknown("system_error", shown);
  if (response.status >= 500 || response.status < 400) return unknown("http_status", shown);
  if (!code) return unknown("unreadable", `status ${response.status} without WeChat Pay's error body`);
  return { kind: "refused", status: response.status, code, message };
}

/** Codes are written with and without underscores (ORDER_PAID, ORDERPAID) in the channel's own documents. */
export function codeSpelling(code: string): string {
  return code.toUpperCase().replaceAll("_", "");
}
