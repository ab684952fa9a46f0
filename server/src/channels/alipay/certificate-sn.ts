/**
 * Alipay's certificate numbers: https://opendocs.alipay.com/common/057k53 . MD5 here names a certificate and protects
 * nothing.
 */
import { createHash, X509Certificate } from "node:crypto";

/** MD5 of the issuer's name, most specific part first and joined by commas, followed by the decimal serial number. */
export function certificateSn(certificate: X509Certificate): string {
  const issuer = certificate.issuer.split("\n").reverse().join(",");
  const serial = BigInt(`0x${certificate.serialNumber}`).toString();
  return createHash("md5")
    .update(issuer + serial)
    .digest("hex");
}

const RSA_SIGNATURE_ARC = "1.2.840.113549.1.1.";
const PEM_PATTERN = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The numbers of a bundle's RSA-signed certificates in order, joined by `_`. Throws when there is none. */
export function rootCertificateSn(bundle: string): string {
  const certificates = (bundle.match(PEM_PATTERN) ?? []).map((text) => new X509Certificate(text));
  const signedByRsa = certificates.filter(({ signatureAlgorithmOid }) =>
    signatureAlgorithmOid.startsWith(RSA_SIGNATURE_ARC),
  );
  if (signedByRsa.length === 0) throw new Error("it holds no certificate signed by RSA");
  return signedByRsa.map(certificateSn).join("_");
}
