/** Guarantee: keys are read in every form that the channels' portals hand out, and only RSA keys are. */
import { expect, it } from "vitest";
import { channelPair, ecPrivatePem, merchantPair } from "./conformance/keys.ts";
import { readPrivateKey, readPublicKey, signSha256, verifySha256 } from "./key-material.ts";

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
