/**
 * Guarantee: a webhook is believed only when its certificate lies at PayPal's own address, names PayPal's signer, chains to
 * a trusted root link by link, and is valid now; whatever else a sender names is not even fetched.
 */
import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { generateRsa, type KeyPairPem, readPrivateKey, readPublicKey } from "../../../../sandbox/kit/crypto.ts";
import { issueCertificate } from "../../../../sandbox/kit/x509.ts";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { makeUuid } from "../conformance/harness.ts";
import type { ChannelContext, Send } from "../contract.ts";
import { fetchSigner, isCertificateAddress } from "./trust.ts";

const DAY_MS = 86_400_000;
const SIGNER = "messageverificationcerts.paypal.com";
const good = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77";
const now = systemClock.now();

let keys: Record<"root" | "middle" | "leaf" | "strange", KeyPairPem>;

interface Issue {
  subject: string;
  issuer: string;
  key: KeyPairPem;
  signer: KeyPairPem;
  authority?: boolean;
  ends_at?: number;
}

function issue({ subject, issuer, key, signer, authority = true, ends_at = now + DAY_MS }: Issue): string {
  return issueCertificate({
    serial_hex: "4011223344556677",
    subject: [["CN", subject]],
    issuer: [["CN", issuer]],
    public_key: readPublicKey(key.public_pem),
    signer: readPrivateKey(signer.private_pem),
    not_before_ms: now - DAY_MS,
    not_after_ms: ends_at,
    authority,
  });
}

const rootPem = () => issue({ subject: "Root", issuer: "Root", key: keys.root, signer: keys.root });
const middlePem = (changes: Partial<Issue> = {}) =>
  issue({ subject: "Middle", issuer: "Root", key: keys.middle, signer: keys.root, ...changes });
const leafPem = (changes: Partial<Issue> = {}) =>
  issue({ subject: SIGNER, issuer: "Middle", key: keys.leaf, signer: keys.middle, authority: false, ...changes });

function contextOf(changes: { root?: string | undefined; livemode?: boolean; clock?: ChannelContext["clock"] } = {}) {
  const root = "root" in changes ? changes.root : rootPem();
  const config = {
    client_id: "A".repeat(80),
    merchant_id: "6666666666666",
    webhook_id: "8PT597110X687430L",
    base_url: "https://api-m.sandbox.paypal.com",
    ...(root === undefined ? {} : { webhook_root_certificate: root }),
  };
  const account = {
    id: makeUuid(),
    version: 1,
    livemode: changes.livemode ?? false,
    config,
    secrets: { client_secret: new Secret("E".repeat(80)) },
  };
  return { account, clock: changes.clock ?? systemClock, random: systemRandom };
}

/** Serves one text as the certificate, and counts how often. */
function serve(text: string, status = 200): { send: Send; asked: string[] } {
  const asked: string[] = [];
  const send: Send = async ({ url }) => {
    asked.push(url);
    return { status, headers: {}, body: Buffer.from(text) };
  };
  return { send, asked };
}

beforeAll(async () => {
  const [root, middle, leaf, strange] = await Promise.all([generateRsa(), generateRsa(), generateRsa(), generateRsa()]);
  keys = { root, middle, leaf, strange };
});

describe("the certificate's address", () => {
  it.each([
    "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://api.sandbox.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://user@api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.sandbox.paypal.com/v1/notifications/certs/../../../redirect?to=evil",
    "https://api.sandbox.paypal.com/evil.pem",
    "https://www.paypal.com/v1/notifications/certs/CERT-1",
    "file:///v1/notifications/certs/CERT-1",
    "nonsense",
  ])("is not taken when it is %s, and nothing is fetched", async (address) => {
    const { send, asked } = serve(leafPem());
    expect(await fetchSigner(contextOf(), address, send)).toContain("address");
    expect(asked).toEqual([]);
  });

  it("is of the account's own mode: neither takes the other's signer", () => {
    const live = good.replace("sandbox.", "");
    expect(isCertificateAddress(contextOf(), good)).toBe(true);
    expect(isCertificateAddress(contextOf(), live)).toBe(false);
    expect(isCertificateAddress(contextOf({ livemode: true }), live)).toBe(true);
  });
});

describe("the chain", () => {
  it("is good from the signer to the root, whether or not it brings the root, and is fetched once", async () => {
    for (const chain of [leafPem() + middlePem(), leafPem() + middlePem() + rootPem()]) {
      const context = contextOf();
      const { send, asked } = serve(chain);
      const signer = await fetchSigner(context, good, send);
      expect(signer).toBeInstanceOf(X509Certificate);
      expect(await fetchSigner(context, good, send)).toBe(signer);
      expect(asked).toEqual([good]);
    }
  });

  it.each([
    [
      "names another holder",
      () => leafPem({ subject: "messageverificationcerts.paypal.com.evil.example" }) + middlePem(),
    ],
    ["names PayPal's holder elsewhere in its name", () => leafPem({ subject: `x${SIGNER}` }) + middlePem()],
    ["was signed by another key", () => leafPem({ signer: keys.strange }) + middlePem()],
    ["has a middle that is no authority", () => leafPem() + middlePem({ authority: false })],
    ["has a middle of another root", () => leafPem() + middlePem({ signer: keys.strange })],
    ["lacks its middle", () => leafPem()],
    ["signed itself", () => leafPem({ issuer: SIGNER, signer: keys.leaf })],
    ["has run out", () => leafPem({ ends_at: now - 1_000 }) + middlePem()],
    ["has a middle that has run out", () => leafPem() + middlePem({ ends_at: now - 1_000 })],
    ["is a page", () => "<html>"],
    ["is endless", () => leafPem() + middlePem().repeat(7)],
  ])("is not good when it %s", async (_, chain) => {
    expect(await fetchSigner(contextOf(), good, serve(chain()).send)).toBeTypeOf("string");
  });

  it("must end in a public root when the account names none", async () => {
    const { send } = serve(leafPem() + middlePem() + rootPem());
    expect(await fetchSigner(contextOf({ root: undefined }), good, send)).toContain("no trusted root");
  });

  it("that was good is not good for ever", async () => {
    const clock = createManualClock(now);
    const context = contextOf({ clock });
    const { send } = serve(leafPem() + middlePem());
    expect(await fetchSigner(context, good, send)).toBeInstanceOf(X509Certificate);
    clock.advance(2 * DAY_MS);
    expect(await fetchSigner(context, good, send)).toContain("not valid now");
  });

  it("that cannot be had now can be had later", async () => {
    const context = contextOf();
    expect(await fetchSigner(context, good, serve("", 503).send)).toContain("503");
    const broken: Send = () => Promise.reject(new Error("reset"));
    expect(await fetchSigner(context, good, broken)).toContain("cannot be had");
    expect(await fetchSigner(context, good, serve(leafPem() + middlePem()).send)).toBeInstanceOf(X509Certificate);
  });
});
