/** Certificates of Alipay's certificate mode: a root file, an issuer under it, and leaves for application and Alipay. */
import { generateKeyPairSync, hash, type KeyObject } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { generateRsa, readPrivateKey, readPublicKey } from "../kit/crypto.ts";
import { type DistinguishedName, issueCertificate } from "../kit/x509.ts";
import type { AlipayAuthority, CertificatePem } from "./state.ts";

const day_ms = 86_400_000;
const root_r1: DistinguishedName = [
  ["C", "CN"],
  ["O", "Ant Financial (simulated)"],
  ["OU", "Certification Authority"],
  ["CN", "Simulated Root Authority R1"],
];
const root_r2: DistinguishedName = [...root_r1.slice(0, 3), ["CN", "Simulated Root Authority R2"]];
const root_e1: DistinguishedName = [...root_r1.slice(0, 3), ["CN", "Simulated Root Authority E1"]];
const issuer_dn: DistinguishedName = [...root_r1.slice(0, 3), ["CN", "Simulated Certification Authority Class 2 R1"]];

/** Alipay's SN: the MD5 of the issuer's name, last part first, followed by the serial number in decimal. */
export function computeSn(issuer: DistinguishedName, serial_hex: string): string {
  const name = [...issuer].reverse().map(([key, value]) => `${key}=${value}`);
  return hash("md5", `${name.join(",")}${BigInt(`0x${serial_hex}`)}`);
}

type Leaf = { subject: DistinguishedName; issuer: DistinguishedName; public_key: KeyObject; signer: KeyObject };

function issue(sandbox: Sandbox, leaf: Leaf, authority: boolean): CertificatePem {
  const serial_hex = `20${sandbox.random.hex(30)}`;
  const now_ms = sandbox.clock.now();
  const years = authority ? 20 : 5;
  const pem = issueCertificate({
    ...leaf,
    serial_hex,
    authority,
    not_before_ms: now_ms - day_ms,
    not_after_ms: now_ms + years * 365 * day_ms,
  });
  return { pem, sn: computeSn(leaf.issuer, serial_hex) };
}

/** Founds the authority: the root file holds two RSA roots and an elliptic one, which does not count in the SN. */
async function foundAuthority(sandbox: Sandbox): Promise<AlipayAuthority> {
  const [first, second, issuing] = await Promise.all([generateRsa(), generateRsa(), generateRsa()]);
  const elliptic = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const root = (dn: DistinguishedName, public_key: KeyObject, signer: KeyObject) =>
    issue(sandbox, { subject: dn, issuer: dn, public_key, signer }, true);
  const r1 = root(root_r1, readPublicKey(first.public_pem), readPrivateKey(first.private_pem));
  const e1 = root(root_e1, elliptic.publicKey, elliptic.privateKey);
  const r2 = root(root_r2, readPublicKey(second.public_pem), readPrivateKey(second.private_pem));
  const issuer = issue(
    sandbox,
    {
      subject: issuer_dn,
      issuer: root_r1,
      public_key: readPublicKey(issuing.public_pem),
      signer: readPrivateKey(first.private_pem),
    },
    true,
  );
  return {
    issuer_private_pem: issuing.private_pem,
    issuer_pem: issuer.pem,
    root_pem: `${e1.pem}\n${r1.pem}\n${r2.pem}`,
    root_sn: `${r1.sn}_${r2.sn}`,
  };
}

/** The sandbox's authority, founded when it is first needed. */
export async function ensureAuthority(sandbox: Sandbox): Promise<AlipayAuthority> {
  const authority = sandbox.alipay.authority ?? (await foundAuthority(sandbox));
  sandbox.alipay.authority ??= authority;
  return sandbox.alipay.authority;
}

/** Issues a leaf to `common_name`. */
export async function issueLeaf(sandbox: Sandbox, common_name: string, public_pem: string): Promise<CertificatePem> {
  const authority = await ensureAuthority(sandbox);
  return issue(
    sandbox,
    {
      subject: [
        ["C", "CN"],
        ["O", common_name],
        ["OU", "Alipay (simulated)"],
        ["CN", common_name],
      ],
      issuer: issuer_dn,
      public_key: readPublicKey(public_pem),
      signer: readPrivateKey(authority.issuer_private_pem),
    },
    false,
  );
}
