/**
 * Guarantee: a merchant who collects through a service provider of WeChat Pay is paid, told and refunded as any other, by
 * every method, under the sub-merchant's apps; a sub-merchant whom the provider does not serve costs no payment.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createControlPlane } from "../../server/src/channels/conformance/harness.ts";
import type { ChannelAccount } from "../../server/src/channels/contract.ts";
import { provisionWechat } from "../../server/src/channels/wechat/testing/provision.ts";
import {
  bindChannelAccount,
  createChannelAccount,
  updateChannelAccount,
} from "../../server/src/modules/channel-account/index.ts";
import { nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

/** Accounts are believed for a second. */
const ROUTES_TTL_MS = 2_000;
const methods = ["native", "jsapi", "h5", "mini", "app", "barcode"].map((name) => `wechat.${name}`);
let platform: Platform;
let account: ChannelAccount;

beforeAll(async () => {
  platform = await startPlatform();
  const { services, merchant } = platform;
  ({ account } = await provisionWechat(createControlPlane(platform.sandbox.url), "both", { mode: "partner" }));
  const given = { ...services, getChannel: services.payment.getChannel };
  const { config, secrets } = account;
  const record = { channel: "wechat", name: "By a provider", config, secrets, methods, livemode: false } as const;
  const { id } = await createChannelAccount(given, { ...record, funding_mode: "pooled" });
  await bindChannelAccount(services, { merchant_id: merchant.merchant_id, channel_account_id: id });
  await updateChannelAccount(given, merchant.accounts.wechat, { status: "disabled" });
  await platform.advance(ROUTES_TTL_MS);
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});

/** The payer as the sub-merchant's mini program knows them. */
async function identify(): Promise<string> {
  const code = await platform.sandbox.logIn(String(account.config.sub_mini_appid));
  const identity = await platform.call("POST", "/v1/payer_identities", { method: "wechat.mini", code });
  expect(identity.status).toBe(200);
  return identity.body.openid;
}

async function payerFor(method: string): Promise<Json> {
  if (method === "wechat.mini") return { openid: await identify() };
  if (method === "wechat.jsapi") return { openid: "o-payer-of-the-sub-merchant" };
  if (method === "wechat.h5") return { ip: "203.0.113.7" };
  if (method !== "wechat.barcode") return {};
  const { auth_code } = await platform.sandbox.request("POST", "/control/auth_codes", { channel: "wechat" });
  return { auth_code };
}

test.each(methods)("%s is paid to the sub-merchant, told, and refunded in part", async (method) => {
  const payment = await platform.post("/v1/payments", { ...paymentBody(), method, payer: await payerFor(method) });
  if (method !== "wechat.barcode") {
    await platform.sandbox.pay(payment.serial_no);
    await platform.settle();
    expect(await platform.sandbox.notices(payment.serial_no)).toMatchObject([{ accepted: true }]);
  }
  expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "succeeded" });
  const order = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 34 };
  const { id } = await platform.post("/v1/refunds", order);
  await platform.settle();
  expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded", amount: 34 });
});

test("a payment that nobody paid is closed at WeChat Pay, and one without a notice is found by asking", async () => {
  const unpaid = await platform.post("/v1/payments", { ...paymentBody(), method: "wechat.native" });
  expect((await platform.post(`/v1/payments/${unpaid.id}/close`, {})).status).toBe("closed");
  await expect(platform.sandbox.pay(unpaid.serial_no)).rejects.toThrow("409");
  const silent = await platform.post("/v1/payments", { ...paymentBody(), method: "wechat.native" });
  await platform.sandbox.pay(silent.serial_no, { notify: false });
  await platform.advance(60_000);
  expect(await platform.get(`/v1/payments/${silent.id}`)).toMatchObject({ status: "succeeded" });
});

test("a sub-merchant whom the provider does not serve is refused, for a reason of the account's own", async () => {
  const given = { ...platform.services, getChannel: platform.services.payment.getChannel };
  const { config, secrets } = account;
  const stranger = { ...config, sub_mchid: "1799999999" };
  const record = { channel: "wechat", name: "A stranger", config: stranger, secrets, livemode: false } as const;
  const { id } = await createChannelAccount(given, { ...record, methods: ["wechat.native"], funding_mode: "pooled" });
  const { merchant_id } = platform.merchant;
  await bindChannelAccount(platform.services, { merchant_id, channel_account_id: id, priority: 1 });
  await platform.advance(ROUTES_TTL_MS);
  const payment = await platform.post("/v1/payments", { ...paymentBody(), method: "wechat.native" });
  // The next account of the merchant takes it.
  expect(payment.status).toBe("processing");
  const { data } = await platform.get(`/v1/payments/${payment.id}/attempts`);
  expect(data.map(({ status, failure }: Json) => [status, failure?.code])).toEqual([
    ["sent", undefined],
    ["failed", "NO_AUTH"],
  ]);
});
