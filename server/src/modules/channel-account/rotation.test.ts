/**
 * Guarantees: while an account's credentials or its channel's keys are changed, in either order, payments, refunds and
 * notices go on and nothing is lost; what replaced keys verify is believed for the overlap and not a moment longer; an
 * operator whose key has leaked can end that at once.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeOf, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { Secret } from "../../kit/secret.ts";
import { getChannelAccount, updateChannelAccount } from "./index.ts";

const HOUR_MS = 3_600_000;
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
}, 60_000);
afterAll(async () => {
  expect(await platform?.findFaults()).toEqual([]);
  await platform?.close();
});

const given = () => ({ ...platform.services, getChannel: platform.services.payment.getChannel });

/** Rotates the channel's keys, and gives the config that knows only the new ones. */
async function rotateAtChannel(channel: "wechat" | "alipay"): Promise<Record<string, unknown>> {
  const { config } = await getChannelAccount(platform.services.db, platform.merchant.accounts[channel]);
  const merchant = channel === "wechat" ? config.mchid : config.app_id;
  const rotated = await platform.sandbox.request("POST", "/control/keys/rotate", { channel, merchant });
  if (channel === "alipay") return { ...config, alipay_certificates: [rotated.alipay_cert_pem] };
  return {
    ...config,
    platform_certificates: [{ serial_no: rotated.platform_serial_no, pem: rotated.platform_certificate_pem }],
    public_keys: [{ id: rotated.public_key_id, pem: rotated.public_key_pem }],
  };
}

async function update(channel: "wechat" | "alipay", config: Record<string, unknown>, overlap_ms?: number) {
  const change = { config, ...(overlap_ms !== undefined && { overlap_ms }) };
  await updateChannelAccount(given(), platform.merchant.accounts[channel], change);
}

const open = (channel: "wechat" | "alipay") => platform.services.accounts.open(platform.merchant.accounts[channel]);

async function expectPaidAndRefunded(payment: Json): Promise<void> {
  await platform.settle();
  await platform.advance(HOUR_MS);
  expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "succeeded" });
  const refund = await platform.post("/v1/refunds", {
    payment: payment.id,
    out_refund_no: `r-${payment.id}`,
    amount: 34,
  });
  await platform.advance(HOUR_MS);
  expect(await platform.get(`/v1/refunds/${refund.id}`)).toMatchObject({ status: "succeeded" });
}

test.each([
  ["wechat", "wechat.native"],
  ["alipay", "alipay.page"],
] as const)("%s changes its key while payments are under way", async (channel, method) => {
  const create = () => platform.post("/v1/payments", paymentBody(method));
  const [before, between] = [await create(), await create()];
  const renewed = await rotateAtChannel(channel);
  // The channel signs anew, and we do not know its key yet: nothing is believed, nothing is lost.
  await platform.sandbox.pay(codeOf(before));
  await platform.settle();
  expect(await platform.get(`/v1/payments/${before.id}`)).toMatchObject({ status: "processing" });
  await update(channel, renewed);
  const after = await create();
  for (const payment of [between, after]) await platform.sandbox.pay(codeOf(payment));
  for (const payment of [before, between, after]) await expectPaidAndRefunded(payment);
});

test("an account that gets the new key before the channel uses it believes the old one for the overlap", async () => {
  const { config } = await getChannelAccount(platform.services.db, platform.merchant.accounts.alipay);
  const early = await platform.post("/v1/payments", paymentBody("alipay.page"));
  const strange = await certificateOfStranger();
  await update("alipay", { ...config, alipay_certificates: [strange] }, 24 * HOUR_MS);
  await platform.sandbox.pay(codeOf(early));
  await expectPaidAndRefunded(early);
  const late = await platform.post("/v1/payments", { ...paymentBody("alipay.page"), expires_in: 7 * 86_400 });
  await platform.advance(72 * HOUR_MS);
  expect((await open("alipay"))?.previous).toBeUndefined();
  await platform.sandbox.pay(codeOf(late));
  await platform.settle();
  expect(await platform.get(`/v1/payments/${late.id}`)).toMatchObject({ status: "processing" });
  await update("alipay", config);
  await expectPaidAndRefunded(late);
});

/** The certificate of another merchant's Alipay: one that has not signed anything for us. */
async function certificateOfStranger(): Promise<unknown> {
  const body = { channel: "alipay", name: "Stranger", mode: "certificate" };
  return (await platform.sandbox.request("POST", "/control/merchants", body)).alipay_cert_pem;
}

test("a notice that was encrypted under the replaced APIv3 key is read; a leaked key is forgotten at once", async () => {
  const id = platform.merchant.accounts.wechat;
  const key = (await open("wechat"))!.secrets.api_v3_key!;
  const payment = await platform.post("/v1/payments", paymentBody("wechat.native"));
  await updateChannelAccount(given(), id, { secrets: { api_v3_key: new Secret("0123456789abcdef0123456789abcdef") } });
  expect((await open("wechat"))?.previous?.[0]?.secrets.api_v3_key?.reveal()).toBe(key.reveal());
  await platform.sandbox.pay(codeOf(payment));
  const [told] = await platform.sandbox.replay(payment.serial_no);
  expect(told.accepted).toBe(true);
  await updateChannelAccount(given(), id, { secrets: { app_secret: new Secret("changed") }, overlap_ms: 0 });
  expect((await open("wechat"))?.previous).toBeUndefined();
  expect((await platform.sandbox.replay(payment.serial_no))[0].accepted).toBe(false);
  await updateChannelAccount(given(), id, { secrets: { api_v3_key: key } });
  expect((await platform.sandbox.replay(payment.serial_no))[0].accepted).toBe(true);
});
