/**
 * The channels' side of the cryptography: RSA-SHA256 signatures, AES-256-GCM and key pairs. Signing goes through the
 * callback form, which runs on the thread pool, so that the event loop keeps answering while keys are at work.
 */
import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type KeyObject,
  sign,
  verify,
} from "node:crypto";

/** A key pair in PEM (PKCS#8 and SPKI), as it is kept and handed out. */
export type KeyPairPem = { private_pem: string; public_pem: string };

/** Makes an RSA-2048 pair on the thread pool. */
export function generateRsa(): Promise<KeyPairPem> {
  return new Promise((resolve, reject) => {
    generateKeyPair(
      "rsa",
      {
        modulusLength: 2048,
        publicKeyEncoding: { type: "spki", format: "pem" },
        privateKeyEncoding: { type: "pkcs8", format: "pem" },
      },
      (error, public_pem, private_pem) => (error ? reject(error) : resolve({ private_pem, public_pem })),
    );
  });
}

/** Signs text (in UTF-8) or bytes with RSA-SHA256 (PKCS#1 v1.5) and answers base64. */
export function signRsa(content: string | Buffer, key: KeyObject): Promise<string> {
  return new Promise((resolve, reject) => {
    sign("sha256", typeof content === "string" ? Buffer.from(content) : content, key, (error, signature) =>
      error ? reject(error) : resolve(signature.toString("base64")),
    );
  });
}

/** True when `signature` (base64) is the key's RSA-SHA256 signature of `text`. */
export function verifyRsa(text: string, signature: string, key: KeyObject): boolean {
  const bytes = Buffer.from(signature, "base64");
  return bytes.length > 0 && verify("sha256", Buffer.from(text), key, bytes);
}

/** AES-256-GCM with the 16-byte tag appended, base64: WeChat's `AEAD_AES_256_GCM`. */
export function encryptGcm(key: string, nonce: string, associated_data: string, text: string): string {
  // With a key object, because Node.js takes its time to find out that a buffer is none.
  const cipher = createCipheriv("aes-256-gcm", createSecretKey(key, "utf8"), Buffer.from(nonce));
  cipher.setAAD(Buffer.from(associated_data));
  return Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString("base64");
}

/** Reads a private key in PEM. */
export function readPrivateKey(pem: string): KeyObject {
  return createPrivateKey(pem);
}

/** Reads a public key in PEM, or in bare base64 as Alipay's portal shows it. Throws when it is neither. */
export function readPublicKey(text: string): KeyObject {
  const trimmed = text.trim();
  if (trimmed.startsWith("-----")) return createPublicKey(trimmed);
  return createPublicKey({ key: Buffer.from(trimmed, "base64"), format: "der", type: "spki" });
}

/** A signature that is well formed and wrong, for faults: the first character is another one. */
export function spoilSignature(signature: string): string {
  return (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
}
