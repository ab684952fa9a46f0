/** Keys and a certificate for unit tests, made once: an RSA pair takes about a tenth of a second. */
import { generateKeyPairSync, sign } from "node:crypto";

function makePair() {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    key: privateKey,
    private_pem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    pkcs1_pem: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    private_bare: privateKey.export({ type: "pkcs8", format: "der" }).toString("base64"),
    pkcs1_bare: privateKey.export({ type: "pkcs1", format: "der" }).toString("base64"),
    public_pem: publicKey.export({ type: "spki", format: "pem" }).toString(),
    public_bare: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  };
}

/** The merchant's pair. */
export const merchantPair = makePair();

/** The channel's pair. */
export const channelPair = makePair();

export const ecPrivatePem = generateKeyPairSync("ec", { namedCurve: "P-256" })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

/** The channel's signature over `text`, in base64. */
export function signAsChannel(text: string): string {
  return sign("sha256", Buffer.from(text), channelPair.key).toString("base64");
}
