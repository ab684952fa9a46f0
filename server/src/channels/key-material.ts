import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, type X509Certificate } from "node:crypto";

/**
 * Channel portals hand out keys as PEM or as bare base64 of PKCS#8 or PKCS#1 (private) and SPKI (public). All are taken.
 * Throws when the text is none of them or the key is not RSA.
 */
export function readPrivateKey(text: string): KeyObject {
  return expectRsa(text.includes("-----BEGIN") ? createPrivateKey(text) : readBare(text));
}

function readBare(text: string): KeyObject {
  const key = Buffer.from(text.replace(/\s+/g, ""), "base64");
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } catch {
    return createPrivateKey({ key, format: "der", type: "pkcs1" });
  }
}

/** The public key of a PEM public key, a PEM certificate or bare base64 SPKI. */
export function readPublicKey(text: string): KeyObject {
  if (text.includes("-----BEGIN")) return expectRsa(createPublicKey(text));
  const key = Buffer.from(text.replace(/\s+/g, ""), "base64");
  return expectRsa(createPublicKey({ key, format: "der", type: "spki" }));
}

function expectRsa(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "rsa") throw new Error(`the key is ${key.asymmetricKeyType}, not RSA`);
  return key;
}

/** A certificate's serial number as 40 (or fewer) upper-case hex digits. */
export function serialOf(certificate: X509Certificate): string {
  return certificate.serialNumber.toUpperCase();
}

/**
 * RSA-SHA256 in base64, computed on the thread pool: one signature takes about a third of a millisecond. PKCS#1 v1.5 is
 * what an RSA key does unless told; to tell it costs half as much again as verifying, because Node.js then looks for
 * other kinds of keys first.
 */
export function signSha256(key: KeyObject, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    sign("sha256", Buffer.from(message, "utf8"), key, (error, signature) => {
      if (error) reject(error);
      else resolve(signature.toString("base64"));
    });
  });
}

/** Whether `signature` (base64) is the key's RSA-SHA256 over `message`. Verifying takes about 30 µs and stays here. */
export function verifySha256(key: KeyObject, message: Buffer, signature: string): boolean {
  return verify("sha256", message, key, Buffer.from(signature, "base64"));
}

/** Runs `read` and answers a sentence when it throws: for checks of an account that a person just typed in. */
export function problemOf(sentence: string, read: () => unknown): string[] {
  try {
    read();
    return [];
  } catch (error) {
    return [`${sentence}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Sentences about a certificate that is not valid at `now_ms`. */
export function problemsOfValidity(name: string, certificate: X509Certificate, now_ms: number): string[] {
  if (now_ms > Date.parse(certificate.validTo)) return [`${name} expired at ${certificate.validTo}`];
  if (now_ms < Date.parse(certificate.validFrom)) return [`${name} is not valid before ${certificate.validFrom}`];
  return [];
}
