/** Requests of WeChat Pay v3, signed: https://pay.weixin.qq.com/doc/v3/merchant/4012365342 . */
import { randomToken } from "../../kit/random.ts";
import type { ChannelContext, WireRequest } from "../contract.ts";
import { signSha256 } from "../key-material.ts";
import type { JsonObject } from "../wire-json.ts";
import { openWechatAccount } from "./config.ts";
import { merchantOf } from "./parties.ts";

const NONCE_LENGTH = 32;

/** `path` begins with a slash and carries its query string, which is signed. */
export interface UnsignedRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: JsonObject;
  /** The key of WeChat Pay that the body's secrets are encrypted for, instead of the account's choice. */
  readonly serial?: string | undefined;
}

/** Signs `METHOD\nPATH?QUERY\nTIMESTAMP\nNONCE\nBODY\n` and puts the five facts into the Authorization header. */
export async function signRequest(context: ChannelContext, unsigned: UnsignedRequest): Promise<WireRequest> {
  const account = openWechatAccount(context.account);
  const url = new URL(account.base_url + unsigned.path);
  const body = unsigned.body === undefined ? "" : JSON.stringify(unsigned.body);
  const timestamp = secondsOf(context);
  const nonce = randomToken(context.random, NONCE_LENGTH);
  const message = [unsigned.method, url.pathname + url.search, timestamp, nonce, body, ""].join("\n");
  const signature = await signSha256(account.private_key, message);
  const serial = unsigned.serial ?? account.wechatpay_serial;
  const authorization = [
    `mchid="${account.mchid}"`,
    `nonce_str="${nonce}"`,
    `signature="${signature}"`,
    `timestamp="${timestamp}"`,
    `serial_no="${account.merchant_serial_no}"`,
  ].join(",");
  return {
    method: unsigned.method,
    url: url.href,
    headers: {
      authorization: `WECHATPAY2-SHA256-RSA2048 ${authorization}`,
      accept: "application/json",
      "user-agent": "Tributary/0.1",
      ...(unsigned.body === undefined ? {} : { "content-type": "application/json" }),
      ...(serial === undefined ? {} : { "wechatpay-serial": serial }),
    },
    ...(unsigned.body === undefined ? {} : { body }),
  };
}

/**
 * What the page hands to `WeixinJSBridge.invoke("getBrandWCPayRequest", …)`: paySign covers
 * `APPID\nTIMESTAMP\nNONCE\nprepay_id=…\n`.
 */
export async function signJsapiParameters(
  context: ChannelContext,
  appId: string,
  prepay_id: string,
): Promise<Record<string, string>> {
  const account = openWechatAccount(context.account);
  const timeStamp = secondsOf(context);
  const nonceStr = randomToken(context.random, NONCE_LENGTH);
  const bundle = `prepay_id=${prepay_id}`;
  const paySign = await signSha256(account.private_key, [appId, timeStamp, nonceStr, bundle, ""].join("\n"));
  return { appId, timeStamp, nonceStr, package: bundle, signType: "RSA", paySign };
}

/** What an app hands to WeChat's SDK. Unlike in a page, the signature covers the bare prepay_id: `…\nPREPAY_ID\n`. */
export async function signAppParameters(
  context: ChannelContext,
  appid: string,
  prepayid: string,
): Promise<Record<string, string>> {
  const account = openWechatAccount(context.account);
  const timestamp = secondsOf(context);
  const noncestr = randomToken(context.random, NONCE_LENGTH);
  const sign = await signSha256(account.private_key, [appid, timestamp, noncestr, prepayid, ""].join("\n"));
  return { appid, partnerid: merchantOf(account), prepayid, package: "Sign=WXPay", noncestr, timestamp, sign };
}

function secondsOf({ clock }: ChannelContext): string {
  return String(Math.floor(clock.now() / 1000));
}
