/** UnionPay's certificates: a root, a middle certificate under it, and leaves for UnionPay's signatures and merchants. */
import type { Sandbox } from "../context.ts";
import { generateRsa, type KeyPairPem, readPrivateKey, readPublicKey } from "../kit/crypto.ts";
import { type DistinguishedName, issueCertificate } from "../kit/x509.ts";
import type { Issued, UnionpayRoot } from "./state.ts";

const day_ms = 86_400_000;

/** The third part of the signing certificate's CN, where the real one names China UnionPay. */
export const signer_name = "模拟银联";

const name = (common_name: string): DistinguishedName => [
  ["C", "CN"],
  ["O", "Simulated Certification Authority"],
  ["CN", common_name],
];
const root_name = name("Simulated UnionPay Root CA");
const middle_name = name("Simulated UnionPay CA");

type Leaf = { subject: DistinguishedName; issuer: DistinguishedName; public_pem: string; signer_pem: string };

/** In years: the authority's own certificates, UnionPay's signing certificate, a merchant's. */
const lives = { authority: 20, signing: 5, merchant: 2 } as const;

function issue(sandbox: Sandbox, leaf: Leaf, kind: keyof typeof lives): { pem: string; serial_hex: string } {
  const serial_hex = `40${sandbox.random.hex(18)}`;
  const now_ms = sandbox.clock.now();
  const pem = issueCertificate({
    serial_hex,
    authority: kind === "authority",
    subject: leaf.subject,
    issuer: leaf.issuer,
    public_key: readPublicKey(leaf.public_pem),
    signer: readPrivateKey(leaf.signer_pem),
    not_before_ms: now_ms - day_ms,
    not_after_ms: now_ms + lives[kind] * 365 * day_ms,
  });
  return { pem, serial_hex };
}

/** The sandbox's root, founded when it is first needed. */
export async function ensureRoot(sandbox: Sandbox): Promise<UnionpayRoot> {
  if (sandbox.unionpay.root === undefined) {
    const pair = await generateRsa();
    const leaf = { subject: root_name, issuer: root_name, public_pem: pair.public_pem, signer_pem: pair.private_pem };
    // Another request may have founded it while the keys were made.
    sandbox.unionpay.root ??= { ...pair, pem: issue(sandbox, leaf, "authority").pem };
  }
  return sandbox.unionpay.root;
}

/** A new middle certificate under the root. */
export async function issueMiddle(sandbox: Sandbox): Promise<Issued> {
  const [root, pair] = await Promise.all([ensureRoot(sandbox), generateRsa()]);
  const leaf = {
    subject: middle_name,
    issuer: root_name,
    public_pem: pair.public_pem,
    signer_pem: root.private_pem,
  };
  return { private_pem: pair.private_pem, pem: issue(sandbox, leaf, "authority").pem };
}

/** A certificate for UnionPay's own signatures. */
export async function issueSigning(sandbox: Sandbox, middle: Issued): Promise<Issued> {
  const pair = await generateRsa();
  const subject = name(`051@Z12@${signer_name}@00040000:SIGN@00000001`);
  const leaf = { subject, issuer: middle_name, public_pem: pair.public_pem, signer_pem: middle.private_pem };
  return { private_pem: pair.private_pem, pem: issue(sandbox, leaf, "signing").pem };
}

/** A merchant's certificate over its key; `cert_id` is the serial number in decimal. */
export function issueMerchant(
  sandbox: Sandbox,
  middle: Issued,
  mer_id: string,
  pair: Pick<KeyPairPem, "public_pem">,
): { pem: string; cert_id: string } {
  const subject = name(`041@${mer_id}@SIGN@00000001`);
  const leaf = { subject, issuer: middle_name, public_pem: pair.public_pem, signer_pem: middle.private_pem };
  const { pem, serial_hex } = issue(sandbox, leaf, "merchant");
  return { pem, cert_id: BigInt(`0x${serial_hex}`).toString() };
}
