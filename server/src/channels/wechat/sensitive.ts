/**
 * Personal data for WeChat Pay's eyes: RSA-OAEP (SHA-1) under a key of WeChat Pay, which the request names in its
 * `Wechatpay-Serial`. https://pay.weixin.qq.com/doc/v3/merchant/4013053264
 */
import { constants, type KeyObject, publicEncrypt } from "node:crypto";
import type { ChannelContext } from "../contract.ts";
import { openWechatAccount, verificationKeyId } from "./config.ts";

/** Encrypts for the key that the account's requests name, or for its newest platform certificate. */
export function sealText(
  { account }: ChannelContext,
  text: string,
): { readonly sealed: string; readonly serial: string } {
  const { serial, key } = findKey(openWechatAccount(account));
  const sealed = publicEncrypt(
    { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
    Buffer.from(text, "utf8"),
  );
  return { sealed: sealed.toString("base64"), serial };
}

function findKey(account: ReturnType<typeof openWechatAccount>): { serial: string; key: KeyObject } {
  const serial = account.wechatpay_serial ?? account.newest_certificate;
  const key = serial && account.verification_keys.get(verificationKeyId(serial));
  if (!serial || !key) throw new Error("the account has no key of WeChat Pay to encrypt for");
  return { serial, key };
}
