/** GET /v3/certificates: the platform certificates, encrypted with the APIv3 key. */
import { X509Certificate } from "node:crypto";
import type { Sandbox } from "../context.ts";
import { formatRfc3339 } from "../kit/clock.ts";
import { encryptGcm } from "../kit/crypto.ts";
import { type WechatAnswer, type WechatCall, WechatError } from "./answer.ts";

/** Lists the merchant's certificates; 404 for a merchant that has the public key only, as new merchants do. */
export function listCertificates(sandbox: Sandbox, call: WechatCall): WechatAnswer {
  const { merchant } = call.member;
  const certificates = merchant.platform_keys.filter((key) => key.kind === "certificate");
  if (certificates.length === 0) {
    throw new WechatError(404, "RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥");
  }
  const data = certificates.map((key) => {
    const nonce = sandbox.random.token(12);
    return {
      serial_no: key.id,
      effective_time: formatRfc3339(key.made_at_ms),
      expire_time: formatRfc3339(Date.parse(new X509Certificate(key.pem).validTo)),
      encrypt_certificate: {
        algorithm: "AEAD_AES_256_GCM",
        nonce,
        associated_data: "certificate",
        ciphertext: encryptGcm(merchant.api_v3_key, nonce, "certificate", key.pem),
      },
    };
  });
  return { status: 200, body: { data } };
}
