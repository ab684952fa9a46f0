/** A PayPal account for the merchant of a test's platform, with fees in the currencies of the tests. */
import { registerPaypal } from "../../server/src/main/demo/sandbox-merchants.ts";
import { bindChannelAccount, createChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { createFeeRule } from "../../server/src/modules/fee/index.ts";
import { FEE_PPM } from "./merchants.ts";
import type { Platform } from "./platform.ts";

/** Routing believes what it knows for a second. */
const ROUTES_TTL_MS = 2_000;

/** Registers the merchant at the simulated PayPal, whose webhooks come to the platform, and lets it collect there. */
export async function addPaypal(platform: Platform): Promise<void> {
  const { services, sandbox, merchant, public_url } = platform;
  const given = { ...services, getChannel: services.payment.getChannel };
  const { tellAddress, ...registered } = await registerPaypal(sandbox.url, "Test");
  const account = await createChannelAccount(given, { ...registered, funding_mode: "pooled", livemode: false });
  await tellAddress!(`${public_url}/notify/paypal/${account.id}`);
  const { merchant_id } = merchant;
  await bindChannelAccount(services, { merchant_id, channel_account_id: account.id });
  for (const currency of ["USD", "JPY", "TWD"]) {
    await createFeeRule(
      { ...services, sql: services.db },
      { merchant_id, livemode: false, currency, rate_ppm: FEE_PPM },
    );
  }
  await platform.advance(ROUTES_TTL_MS);
}
