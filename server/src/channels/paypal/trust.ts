/**
 * Whom a webhook's signature comes from. PayPal names the address of its certificate in the message itself, so that the
 * address must be PayPal's, the certificate must chain to a root that is trusted, and it must name PayPal's signer.
 */
import { X509Certificate } from "node:crypto";
import { rootCertificates } from "node:tls";
import { LRUCache } from "lru-cache";
import type { ChannelContext, Send } from "../contract.ts";
import { openPaypalAccount, type PaypalAccount } from "./config.ts";

const CERTIFICATES_MAX = 256;
const CHAIN_LENGTH_MAX = 6;
const CERTIFICATE_PATH = "/v1/notifications/certs/";
const hosts = {
  live: new Set(["api.paypal.com", "api-m.paypal.com"]),
  test: new Set(["api.sandbox.paypal.com", "api-m.sandbox.paypal.com"]),
};
const signerName = /^CN=messageverificationcerts(\.sandbox)?\.paypal\.com$/m;

/** Chains that were found good, by account and address; their validity is looked at each time. */
const chains = new LRUCache<string, readonly X509Certificate[]>({ max: CERTIFICATES_MAX });

let publicRoots: readonly X509Certificate[] | undefined;

/** Whether an address is one of PayPal's certificates for this account. */
export function isCertificateAddress({ account }: ChannelContext, address: string): boolean {
  const url = URL.parse(address);
  if (!url || url.username || url.password || !url.pathname.startsWith(CERTIFICATE_PATH)) return false;
  if (url.origin === new URL(openPaypalAccount(account).base_url).origin) return true;
  return url.protocol === "https:" && url.port === "" && hosts[account.livemode ? "live" : "test"].has(url.hostname);
}

/** The certificate at an address, trusted now; a sentence when it is not, or cannot be had. */
export async function fetchSigner(
  context: ChannelContext,
  address: string,
  send: Send,
): Promise<X509Certificate | string> {
  const { account, clock } = context;
  if (!isCertificateAddress(context, address)) return "the certificate's address is not PayPal's";
  const key = `${account.id}:${account.version}:${address}`;
  const known = chains.get(key);
  const chain = known ?? (await download(address, send));
  if (typeof chain === "string") return chain;
  const now = clock.now();
  const stale = chain.find(({ validFrom, validTo }) => now < Date.parse(validFrom) || now > Date.parse(validTo));
  if (stale) return "a certificate of the chain is not valid now";
  if (known) return chain[0]!;
  const problem = findChainProblem(chain, rootsOf(openPaypalAccount(account)));
  if (problem) return problem;
  chains.set(key, chain);
  return chain[0]!;
}

async function download(address: string, send: Send): Promise<X509Certificate[] | string> {
  try {
    const { status, body } = await send({ method: "GET", url: address, headers: { accept: "*/*" } });
    if (status !== 200) return `the certificate cannot be had: status ${status}`;
    const pems = body.toString("latin1").match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (pems.length === 0 || pems.length > CHAIN_LENGTH_MAX) return "the certificate's address serves no chain";
    return pems.map((pem) => new X509Certificate(pem));
  } catch {
    return "the certificate cannot be had";
  }
}

function rootsOf({ webhook_root }: PaypalAccount): readonly X509Certificate[] {
  if (webhook_root) return [webhook_root];
  publicRoots ??= rootCertificates.map((pem) => new X509Certificate(pem));
  return publicRoots;
}

/** Leaf first, each issued by the next, the last by a root or a root itself. */
function findChainProblem(chain: readonly X509Certificate[], roots: readonly X509Certificate[]): string | undefined {
  const [leaf] = chain;
  if (!leaf || !signerName.test(leaf.subject)) return "the certificate does not name PayPal's signer";
  const broken = chain.some((certificate, index) => {
    const issuer = chain[index + 1];
    return issuer !== undefined && !isIssuedBy(certificate, issuer);
  });
  if (broken) return "the certificate's chain is broken";
  const last = chain.at(-1)!;
  const anchored = roots.some((root) => root.fingerprint256 === last.fingerprint256 || isIssuedBy(last, root));
  return anchored ? undefined : "the certificate's chain ends in no trusted root";
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}
