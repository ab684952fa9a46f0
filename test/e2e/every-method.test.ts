/**
 * Guarantee: whoever starts the demo can collect by every method that the platform has, through the accounts that the demo
 * comes with: created, paid by the simulated payer, booked, told, refunded in full. Only a bank transfer needs an operator.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { methods } from "../../server/src/channels/contract.ts";
import type { Config } from "../../server/src/main/config.ts";
import { prepareDemo } from "../../server/src/main/demo/prepare.ts";
import { BUYER_ID, codeOf, nextNumber, OPENID, PAYER_IP } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

const byOperator = ["bank.transfer"];
const MINUTE_MS = 60_000;
let platform: Platform;
let key: string;
let data_dir: string;

beforeAll(async () => {
  platform = await startPlatform();
  data_dir = await mkdtemp(join(tmpdir(), "tributary-methods-"));
  const config = { data_dir, public_url: platform.public_url } as Config;
  const demo = await prepareDemo(platform.services, config, platform.sandbox.url);
  key = demo.secret_key;
  platform.receiver.trust(demo.webhook_secret);
}, 60_000);

afterAll(async () => {
  await platform?.close();
  await rm(data_dir, { recursive: true });
});

/** What the method needs to know of the payer. */
async function payerOf(method: string): Promise<object> {
  const [channel, way] = method.split(".") as [string, string];
  if (way === "barcode") {
    const { auth_code } = await platform.sandbox.request("POST", "/control/auth_codes", { channel });
    return { auth_code };
  }
  if (method === "wechat.h5") return { ip: PAYER_IP };
  if (channel === "wechat") return { openid: OPENID };
  if (channel === "alipay") return { buyer_id: BUYER_ID };
  return method === "unionpay.jsapi" ? { user_id: await unionpayUser() } : {};
}

/** The payer as UnionPay's own app names them. */
async function unionpayUser(): Promise<string> {
  const query = new URLSearchParams({ version: "1.0.0", redirectUrl: "https://shop.example/back" });
  const address = `${platform.sandbox.url}/qrcGtwWeb-web/api/userAuth?${query}`;
  const left = await fetch(address, { redirect: "manual" });
  const code = new URL(left.headers.get("location")!).searchParams.get("userAuthCode");
  const identity = { method: "unionpay.jsapi", code };
  return (await platform.post("/v1/payer_identities", identity, { key })).user_id;
}

/** What is paid by: an address with its form's fields, where the action is a form. */
function codeFor(payment: Json): string {
  const { action } = payment;
  if (action.type === "form") return `${action.url}?${new URLSearchParams(action.fields)}`;
  return action.parameters?.tn ?? codeOf(payment);
}

const offered = methods.filter((method) => !byOperator.includes(method));

test.each(offered)("%s", async (method) => {
  const body = { out_trade_no: nextNumber("every"), amount: 1234, subject: "一杯茶 A cup of tea", method };
  const currency = /^(stripe|paypal)\./.test(method) ? "USD" : "CNY";
  const more = { currency, payer: await payerOf(method), notify_url: platform.receiver.url };
  const payment = await platform.post("/v1/payments", { ...body, ...more }, { key });
  if (payment.action.type !== "none") await platform.sandbox.pay(codeFor(payment));
  await platform.settle();
  expect(await platform.get(`/v1/payments/${payment.id}`, { key })).toMatchObject({ status: "succeeded", method });
  const refund = await platform.post(
    "/v1/refunds",
    { payment: payment.id, out_refund_no: nextNumber("back"), amount: 1234 },
    { key },
  );
  for (let minute = 0; minute < 5; minute += 1) await platform.advance(MINUTE_MS);
  expect(await platform.get(`/v1/refunds/${refund.id}`, { key })).toMatchObject({ status: "succeeded" });
  expect(platform.receiver.about(payment.id).map(({ type }: Json) => type)).toContain("payment.succeeded");
  expect(await platform.findFaults()).toEqual([]);
});
