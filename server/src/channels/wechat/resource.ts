import { type CipherKey, createDecipheriv } from "node:crypto";
import { type JsonObject, textOf } from "../wire-json.ts";

const TAG_BYTES = 16;

/**
 * Opens an encrypted resource (AEAD_AES_256_GCM; the tag is the last 16 bytes of the ciphertext). Undefined when the
 * form, the key or the associated data is not right.
 */
export function decryptResource(key: CipherKey, resource: JsonObject | undefined): string | undefined {
  const nonce = textOf(resource, "nonce");
  const ciphertext = textOf(resource, "ciphertext");
  if (textOf(resource, "algorithm") !== "AEAD_AES_256_GCM" || !nonce || !ciphertext) return undefined;
  const sealed = Buffer.from(ciphertext, "base64");
  if (sealed.length < TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "utf8"), { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(textOf(resource, "associated_data") ?? "", "utf8"))
      .setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const opened = [decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()];
    return Buffer.concat(opened).toString("utf8");
  } catch {
    return undefined;
  }
}
