/**
 * Calls of WeChat Pay's API v2, which code payments still use: flat XML, signed with HMAC-SHA256 under the merchant's v2
 * key, in both directions. https://pay.weixin.qq.com/wiki/doc/api/micropay.php?chapter=4_3
 */
import { createHmac } from "node:crypto";
import { equalSecrets } from "../../kit/crypto.ts";
import { randomToken } from "../../kit/random.ts";
import type { ChannelContext, Unknown, WireRequest, WireResponse } from "../contract.ts";
import { differenceOf } from "../integrity.ts";
import { RequestRefused, unknown } from "../refusal.ts";
import { openWechatAccount, type WechatAccount } from "./config.ts";
import { formatXml, parseXml, type XmlFields } from "./v2-xml.ts";
import { codeSpelling } from "./verify.ts";

const NONCE_LENGTH = 32;
const SIGN_TYPE = "HMAC-SHA256";

/** A signed call. With `certified`, the merchant's certificate is shown when the connection is made (双向证书). */
export function signV2Call(context: ChannelContext, path: string, own: XmlFields, certified = false): WireRequest {
  const account = openWechatAccount(context.account);
  const { appid, mchid, base_url, api_v2_key, client_certificate } = account;
  if (!api_v2_key || !client_certificate) {
    const message = "wechat.barcode needs api_v2_key and merchant_certificate";
    throw new RequestRefused("API_V2_NOT_CONFIGURED", message, { elsewhere: true });
  }
  const nonce_str = randomToken(context.random, NONCE_LENGTH);
  const fields: XmlFields = {
    appid,
    mch_id: mchid,
    ...subMerchantOf(account),
    nonce_str,
    sign_type: SIGN_TYPE,
    ...own,
  };
  return {
    method: "POST",
    url: base_url + path,
    headers: { "content-type": "text/xml; charset=utf-8", "user-agent": "Tributary/0.1" },
    body: formatXml({ ...fields, sign: signatureOf(fields, api_v2_key) }),
    ...(certified ? { client_certificate } : {}),
  };
}

function subMerchantOf({ sub_mchid, sub_appid }: WechatAccount): XmlFields {
  return {
    ...(sub_mchid !== undefined && { sub_mch_id: sub_mchid }),
    ...(sub_appid !== undefined && { sub_appid }),
  };
}

/** The sorted non-empty fields as `k=v&`, then the key; HMAC-SHA256 in upper-case hex. */
function signatureOf(fields: XmlFields, key: string): string {
  const names = Object.keys(fields).filter((name) => name !== "sign" && fields[name] !== "");
  const text = names.sort().map((name) => `${name}=${fields[name]}&`);
  return createHmac("sha256", key)
    .update(`${text.join("")}key=${key}`)
    .digest("hex")
    .toUpperCase();
}

/** An answer after its checks: verified fields, a signed refusal with its code, or trouble. */
export type V2Answer =
  | { readonly kind: "accepted"; readonly fields: XmlFields }
  | { readonly kind: "refused"; readonly code: string; readonly message: string; readonly fields: XmlFields }
  | Unknown;

/**
 * Reads the answer about the order `serial_no`; one that echoes another order is an integrity error. return_code FAIL comes unsigned and without a code: it tells
 * nothing certain about an order.
 */
export function readV2Answer(context: ChannelContext, serial_no: string, response: WireResponse): V2Answer {
  if (response.status === 429) return unknown("rate_limited", "status 429");
  if (response.status !== 200) return unknown("http_status", `status ${response.status}`);
  const fields = parseXml(response.body.toString("utf8"));
  if (!fields) return unknown("unreadable", "the answer is not WeChat Pay's XML");
  if (fields.return_code !== "SUCCESS") return unknown("refused", `return_code FAIL: ${fields.return_msg ?? ""}`);
  const { api_v2_key = "", mchid, appid, sub_mchid } = openWechatAccount(context.account);
  if (!fields.sign || !equalSecrets(signatureOf(fields, api_v2_key), fields.sign)) {
    return unknown("bad_signature", "the signature does not match the answer");
  }
  const differences = [
    ...differenceOf("merchant", mchid, fields.mch_id),
    ...differenceOf("merchant", sub_mchid, fields.sub_mch_id),
    ...differenceOf("app", appid, fields.appid),
    ...differenceOf("serial_no", serial_no, fields.out_trade_no),
  ];
  if (differences.length > 0) return unknown("integrity", differences.join("; "));
  if (fields.result_code === "SUCCESS") return { kind: "accepted", fields };
  return readRefusal(fields);
}

function readRefusal(fields: XmlFields): V2Answer {
  const { err_code: code = "", err_code_des: message = "" } = fields;
  const spelling = codeSpelling(code);
  if (!code) return unknown("unreadable", "a refusal without err_code");
  // The bank did not answer WeChat Pay: the money may have moved.
  if (spelling === "SYSTEMERROR" || spelling === "BANKERROR") return unknown("system_error", `${code} ${message}`);
  if (spelling === "FREQUENCYLIMITED") return unknown("rate_limited", `${code} ${message}`);
  return { kind: "refused", code, message, fields };
}
