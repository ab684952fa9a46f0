import { createPrivateKey, createPublicKey, type KeyObject, sign, verify, X509Certificate } from "node:crypto";

/** Below this an RSA key is refused by every channel, and is not safe either. */
const RSA_BITS_MIN = 2048;

/**
 * Channel portals hand out keys as PEM or as bare base64 of PKCS#8 or PKCS#1 (private) and SPKI (public). All are taken.
 * Throws when the text is none of them or the key is not RSA; the message says what was given instead.
 */
export function readPrivateKey(text: string): KeyObject {
  const kind = describeMaterial(text);
  if (kind !== "a private key") throw new Error(`${kind} was given where a private key is needed`);
  return expectRsa(text.includes("-----BEGIN") ? createPrivateKey(text) : readBare(text));
}

function readBare(text: string): KeyObject {
  const key = decodeBare(text);
  try {
    return createPrivateKey({ key, format: "der", type: "pkcs8" });
  } catch {
    return createPrivateKey({ key, format: "der", type: "pkcs1" });
  }
}

/** The public key of a PEM public key, a PEM certificate or bare base64 SPKI. Throws as `readPrivateKey` does. */
export function readPublicKey(text: string): KeyObject {
  const kind = describeMaterial(text);
  // OpenSSL would derive the public half of a private key: whoever uploads one here must hear of it.
  if (kind !== "a public key" && kind !== "a certificate") {
    throw new Error(`${kind} was given where a public key is needed`);
  }
  if (text.includes("-----BEGIN")) return expectRsa(createPublicKey(text));
  return expectRsa(createPublicKey({ key: decodeBare(text), format: "der", type: "spki" }));
}

/** A certificate in PEM. Throws as `readPrivateKey` does. */
export function readCertificate(text: string): X509Certificate {
  const kind = describeMaterial(text);
  if (kind !== "a certificate") throw new Error(`${kind} was given where a certificate is needed`);
  return new X509Certificate(text);
}

const pemKinds: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/, "a private key that a password protects"],
  [/-----BEGIN (RSA |EC )?PRIVATE KEY-----/, "a private key"],
  [/-----BEGIN (RSA )?PUBLIC KEY-----/, "a public key"],
  [/-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----/, "a certificate"],
  [/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/, "a certificate request"],
];

/** What a text that ought to be a key or a certificate is, as the subject of a sentence. Never quotes the text. */
export function describeMaterial(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "nothing";
  if (trimmed.includes("-----BEGIN")) {
    return pemKinds.find(([pattern]) => pattern.test(trimmed))?.[1] ?? "PEM of another kind";
  }
  const der = decodeBare(trimmed);
  const forms: readonly (readonly [string, () => unknown])[] = [
    ["a private key", () => readBare(trimmed)],
    ["a public key", () => createPublicKey({ key: der, format: "der", type: "spki" })],
    ["a certificate without its PEM lines", () => new X509Certificate(der)],
  ];
  return forms.find(([, read]) => succeeds(read))?.[0] ?? "text that is neither a key nor a certificate";
}

function succeeds(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}

function decodeBare(text: string): Buffer {
  return Buffer.from(text.replace(/\s+/g, ""), "base64");
}

function expectRsa(key: KeyObject): KeyObject {
  if (key.asymmetricKeyType !== "rsa") throw new Error(`the key is ${key.asymmetricKeyType}, not RSA`);
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS_MIN) throw new Error(`the key has ${bits} bits; at least ${RSA_BITS_MIN} are needed`);
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
