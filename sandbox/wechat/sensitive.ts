/** Personal data that a merchant encrypts for the channel: RSA-OAEP (SHA-1) under the key that `Wechatpay-Serial` names. */
import { constants, privateDecrypt } from "node:crypto";
import { readPrivateKey } from "../kit/crypto.ts";
import type { Fields } from "../kit/input.ts";
import { type WechatCall, WechatError } from "./answer.ts";
import { allowText } from "./validate.ts";

/** The clear text of a field that may be absent. Throws PARAM_ERROR when it was not encrypted for one of our keys. */
export function readSealed(call: WechatCall, fields: Fields, key: string, path = ""): string | undefined {
  const sealed = allowText(fields, key, 1024, path);
  if (sealed === undefined) return undefined;
  const held = call.member.merchant.platform_keys.find(({ id }) => id === call.serial);
  if (held === undefined) throw new WechatError(400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误");
  try {
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    const options = { key: readPrivateKey(held.private_pem), padding, oaepHash: "sha1" };
    return privateDecrypt(options, Buffer.from(sealed, "base64")).toString("utf8");
  } catch {
    throw new WechatError(400, "PARAM_ERROR", `敏感信息解密失败：${path}/${key}`);
  }
}
