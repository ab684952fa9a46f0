/** The demo merchant: made once, and brought in step with the sandbox at every start. */
import { isDeepStrictEqual } from "node:util";
import { parsePublicId, publicId } from "../../kit/id.ts";
import {
  bindChannelAccount,
  createChannelAccount,
  getChannelAccount,
  updateChannelAccount,
} from "../../modules/channel-account/index.ts";
import { createChannelCostRule, createFeeRule } from "../../modules/fee/index.ts";
import { createApiKey } from "../../modules/identity/index.ts";
import { createApp, createMerchant, loadMerchants } from "../../modules/merchant/index.ts";
import type { Config } from "../config.ts";
import type { Services } from "../services.ts";
import { type DemoFile, readDemoFile, writeDemoFile } from "./demo-file.ts";
import { makeLogins } from "./logins.ts";
import { type DemoAccount, registrations } from "./sandbox-merchants.ts";

export interface Demo extends DemoFile {
  /** Whether this start made it. */
  created: boolean;
}

const MERCHANT_NAME = "汇流演示商店 Tributary Demo";
/** 0.60 %, and the channel takes 0.38 % of that: usual figures of the field. */
const FEE_PPM = 6_000n;
const COST_PPM = 3_800n;
/** In which the demo shop sells; fees and costs are known for these. */
const CURRENCIES = ["CNY", "USD", "JPY"];

export async function prepareDemo(services: Services, config: Config, sandbox_url: string): Promise<Demo> {
  const known = readDemoFile(config.data_dir);
  const merchant_id = known && parsePublicId("merchant", known.merchant_id);
  if (known && merchant_id && (await exists(services, merchant_id))) {
    await refreshAccounts(services, config, merchant_id, sandbox_url);
    // Files of before there were users name none.
    const logins = known.operator && known.merchant ? {} : await makeLogins(services, merchant_id);
    const demo = { ...known, ...logins, base_url: config.public_url, sandbox_url };
    if (!isDeepStrictEqual(known, demo)) writeDemoFile(config.data_dir, demo);
    return { ...demo, created: false };
  }
  const demo = await createDemo(services, config, sandbox_url);
  writeDemoFile(config.data_dir, demo);
  return { ...demo, created: true };
}

async function exists(services: Services, merchant_id: string): Promise<boolean> {
  const merchants = await loadMerchants(services.db, null, 1_000);
  return merchants.some((merchant) => merchant.id === merchant_id);
}

async function createDemo(services: Services, config: Config, sandbox_url: string): Promise<DemoFile> {
  const given = { ...services, sql: services.db };
  const merchant = await createMerchant(given, { name: MERCHANT_NAME });
  const { app, webhook_secret } = await createApp(given, { merchant_id: merchant.id, name: "Demo" });
  const owner = { merchant_id: merchant.id, app_id: app.id, livemode: false };
  const [{ secret_key }, accounts] = await Promise.all([
    createApiKey(given, { ...owner, name: "demo" }),
    Promise.all(Object.values(registrations).map((register) => register(sandbox_url, MERCHANT_NAME))),
    ...CURRENCIES.map((currency) => createFeeRule(given, { ...owner, app_id: null, currency, rate_ppm: FEE_PPM })),
  ]);
  for (const account of accounts) await addAccount(services, config, merchant.id, account);
  return {
    base_url: config.public_url,
    sandbox_url,
    merchant_id: publicId("merchant", merchant.id),
    app_id: publicId("app", app.id),
    secret_key: secret_key.reveal(),
    webhook_secret: webhook_secret.reveal(),
    ...(await makeLogins(services, merchant.id)),
  };
}

/** The platform's own (pooled) account, so that the books show the whole way of the money. */
async function addAccount(
  services: Services,
  config: Config,
  merchant_id: string,
  { tellAddress, ...account }: DemoAccount,
): Promise<void> {
  const { getChannel } = services.payment;
  const given = { ...services, getChannel };
  const record = await createChannelAccount(given, { ...account, funding_mode: "pooled", livemode: false });
  await tellAddress?.(noticeAddress(config, record));
  await bindChannelAccount(services, { merchant_id, channel_account_id: record.id });
  for (const currency of CURRENCIES.filter((code) => getChannel(account.channel)?.currencies.includes(code))) {
    const cost = { channel_account_id: record.id, currency, rate_ppm: COST_PPM };
    await createChannelCostRule({ ...services, sql: services.db }, cost);
  }
}

function noticeAddress({ public_url }: Config, account: { id: string; channel: string }): string {
  return `${public_url}/notify/${account.channel}/${account.id}`;
}

/**
 * The sandbox may have moved to another port, or lost its memory and made new keys, and the platform may offer more
 * methods and channels: the accounts follow.
 */
async function refreshAccounts(
  services: Services,
  config: Config,
  merchant_id: string,
  sandbox_url: string,
): Promise<void> {
  const routes = await services.accounts.listForMerchant({ merchant_id, livemode: false });
  const given = { ...services, getChannel: services.payment.getChannel };
  for (const { id, channel } of routes) {
    const { config: known, methods } = await getChannelAccount(services.db, id);
    const register = registrations[channel];
    if (!register) continue;
    const registered = await register(sandbox_url, MERCHANT_NAME, known);
    await registered.tellAddress?.(noticeAddress(config, { id, channel }));
    const { config: renewed, secrets, methods: offered } = registered;
    const same = isDeepStrictEqual([known, methods], [renewed, offered]) && (await holds(services, id, secrets));
    if (!same) await updateChannelAccount(given, id, { config: renewed, secrets, methods: offered });
  }
  for (const [channel, register] of Object.entries(registrations)) {
    if (routes.some((route) => route.channel === channel)) continue;
    await addAccount(services, config, merchant_id, await register(sandbox_url, MERCHANT_NAME));
  }
}

/** Whether an account has these very secrets: new ones need not show in its config. */
async function holds(services: Services, id: string, secrets: DemoAccount["secrets"]): Promise<boolean> {
  const opened = await services.accounts.open(id);
  return Object.entries(secrets).every(([name, secret]) => opened?.secrets[name]?.reveal() === secret.reveal());
}
