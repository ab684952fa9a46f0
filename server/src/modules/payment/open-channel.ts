import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Attempt } from "./payment.ts";
import type { PaymentServices } from "./services.ts";

/** The channel and the opened account of an attempt. */
export async function openChannel(
  services: PaymentServices,
  attempt: Pick<Attempt, "channel" | "channel_account_id">,
): Promise<{ channel: Channel; account: ChannelAccount }> {
  const channel = services.getChannel(attempt.channel);
  const account = await services.accounts.open(attempt.channel_account_id);
  invariant(channel && account, `channel account ${attempt.channel_account_id} of an attempt is missing`);
  return { channel, account };
}
