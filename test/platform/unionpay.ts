/** A UnionPay account for the merchant of a test's platform, which begins with WeChat Pay and Alipay only. */
import { registerUnionpay } from "../../server/src/main/demo/sandbox-merchants.ts";
import { bindChannelAccount, createChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import type { Platform } from "./platform.ts";

/** Routing believes what it knows for a second. */
const ROUTES_TTL_MS = 2_000;

/**
 * Registers the merchant at the simulated UnionPay and lets it collect through a pooled account there. Gives the UUID of the
 * channel account.
 */
export async function addUnionpay(platform: Platform): Promise<string> {
  const { services, sandbox, merchant } = platform;
  const given = { ...services, getChannel: services.payment.getChannel };
  const registered = await registerUnionpay(sandbox.url, "Test");
  const account = await createChannelAccount(given, { ...registered, funding_mode: "pooled", livemode: false });
  await bindChannelAccount(services, { merchant_id: merchant.merchant_id, channel_account_id: account.id });
  await platform.advance(ROUTES_TTL_MS);
  return account.id;
}
