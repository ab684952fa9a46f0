/**
 * Guarantee: keys are read in every form that the channels' portals hand out, and only RSA keys of a safe length are; what
 * was given in place of another thing is named, and never quoted.
 */
import { generateKeyPairSync } from "node:crypto";
import { expect, it } from "vitest";
import { channelPair, ecPrivatePem, merchantPair } from "./conformance/keys.ts";
import { readCertificate, readPrivateKey, readPublicKey, signSha256, verifySha256 } from "./key-material.ts";

it.each(["private_pem", "pkcs1_pem", "private_bare", "pkcs1_bare"] as const)("signs with a key in %s", async (form) => {
  const signature = await signSha256(readPrivateKey(merchantPair[form]), "汇流");
  for (const key of [merchantPair.public_pem, merchantPair.public_bare]) {
    expect(verifySha256(readPublicKey(key), Buffer.from("汇流"), signature)).toBe(true);
  }
  expect(verifySha256(readPublicKey(channelPair.public_pem), Buffer.from("汇流"), signature)).toBe(false);
});

it.each(["", "?", "AAAA"])("accepts no signature that reads %j", (signature) => {
  expect(verifySha256(readPublicKey(merchantPair.public_pem), Buffer.from("x"), signature)).toBe(false);
});

it("refuses keys that are not RSA, and what is no key", () => {
  expect(() => readPrivateKey(ecPrivatePem)).toThrow("not RSA");
  expect(() => readPrivateKey("bm90IGEga2V5")).toThrow();
  expect(() => readPublicKey("bm90IGEga2V5")).toThrow();
});

it("says what was given in place of what is needed", () => {
  const { private_pem, private_bare, public_pem, public_bare } = merchantPair;
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const locked = pair.privateKey
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
    .toString();
  const cases: readonly (readonly [(text: string) => unknown, string, string])[] = [
    [readPrivateKey, public_pem, "a public key was given where a private key is needed"],
    [readPrivateKey, public_bare, "a public key was given where a private key is needed"],
    [readPrivateKey, locked, "a private key that a password protects was given"],
    [readPrivateKey, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "a certificate was given"],
    [readPrivateKey, "  ", "nothing was given"],
    [readPublicKey, private_pem, "a private key was given where a public key is needed"],
    [readPublicKey, private_bare, "a private key was given where a public key is needed"],
    [readCertificate, public_pem, "a public key was given where a certificate is needed"],
    [readCertificate, "-----BEGIN CERTIFICATE REQUEST-----", "a certificate request was given"],
    [readCertificate, "no key at all", "text that is neither a key nor a certificate was given"],
  ];
  for (const [read, text, sentence] of cases) expect(() => read(text)).toThrow(sentence);
});

it("refuses keys that are too short to be safe", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const sentence = "the key has 1024 bits; at least 2048 are needed";
  expect(() => readPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }).toString())).toThrow(sentence);
  expect(() => readPublicKey(publicKey.export({ type: "spki", format: "pem" }).toString())).toThrow(sentence);
});
