/**
 * Whether a certificate that came with a message is UnionPay's: every answer and notice carries the certificate that it
 * is signed with (`signPubKeyCert`), and only the chain up to the configured root, and the name in it, make it theirs.
 */
import { type KeyObject, X509Certificate } from "node:crypto";
import { LRUCache } from "lru-cache";

export interface TrustAnchors {
  readonly root: X509Certificate;
  readonly middles: readonly X509Certificate[];
  /** The third part of the signing certificate's CN, whose parts are separated by `@`. */
  readonly signer_name: string;
}

export interface Trust {
  /** The key of a certificate in PEM that is UnionPay's at `now_ms`. Throws a sentence when it is not. */
  keyOf(pem: string, now_ms: number): KeyObject;
}

/** A leaf whose chain holds, with the time in which all of it is valid. */
interface Known {
  readonly key: KeyObject;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** UnionPay signs with one certificate, and with two while it renews it. */
const LEAVES_MAX = 4;
/** A certificate takes about 2 KB; a longer text is not worth the parsing. */
const PEM_LENGTH_MAX = 4096;

/**
 * Leaves whose chain holds are remembered, by what they are and not by how they are written: the text around a
 * certificate is the sender's to choose, and it comes before the message's signature is checked.
 */
export function createTrust(anchors: TrustAnchors): Trust {
  const known = new LRUCache<string, Known>({ max: LEAVES_MAX });
  return {
    keyOf(pem, now_ms) {
      if (pem.length > PEM_LENGTH_MAX) throw new Error(`signPubKeyCert is longer than ${PEM_LENGTH_MAX} characters`);
      const certificate = new X509Certificate(pem);
      const leaf = known.get(certificate.fingerprint256) ?? verifyChain(certificate, anchors);
      known.set(certificate.fingerprint256, leaf);
      if (now_ms < leaf.from_ms || now_ms > leaf.to_ms)
        throw new Error("signPubKeyCert, or its chain, is not valid now");
      return leaf.key;
    },
  };
}

function verifyChain(leaf: X509Certificate, { root, middles, signer_name }: TrustAnchors): Known {
  const middle = middles.find((candidate) => isIssuedBy(leaf, candidate));
  if (!middle) throw new Error("signPubKeyCert was not issued by a middle certificate of the account");
  if (!isIssuedBy(middle, root)) throw new Error("the middle certificate was not issued by the root certificate");
  if (nameOf(leaf) !== signer_name) throw new Error("signPubKeyCert is not a certificate of UnionPay's own");
  const chain = [leaf, middle, root];
  return {
    key: leaf.publicKey,
    from_ms: Math.max(...chain.map(({ validFrom }) => Date.parse(validFrom))),
    to_ms: Math.min(...chain.map(({ validTo }) => Date.parse(validTo))),
  };
}

/** Whether `issuer`, an authority, has issued and signed `certificate`. */
export function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** Such as 中国银联股份有限公司 in `CN=041@Z12@中国银联股份有限公司@00000000:SIGN@00000001`. */
function nameOf(certificate: X509Certificate): string | undefined {
  const line = certificate.subject.split("\n").find((part) => part.startsWith("CN="));
  return line?.slice("CN=".length).split("@")[2];
}
