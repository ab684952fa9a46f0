/** Requests to Alipay's gateway, signed with RSA2: https://opendocs.alipay.com/common/02mse7 . */
import { toBeijingTime } from "../beijing-time.ts";
import type { ChannelContext, WireRequest } from "../contract.ts";
import { signSha256 } from "../key-material.ts";
import type { JsonObject } from "../wire-json.ts";
import { openAlipayAccount } from "./config.ts";

export interface UnsignedCall {
  /** Such as `alipay.trade.query`. */
  readonly method: string;
  readonly biz_content?: JsonObject;
  /** Parameters beside the common ones: `notify_url`, `return_url`, or an OAuth call's own. */
  readonly parameters?: Readonly<Record<string, string | undefined>>;
  /** A service provider's own affair, not its merchant's: the call goes without the merchant's token. */
  readonly as_provider?: true;
}

/** A call of the gateway: the parameters in the query string, `biz_content` in the body. */
export async function signCall(context: ChannelContext, unsigned: UnsignedCall): Promise<WireRequest> {
  const { biz_content, ...query } = await signParameters(context, unsigned);
  const { gateway } = openAlipayAccount(context.account);
  return {
    method: "POST",
    url: `${gateway}?${new URLSearchParams(query)}`,
    headers: {
      "content-type": "application/x-www-form-urlencoded;charset=utf-8",
      accept: "application/json",
      "user-agent": "Tributary/0.1",
    },
    body: biz_content === undefined ? "" : new URLSearchParams({ biz_content }).toString(),
  };
}

/** An address that carries the whole call: the payer's browser brings it to Alipay. */
export async function signAddress(context: ChannelContext, unsigned: UnsignedCall): Promise<string> {
  const parameters = await signParameters(context, unsigned);
  return `${openAlipayAccount(context.account).gateway}?${new URLSearchParams(parameters)}`;
}

/** The whole call as `k=v&k=v`, percent-encoded (a space is %20), for Alipay's SDK inside an app. */
export async function signOrderString(context: ChannelContext, unsigned: UnsignedCall): Promise<string> {
  const parameters = await signParameters(context, unsigned);
  return Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}

async function signParameters(context: ChannelContext, unsigned: UnsignedCall): Promise<Record<string, string>> {
  const account = openAlipayAccount(context.account);
  const parameters: Record<string, string> = {
    app_id: account.app_id,
    method: unsigned.method,
    format: "JSON",
    charset: "utf-8",
    sign_type: "RSA2",
    timestamp: toBeijingTime(context.clock.now()),
    version: "1.0",
    ...account.certificate_numbers,
  };
  if (account.app_auth_token && !unsigned.as_provider) parameters.app_auth_token = account.app_auth_token;
  for (const [name, value] of Object.entries(unsigned.parameters ?? {})) if (value) parameters[name] = value;
  if (unsigned.biz_content) parameters.biz_content = JSON.stringify(unsigned.biz_content);
  parameters.sign = await signSha256(account.private_key, canonicalize(parameters));
  return parameters;
}

/** `k=v&k=v`, sorted by name, unencoded, empty values left out. */
export function canonicalize(parameters: Readonly<Record<string, string>>): string {
  return Object.keys(parameters)
    .filter((name) => parameters[name] !== "")
    .sort()
    .map((name) => `${name}=${parameters[name]}`)
    .join("&");
}
