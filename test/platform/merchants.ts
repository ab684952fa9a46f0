/** Merchants of a test: provisioned through the modules' own use cases, as the demo merchant is. */
import { publicId } from "../../server/src/kit/id.ts";
import { registerAlipay, registerWechat } from "../../server/src/main/demo/sandbox-merchants.ts";
import type { Services } from "../../server/src/main/services.ts";
import { bindChannelAccount, createChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { createChannelCostRule, createFeeRule } from "../../server/src/modules/fee/index.ts";
import { createApiKey } from "../../server/src/modules/identity/index.ts";
import { createApp, createMerchant } from "../../server/src/modules/merchant/index.ts";

export type FundingMode = "pooled" | "direct";

/** A merchant with an app, a test key, and accounts at both channels. */
export interface TestMerchant {
  /** UUIDs. */
  merchant_id: string;
  app_id: string;
  key: string;
  webhook_secret: string;
  /** UUIDs of its channel accounts. */
  accounts: { wechat: string; alipay: string };
}

/** 0.60 % of each payment, of which the channel takes 0.38 %. */
export const FEE_PPM = 6_000n;
export const COST_PPM = 3_800n;

/** The accounts of the platform, or of one merchant in direct mode, at both channels of the sandbox. */
export async function createAccounts(
  services: Services,
  sandbox_url: string,
  owner_merchant_id?: string,
): Promise<TestMerchant["accounts"]> {
  const funding_mode: FundingMode = owner_merchant_id ? "direct" : "pooled";
  const given = { ...services, getChannel: services.payment.getChannel };
  const registered = await Promise.all([registerWechat(sandbox_url, "Test"), registerAlipay(sandbox_url, "Test")]);
  const [wechat, alipay] = await Promise.all(
    registered.map(async (account) => {
      const record = await createChannelAccount(given, {
        ...account,
        funding_mode,
        livemode: false,
        ...(owner_merchant_id && { owner_merchant_id }),
      });
      const cost = { channel_account_id: record.id, currency: "CNY", rate_ppm: COST_PPM };
      await createChannelCostRule({ ...services, sql: services.db }, cost);
      return record.id;
    }),
  );
  return { wechat: wechat!, alipay: alipay! };
}

/** @param accounts the platform's, which the merchant then uses; without them it gets its own in direct mode. */
export async function createTestMerchant(
  services: Services,
  sandbox_url: string,
  accounts?: TestMerchant["accounts"],
): Promise<TestMerchant> {
  const given = { ...services, sql: services.db };
  const { id: merchant_id } = await createMerchant(given, { name: "Test merchant 测试商户" });
  const { app, webhook_secret } = await createApp(given, { merchant_id, name: "Test" });
  const own = accounts ?? (await createAccounts(services, sandbox_url, merchant_id));
  for (const channel_account_id of Object.values(own)) {
    await bindChannelAccount(services, { merchant_id, channel_account_id });
  }
  await createFeeRule(given, { merchant_id, livemode: false, currency: "CNY", rate_ppm: FEE_PPM });
  const key = await createKey(services, { merchant_id, app_id: app.id });
  return { merchant_id, app_id: app.id, key, webhook_secret: webhook_secret.reveal(), accounts: own };
}

/** A further key, of any app or book of a merchant. */
export async function createKey(
  services: Services,
  owner: { merchant_id: string; app_id: string; livemode?: boolean },
): Promise<string> {
  const { secret_key } = await createApiKey({ ...services, sql: services.db }, { livemode: false, ...owner });
  return secret_key.reveal();
}

/** A second app of a merchant, with a key. */
export async function createSecondApp(services: Services, merchant_id: string): Promise<{ id: string; key: string }> {
  const { app } = await createApp({ ...services, sql: services.db }, { merchant_id, name: "Second" });
  return { id: publicId("app", app.id), key: await createKey(services, { merchant_id, app_id: app.id }) };
}
