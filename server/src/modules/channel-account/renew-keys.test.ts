/**
 * Guarantee: when WeChat Pay replaces its platform certificate, accounts take the new one over by themselves within a day's
 * half, what the old one signed still counts, and nobody's change of the account is overwritten.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { createKeyRenewal, getChannelAccount, updateChannelAccount } from "./index.ts";

const HOUR_MS = 3_600_000;
const lines: string[] = [];
let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform({ logs: { write: (line) => void lines.push(line) } });
  // By certificates alone: with a public key, answers are signed by that.
  const { config } = await account();
  const { public_keys: _, ...rest } = config;
  await updateChannelAccount(given(), platform.merchant.accounts.wechat, { config: rest });
});
afterAll(() => platform.close());

const given = () => ({ ...platform.services, ...platform.services.payment });
const account = () => getChannelAccount(platform.services.db, platform.merchant.accounts.wechat);
const serials = async () =>
  ((await account()).config.platform_certificates as { serial_no: string }[]).map(({ serial_no }) => serial_no);
const rotate = async () => {
  const merchant = (await account()).config.mchid;
  return platform.sandbox.request("POST", "/control/keys/rotate", { channel: "wechat", merchant });
};
const pay = () => platform.post("/v1/payments", { ...paymentBody(), method: "wechat.native" });

test("a new certificate is taken over beside the old one; payments go on, and earlier notices count", async () => {
  const [old] = await serials();
  const before = await pay();
  await platform.sandbox.pay(before.action.qr_code, { notify: false });
  const rotated = await rotate();
  expect((await pay()).status).toBe("processing");
  expect(await serials()).toEqual([old]);
  await platform.advance(12 * HOUR_MS);
  expect(await serials()).toEqual([rotated.platform_serial_no, old]);
  const after = await pay();
  expect(after.action.type).toBe("qr_code");
  await platform.sandbox.pay(after.action.qr_code);
  await platform.settle();
  for (const { id } of [before, after]) {
    expect(await platform.get(`/v1/payments/${id}`)).toMatchObject({ status: "succeeded" });
  }
});

test("several workers and later looks change nothing more", async () => {
  const { version } = await account();
  const workers = [1, 2].map(() => createKeyRenewal(given()));
  platform.clock.advance(HOUR_MS);
  await Promise.all(workers.map((worker) => worker.drain()));
  expect((await account()).version).toBe(version);
  await rotate();
  platform.clock.advance(6 * HOUR_MS);
  await Promise.all(workers.map((worker) => worker.drain()));
  expect((await account()).version).toBe(version + 1);
  expect(await serials()).toHaveLength(3);
});

test("a channel that does not answer is asked again, one that refuses is written down, and neither costs a key", async () => {
  const before = await serials();
  await rotate();
  const worker = createKeyRenewal(given());
  platform.clock.advance(HOUR_MS);
  await platform.sandbox.fault("wechat", "certificates", "http_500");
  await worker.drain();
  expect(await serials()).toEqual(before);
  platform.clock.advance(600_000);
  await worker.drain();
  expect(await serials()).toHaveLength(before.length + 1);
  const merchant = (await account()).config.mchid as string;
  const portal = { channel: "wechat", mchid: merchant, verify_mode: "public_key" };
  await platform.sandbox.request("POST", "/control/merchants", portal);
  lines.length = 0;
  platform.clock.advance(6 * HOUR_MS);
  await worker.drain();
  expect(lines.filter((line) => line.includes("refuses to show its keys"))).toHaveLength(1);
  expect(await serials()).toHaveLength(before.length + 1);
});
