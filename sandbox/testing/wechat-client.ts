/** An independent WeChat Pay client (wechatpay-axios-plugin) for the sandbox's tests, and what it knows of notices. */
import { Aes, Formatter, Rsa, Wechatpay } from "wechatpay-axios-plugin";
import type { Json, Received, TestSandbox } from "./bench.ts";

/** Any method, any path; answers status, headers and data, also of refusals. */
export type Call = (method: string, path: string, data?: object, headers?: Record<string, string>) => Promise<Json>;

export type WechatMerchantUnderTest = Json & {
  /** The channel's keys by serial, as the client is configured. */
  certs: Record<string, string>;
  call: Call;
};

/** Registers a merchant and builds its client. */
export async function makeWechatMerchant(sandbox: TestSandbox, fields: object = {}): Promise<WechatMerchantUnderTest> {
  const merchant = await sandbox.control("/merchants", { channel: "wechat", ...fields });
  const certs: Record<string, string> = {};
  if (merchant.platform_serial_no) certs[merchant.platform_serial_no] = merchant.platform_certificate_pem;
  if (merchant.public_key_id) certs[merchant.public_key_id] = merchant.public_key_pem;
  return { ...merchant, certs, call: makeCall(sandbox, merchant, certs) };
}

/** A client that trusts `certs`. It throws when a 2xx answer is not signed by one of them. */
export function makeCall(sandbox: TestSandbox, merchant: Json, certs: Record<string, string>): Call {
  const client: Json = new Wechatpay({
    baseURL: sandbox.url,
    mchid: merchant.mchid,
    serial: merchant.merchant_serial_no,
    privateKey: merchant.merchant_private_key_pem,
    certs: { ...certs },
  } as Json);
  return async (method, path, data, headers = {}) => {
    try {
      return await (method === "get"
        ? client.chain(path.slice(1)).get({ ...data, headers })
        : client.chain(path.slice(1))[method](data ?? {}, { headers }));
    } catch (error) {
      const { response } = error as Json;
      if (response?.status >= 400) return response;
      throw error;
    }
  };
}

/** Verifies and decrypts a notice with the client library's own tools; throws when either fails. */
export function openNotice(merchant: WechatMerchantUnderTest, message: Received): Json {
  const { headers, body } = message;
  const text = Formatter.response(headers["wechatpay-timestamp"] as string, headers["wechatpay-nonce"] as string, body);
  const key = merchant.certs[headers["wechatpay-serial"] as string];
  if (key === undefined) throw new Error(`unknown serial ${headers["wechatpay-serial"]}`);
  if (!Rsa.verify(text, headers["wechatpay-signature"] as string, Rsa.from(key, "public")))
    throw new Error("bad signature");
  const notice = JSON.parse(body);
  const { ciphertext, nonce, associated_data } = notice.resource;
  return {
    ...notice,
    content: JSON.parse(Aes.AesGcm.decrypt(ciphertext, merchant.api_v3_key, nonce, associated_data)),
  };
}

let last_order = 0;

/** A native order of 12.34 yuan with a number of its own. */
export function makeOrder(merchant: Json, notify_url: string, more: object = {}): Json {
  last_order += 1;
  return {
    mchid: merchant.mchid,
    appid: merchant.appid,
    description: "Tea 茶",
    out_trade_no: `ORDER${String(last_order).padStart(8, "0")}`,
    notify_url,
    amount: { total: 1234, currency: "CNY" },
    ...more,
  };
}

/** Places a native order and pays it; answers its number and transaction id. */
export async function placeAndPay(
  sandbox: TestSandbox,
  merchant: WechatMerchantUnderTest,
  notify_url: string,
  pay: object = {},
): Promise<Json> {
  const order = makeOrder(merchant, notify_url);
  const placed = await merchant.call("post", "/v3/pay/transactions/native", order);
  return sandbox.control("/pay", { code: placed.data.code_url, ...pay });
}

/** A client of API v2 (XML): answers the fields of a business success, or of the refusal. Throws on a bad signature. */
export function makeV2Call(
  sandbox: TestSandbox,
  merchant: Json,
  sign_type: "HMAC-SHA256" | "MD5",
): (path: string, fields: Record<string, string>) => Promise<Json> {
  const client: Json = new Wechatpay({
    baseURL: sandbox.url,
    mchid: merchant.mchid,
    serial: merchant.merchant_serial_no,
    privateKey: merchant.merchant_private_key_pem,
    certs: { ...merchant.certs },
    secret: merchant.api_v2_key,
  } as Json);
  return async (path, fields) => {
    const sent = { appid: merchant.appid, mch_id: merchant.mchid, sign_type, ...fields };
    try {
      return (await client.chain(`v2/${path}`).post(sent)).data;
    } catch (error) {
      const data = (error as Json).response?.data;
      if (data?.return_code === "FAIL" || data?.result_code === "FAIL") return data;
      throw error;
    }
  };
}
