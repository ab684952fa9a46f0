/** Guarantees that certificates written here are read by OpenSSL (through Node) with exactly what was put into them. */
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { type CertificateRequest, issueCertificate } from "./x509.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });

function request(change: Partial<CertificateRequest> = {}): CertificateRequest {
  return {
    serial_hex: "5A".repeat(20),
    subject: [
      ["C", "CN"],
      ["O", "商户 & Co"],
      ["CN", "leaf"],
    ],
    issuer: [
      ["C", "CN"],
      ["CN", "authority"],
    ],
    public_key: rsa.publicKey,
    signer: rsa.privateKey,
    not_before_ms: Date.parse("2026-11-20T00:00:00Z"),
    not_after_ms: Date.parse("2031-11-20T00:00:00Z"),
    authority: false,
    ...change,
  };
}

it("carries names, serial number, validity and key", () => {
  const certificate = new X509Certificate(issueCertificate(request()));
  expect(certificate.subject).toBe("C=CN\nO=商户 & Co\nCN=leaf");
  expect(certificate.issuer).toBe("C=CN\nCN=authority");
  expect(certificate.serialNumber).toBe("5A".repeat(20));
  expect(Date.parse(certificate.validFrom)).toBe(Date.parse("2026-11-20T00:00:00Z"));
  expect(Date.parse(certificate.validTo)).toBe(Date.parse("2031-11-20T00:00:00Z"));
  expect(certificate.publicKey.equals(rsa.publicKey)).toBe(true);
  expect(certificate.ca).toBe(false);
});

it("is signed by RSA and by elliptic keys, and an authority says that it is one", () => {
  expect(new X509Certificate(issueCertificate(request())).verify(rsa.publicKey)).toBe(true);
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
  expect(new X509Certificate(issueCertificate(request())).verify(other)).toBe(false);
  const signed = request({ signer: elliptic.privateKey, public_key: elliptic.publicKey, authority: true });
  const certificate = new X509Certificate(issueCertificate(signed));
  expect([certificate.verify(elliptic.publicKey), certificate.ca]).toEqual([true, true]);
});

it("may end after 2049, when the encoding of time changes", () => {
  const certificate = new X509Certificate(
    issueCertificate(request({ not_after_ms: Date.parse("2056-01-02T03:04:05Z") })),
  );
  expect(Date.parse(certificate.validTo)).toBe(Date.parse("2056-01-02T03:04:05Z"));
});

it("holds names of any length", () => {
  const name = fc
    .string({ unit: "grapheme-ascii", minLength: 1, maxLength: 60 })
    .filter((text) => /^[A-Za-z0-9]+$/.test(text));
  fc.assert(
    fc.property(name, fc.integer({ min: 1, max: 40 }), (text, times) => {
      const long = text.repeat(times).slice(0, 2000);
      const certificate = new X509Certificate(
        issueCertificate(request({ signer: elliptic.privateKey, subject: [["OU", long]] })),
      );
      return certificate.subject === `OU=${long}`;
    }),
    { numRuns: 40 },
  );
});
