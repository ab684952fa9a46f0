/** What tests of sharing share: merchants who receive, receivers at the channels, and payments that may be shared. */
import { publicId } from "../../server/src/kit/id.ts";
import { createTestMerchant, type TestMerchant } from "./merchants.ts";
import { codeOf, nextNumber, paymentBody, type TestMethod } from "./payments.ts";
import type { Platform } from "./platform.ts";
import type { Json } from "./sandbox-control.ts";

/** Forms that the channels and the sandbox take. */
export const WECHAT_MERCHANT = {
  kind: "merchant_no",
  channel: "wechat",
  account: "1900000109",
  name: "某某科技有限公司",
};
export const WECHAT_PERSON = { kind: "openid", channel: "wechat", account: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6x" };
export const ALIPAY_USER = { kind: "user_id", channel: "alipay", account: "2088000000000011" };
export const ALIPAY_LOGIN = { kind: "login_id", channel: "alipay", account: "third@example.com", name: "张三" };

/** Another merchant of the platform, and it as a receiver of `key`'s merchant. */
export async function addMerchant(platform: Platform): Promise<{ merchant: TestMerchant; receiver: string }> {
  const merchant = await createTestMerchant(platform.services, platform.sandbox.url, platform.merchant.accounts);
  const body = { kind: "merchant", merchant: publicId("merchant", merchant.merchant_id) };
  return { merchant, receiver: (await platform.post("/v1/receivers", body)).id };
}

/** A receiver by its body; its id. */
export async function addReceiver(platform: Platform, body: object, key?: string): Promise<string> {
  return (await platform.post("/v1/receivers", body, key ? { key } : {})).id;
}

/** A payment of CNY 100.00 that was paid; 60 fen of it are the fee. */
export async function pay(
  platform: Platform,
  method: TestMethod = "wechat.native",
  more: object = {},
  key?: string,
): Promise<Json> {
  const options = key ? { key } : {};
  const body = paymentBody(method, { amount: 10_000, notify_url: platform.receiver.url, ...more });
  const payment = await platform.post("/v1/payments", body, options);
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  return platform.get(`/v1/payments/${payment.id}`, options);
}

export const orderBody = (payment: Json, receivers: object[], more: object = {}) => ({
  ...{ payment: payment.id, out_sharing_no: nextNumber("share"), receivers, ...more },
});

/** What a merchant's book holds in CNY. */
export async function balanceOf(platform: Platform, key: string): Promise<Json> {
  return (await platform.get("/v1/balance", { key })).balances[0];
}
