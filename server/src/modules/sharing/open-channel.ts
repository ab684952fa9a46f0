/** The channel by which a payment came, and the payment as its channel knows it. */
import type { Channel, ChannelAccount, ShareInput, Sharing } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { type Attempt, attemptReference, loadAttempts } from "../payment/index.ts";
import type { SharingServices } from "./services.ts";
import type { SharingOrder } from "./sharing.ts";

export interface OpenedChannel {
  channel: Channel;
  sharing: Sharing;
  account: ChannelAccount;
}

/** The channel and the account by which a payment came. */
export async function openSharingChannel(
  services: Pick<SharingServices, "getChannel" | "accounts">,
  { channel: id, channel_account_id }: Pick<SharingOrder, "channel" | "channel_account_id">,
): Promise<OpenedChannel> {
  const channel = services.getChannel(id);
  const account = await services.accounts.open(channel_account_id);
  invariant(channel?.sharing && account, `channel account ${channel_account_id} of a sharing is missing`);
  return { channel, sharing: channel.sharing, account };
}

/** A paid attempt as its channel knows it. */
export async function paidAttempt(
  services: Pick<SharingServices, "db">,
  { merchant_id, attempt_id: id }: { merchant_id: string; attempt_id: string },
): Promise<{ attempt: Attempt; reference: ShareInput["attempt"] }> {
  const attempt = (await loadAttempts(services.db, [{ merchant_id, id }])).get(id);
  invariant(attempt?.channel_trade_no, "a succeeded attempt has a channel_trade_no");
  return { attempt, reference: { ...attemptReference(attempt), channel_trade_no: attempt.channel_trade_no } };
}
