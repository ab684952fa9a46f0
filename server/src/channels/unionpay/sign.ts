/** Requests to UnionPay's gateway, ACP 5.1.0: an urlencoded form with an RSA signature over the digest of its fields. */
import { createHash } from "node:crypto";
import type { ChannelContext, WireRequest } from "../contract.ts";
import { signSha256 } from "../key-material.ts";
import { openUnionpayAccount } from "./config.ts";

export type Fields = Readonly<Record<string, string | undefined>>;

/** The gateway's addresses. */
export type Address = "frontTransReq" | "appTransReq" | "newAppTransReq" | "backTransReq" | "queryTrans";

/** The same for the merchant of every request. */
const common = { version: "5.1.0", encoding: "UTF-8", signMethod: "01", accessType: "0" } as const;

/** The complete, signed fields of a request; those without a value are left out. */
export async function signFields(context: ChannelContext, fields: Fields): Promise<Record<string, string>> {
  const { mer_id, cert_id, private_key } = openUnionpayAccount(context.account);
  const all: Fields = { ...common, ...fields, merId: mer_id, certId: cert_id };
  const signed = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => !!entry[1]));
  signed.signature = await signSha256(private_key, digestOf(signed));
  return signed;
}

/** A call of the gateway by our server. */
export function signCall(context: ChannelContext, address: Address, fields: Fields): Promise<WireRequest> {
  return signPost(context, addressOf(context, address), fields);
}

/** The same to any of UnionPay's addresses. */
export async function signPost(context: ChannelContext, url: string, fields: Fields): Promise<WireRequest> {
  const body = new URLSearchParams(await signFields(context, fields)).toString();
  return {
    method: "POST",
    url,
    headers: {
      "content-type": "application/x-www-form-urlencoded;charset=UTF-8",
      "user-agent": "Tributary/0.1",
    },
    body,
  };
}

/** Such as `https://gateway.95516.com/gateway/api/queryTrans.do`. */
export function addressOf(context: ChannelContext, address: Address): string {
  return `${openUnionpayAccount(context.account).base_url}/gateway/api/${address}.do`;
}

/** What is signed: the lower-case hex of SHA-256 over `k=v&k=v`, sorted, unencoded, without `signature` and empty values. */
export function digestOf(fields: Readonly<Record<string, string>>): string {
  const text = Object.keys(fields)
    .filter((name) => name !== "signature" && fields[name] !== "")
    .sort()
    .map((name) => `${name}=${fields[name]}`)
    .join("&");
  return createHash("sha256").update(text).digest("hex");
}
