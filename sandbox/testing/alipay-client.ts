/** An independent Alipay client (alipay-sdk, signature validation on) for the sandbox's tests. */
import { AlipaySdk } from "alipay-sdk";
import type { Json, Received, TestSandbox } from "./bench.ts";

export type AlipayMerchantUnderTest = Json & {
  sdk: AlipaySdk;
  /** Calls a method with biz_content in snake_case; throws when the answer's signature is not Alipay's. */
  call(method: string, content: object, more?: object): Promise<Json>;
};

/** Registers an application and builds its client, in key or certificate mode. */
export async function makeAlipayMerchant(sandbox: TestSandbox, fields: object = {}): Promise<AlipayMerchantUnderTest> {
  const merchant = await sandbox.control("/merchants", { channel: "alipay", ...fields });
  const trust =
    merchant.mode === "certificate"
      ? {
          appCertContent: merchant.app_cert_pem,
          alipayPublicCertContent: merchant.alipay_cert_pem,
          alipayRootCertContent: merchant.alipay_root_cert_pem,
        }
      : { alipayPublicKey: merchant.alipay_public_key_pem };
  const sdk = new AlipaySdk({
    appId: merchant.app_id,
    privateKey: merchant.app_private_key_pem,
    keyType: "PKCS8",
    gateway: merchant.gateway,
    camelcase: false,
    ...trust,
  });
  return {
    ...merchant,
    sdk,
    call: (method: string, content: object, more: object = {}) =>
      sdk.exec(method, { bizContent: content, ...more }, { validateSign: true }),
  };
}

/** Verifies a notice with the client library and answers its fields; throws when it is not Alipay's. */
export function openNotice(merchant: AlipayMerchantUnderTest, message: Received): Record<string, string> {
  const fields = Object.fromEntries(new URLSearchParams(message.body));
  if (!merchant.sdk.checkNotifySignV2(fields)) throw new Error("bad signature");
  return fields;
}
