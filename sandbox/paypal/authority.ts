/** PayPal's certificates: a root, a middle certificate under it, and leaves that sign webhooks, served by address. */
import type { Sandbox } from "../context.ts";
import { generateRsa, type KeyPairPem, readPrivateKey, readPublicKey } from "../kit/crypto.ts";
import { type DistinguishedName, issueCertificate } from "../kit/x509.ts";
import type { PaypalAuthority, PaypalSigner } from "./state.ts";

const day_ms = 86_400_000;

const name = (common_name: string): DistinguishedName => [
  ["C", "US"],
  ["O", "Simulated Certification Authority"],
  ["CN", common_name],
];
const root_name = name("Simulated PayPal Root CA");
const middle_name = name("Simulated PayPal CA");
const signer_name = name("messageverificationcerts.paypal.com");

type Leaf = { subject: DistinguishedName; issuer: DistinguishedName; public_pem: string; signer_pem: string };

function issue(sandbox: Sandbox, leaf: Leaf, authority: boolean): string {
  const now_ms = sandbox.clock.now();
  return issueCertificate({
    serial_hex: `40${sandbox.random.hex(18)}`,
    authority,
    subject: leaf.subject,
    issuer: leaf.issuer,
    public_key: readPublicKey(leaf.public_pem),
    signer: readPrivateKey(leaf.signer_pem),
    not_before_ms: now_ms - day_ms,
    not_after_ms: now_ms + (authority ? 20 : 1) * 365 * day_ms,
  });
}

async function found(sandbox: Sandbox): Promise<PaypalAuthority> {
  const [root, middle] = await Promise.all([generateRsa(), generateRsa()]);
  const { private_pem: signer_pem } = root;
  const ends = { issuer: root_name, signer_pem };
  return {
    root: { ...root, pem: issue(sandbox, { ...ends, subject: root_name, public_pem: root.public_pem }, true) },
    middle: { ...middle, pem: issue(sandbox, { ...ends, subject: middle_name, public_pem: middle.public_pem }, true) },
    signers: [],
  };
}

/** A new signer, which signs from now on; the certificates of earlier ones stay at their addresses. */
export async function renewSigner(sandbox: Sandbox): Promise<void> {
  const authority = await ensureAuthority(sandbox);
  const pair = await generateRsa();
  authority.signers.push(makeSigner(sandbox, authority, pair));
  sandbox.paypal.signing_key = readPrivateKey(pair.private_pem);
}

function makeSigner(sandbox: Sandbox, { middle }: PaypalAuthority, pair: KeyPairPem): PaypalSigner {
  const leaf = {
    subject: signer_name,
    issuer: middle_name,
    public_pem: pair.public_pem,
    signer_pem: middle.private_pem,
  };
  const id = `CERT-${sandbox.random.hex(8)}-${sandbox.random.hex(8)}-${sandbox.random.hex(8)}`;
  return { id, chain: `${issue(sandbox, leaf, false)}${middle.pem}`, private_pem: pair.private_pem };
}

/** The sandbox's authority, founded with its first signer when it is first needed. */
export async function ensureAuthority(sandbox: Sandbox): Promise<PaypalAuthority> {
  const { paypal } = sandbox;
  if (paypal.authority === undefined) {
    const authority = await found(sandbox);
    const pair = await generateRsa();
    // Another request may have founded it while the keys were made.
    if (paypal.authority === undefined) {
      authority.signers.push(makeSigner(sandbox, authority, pair));
      paypal.authority = authority;
    }
  }
  const signer = paypal.authority.signers.at(-1)!;
  paypal.signing_key ??= readPrivateKey(signer.private_pem);
  return paypal.authority;
}
