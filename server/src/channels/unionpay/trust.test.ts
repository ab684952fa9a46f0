/**
 * Guarantee: whose certificate a message carries is found out once, however its text is written, and a sender's texts take
 * no more than a little memory and time.
 */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createControlPlane } from "../conformance/harness.ts";
import { createTrust, type Trust } from "./trust.ts";

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
/** Certificates under one root, of as many holders. */
let leaves: string[];
let trust: Trust;
const now = Date.now();

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0 });
  const register = () => createControlPlane(sandbox.url).post("merchants", { channel: "unionpay" });
  const made: Record<string, string>[] = [];
  for (let i = 0; i < 5; i += 1) made.push((await register()) as Record<string, string>);
  leaves = made.map(({ merchant_certificate_pem }) => merchant_certificate_pem!);
  trust = createTrust({
    root: new X509Certificate(made[0]!.root_certificate_pem!),
    middles: made.map(({ middle_certificate_pem }) => new X509Certificate(middle_certificate_pem!)),
    signer_name: "SIGN",
  });
});
afterAll(() => sandbox.close());

it("knows a certificate again by what it is, not by how it is written", () => {
  const [leaf] = leaves as [string];
  const key = trust.keyOf(leaf, now);
  for (const text of [`${leaf}\n`, `x\n${leaf}`, leaf.replaceAll("\n", "\r\n")])
    expect(trust.keyOf(text, now)).toBe(key);
});

it("remembers no more than a few", () => {
  const [first, ...others] = leaves as [string, ...string[]];
  const key = trust.keyOf(first, now);
  for (const leaf of others) trust.keyOf(leaf, now);
  const again = trust.keyOf(first, now);
  expect(again).not.toBe(key);
  expect(again.equals(key)).toBe(true);
});

it("does not read a text that is too long for a certificate", () => {
  const text = `${leaves[0]}${" ".repeat(4096)}`;
  expect(() => trust.keyOf(text, now)).toThrow("longer than 4096");
});
