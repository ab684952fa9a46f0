/** Asks a channel whether it takes an account: every credential that a payment needs is tried, and nothing is moved. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel, ChannelAccount, ConnectionOutcome } from "../../channels/contract.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { channelAccountErrors } from "./errors.ts";
import { openSecrets, toChannelAccount } from "./secrets.ts";
import { loadAccounts } from "./store.ts";

export interface ConnectionServices {
  db: Sql;
  envelope: Envelope;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
}

/**
 * Tries the connection of a saved account, enabled or not. That the channel does not answer is an outcome (`unknown`).
 * @throws channel_account.not_found, channel_account.channel_unknown
 */
export async function checkConnection(services: ConnectionServices, id: string): Promise<ConnectionOutcome> {
  const [sealed] = await loadAccounts(services.db, [id]);
  if (!sealed) throw channelAccountErrors["channel_account.not_found"]();
  const { secrets_sealed, ...record } = sealed;
  const account = toChannelAccount(record, openSecrets(services.envelope, id, secrets_sealed));
  return tryConnection(services, record.channel, account);
}

/** @throws channel_account.channel_unknown */
export async function tryConnection(
  { channels, getChannel }: Pick<ConnectionServices, "channels" | "getChannel">,
  channel_id: string,
  account: ChannelAccount,
): Promise<ConnectionOutcome> {
  const channel = getChannel(channel_id);
  if (!channel) throw channelAccountErrors["channel_account.channel_unknown"]({ param: "channel" });
  return channels.run(`${channel.id}.check_connection`, account, channel.checkConnection, {});
}
