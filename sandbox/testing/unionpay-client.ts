/**
 * A merchant's client of UnionPay written for the sandbox's tests alone, from the protocol's first principles with
 * node:crypto: no credible client is published for Node, so this is the independent second opinion on the wire.
 */
import { createHash, createSign, createVerify, X509Certificate } from "node:crypto";
import type { Json, TestSandbox } from "./bench.ts";

type Fields = Record<string, string>;

export type UnionpayMerchantUnderTest = Json & {
  /** Posts a signed request to an address such as `backTransReq`, or to `/`, the file server; `omit` and changes after signing make bad ones. */
  post(address: string, fields: Fields, spoil?: (signed: Fields) => Fields): Promise<{ text: string; fields: Fields }>;
  sign(fields: Fields): Fields;
  /** The fields of a payment order that is right. */
  order(changes?: Fields): Fields;
  /** The fields of a query for an order. */
  question(order: Fields): Fields;
};

/** SHA-256 over the sorted fields, in lower-case hex. */
function digest(fields: Fields): string {
  const pairs = Object.entries(fields).filter(([key, value]) => key !== "signature" && value !== "");
  pairs.sort(([left], [right]) => (left < right ? -1 : 1));
  const hash = createHash("sha256");
  hash.update(Buffer.from(pairs.map((pair) => pair.join("=")).join("&"), "utf8"));
  return hash.digest("hex").toLowerCase();
}

/** Cuts `k=v&k=v` where a known kind of key begins; values hold `=`, `+`, blanks and line ends. */
export function cutAnswer(text: string): Fields {
  const pieces = text.split(/&(?=[A-Za-z][A-Za-z0-9]*=)/);
  return Object.fromEntries(
    pieces.map((piece) => [piece.slice(0, piece.indexOf("=")), piece.slice(piece.indexOf("=") + 1)]),
  );
}

/** Throws unless the message is signed by a certificate that chains to the merchant's root and names UnionPay. */
export function verifyMessage(merchant: Json, fields: Fields): Fields {
  const { signature = "", signPubKeyCert = "" } = fields;
  const leaf = new X509Certificate(signPubKeyCert);
  const middle = new X509Certificate(merchant.middle_certificate_pem);
  const root = new X509Certificate(merchant.root_certificate_pem);
  if (!leaf.verify(middle.publicKey) || !middle.verify(root.publicKey)) throw new Error("broken chain");
  if (!leaf.subject.includes(`@${merchant.signer_name}@`)) throw new Error("another name");
  const verifier = createVerify("RSA-SHA256").update(digest(fields), "utf8");
  if (!verifier.verify(leaf.publicKey, signature, "base64")) throw new Error("bad signature");
  return fields;
}

let last = 0;

/** Registers a merchant and builds its client. */
export async function makeUnionpayMerchant(
  sandbox: TestSandbox,
  fields: object = {},
): Promise<UnionpayMerchantUnderTest> {
  const merchant = await sandbox.control("/merchants", { channel: "unionpay", ...fields });
  const common = { version: "5.1.0", encoding: "UTF-8", signMethod: "01", accessType: "0" };
  const sign = (given: Fields): Fields => {
    const all: Fields = { ...common, merId: merchant.mer_id, certId: merchant.cert_id, ...given };
    const signer = createSign("RSA-SHA256").update(digest(all), "utf8");
    return { ...all, signature: signer.sign(merchant.merchant_private_key_pem, "base64") };
  };
  return {
    ...merchant,
    sign,
    async post(address: string, given: Fields, spoil = (signed: Fields) => signed) {
      const body = new URLSearchParams(spoil(sign(given)));
      const path = address === "/" ? "/" : `/gateway/api/${address}.do`;
      const response = await fetch(`${merchant.base_url}${path}`, { method: "POST", body });
      const text = await response.text();
      const answer = text.includes("respCode=") ? verifyMessage(merchant, cutAnswer(text)) : {};
      return { text, fields: answer };
    },
    order(changes: Fields = {}) {
      last += 1;
      return {
        txnType: "01",
        txnSubType: "07",
        bizType: "000000",
        channelType: "08",
        orderId: `ORDER${String(last).padStart(8, "0")}`,
        txnTime: "20261120120000",
        txnAmt: "1234",
        currencyCode: "156",
        backUrl: "http://127.0.0.1:9/notices",
        orderDesc: "coffee + tea",
        ...changes,
      };
    },
    question: ({ orderId = "", txnTime = "", bizType = "000000" }: Fields) => ({
      txnType: "00",
      txnSubType: "00",
      bizType,
      orderId,
      txnTime,
    }),
  };
}
