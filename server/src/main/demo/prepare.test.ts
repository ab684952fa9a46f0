/**
 * Guarantee: the demo merchant is made once, and goes on working by the numbers that it has when the sandbox has moved or
 * lost its memory.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import { parsePublicId } from "../../kit/id.ts";
import { getChannelAccount } from "../../modules/channel-account/index.ts";
import type { Config } from "../config.ts";
import { prepareDemo } from "./prepare.ts";

let platform: Platform;
let data_dir: string;
beforeAll(async () => {
  platform = await startPlatform();
  data_dir = await mkdtemp(join(tmpdir(), "tributary-demo-"));
});
afterAll(async () => {
  await platform.close();
  await rm(data_dir, { recursive: true });
});

/** Prepares the demo against a sandbox that knows nothing, and gives its accounts' configurations by channel. */
async function prepareAnew() {
  const sandbox = await startSandbox({ port: 0 });
  try {
    const config = { data_dir, public_url: platform.public_url } as Config;
    const { services } = platform;
    const { merchant_id, created } = await prepareDemo(services, config, sandbox.url);
    const asked = { merchant_id: parsePublicId("merchant", merchant_id)!, livemode: false };
    const routes = await services.accounts.listForMerchant(asked);
    const configs = await Promise.all(
      routes.map(async ({ id, channel }) => [channel, { id, ...(await getChannelAccount(services.db, id))?.config }]),
    );
    return { created, url: sandbox.url, accounts: Object.fromEntries(configs) };
  } finally {
    await sandbox.close();
  }
}

const numbers = [
  "id",
  "mchid",
  "appid",
  "mini_appid",
  "app_appid",
  "app_id",
  "seller_id",
  "mer_id",
  "account_id",
  "client_id",
];
const numbersOf = (accounts: Record<string, Record<string, unknown>>) =>
  Object.values(accounts).map((account) => numbers.map((name) => account[name]));

test("a sandbox that forgot the demo merchant learns its numbers again, and its new keys are taken over", async () => {
  const first = await prepareAnew();
  expect([first.created, Object.keys(first.accounts).sort()]).toEqual([
    true,
    ["alipay", "bank", "paypal", "stripe", "unionpay", "wechat"],
  ]);
  const second = await prepareAnew();
  expect(second.created).toBe(false);
  expect(numbersOf(second.accounts)).toEqual(numbersOf(first.accounts));
  expect(second.accounts.wechat).toMatchObject({ base_url: second.url, mini_appid: expect.stringMatching(/^wx/) });
  expect(second.accounts.wechat.public_keys).not.toEqual(first.accounts.wechat.public_keys);
  expect(second.accounts.unionpay.root_certificate).not.toBe(first.accounts.unionpay.root_certificate);
});
