/** Channel accounts and whom they serve. The only door of the module. */
import type { Sql } from "../../kit/sql/database.ts";
import type { AccountRecord } from "./account.ts";
import { channelAccountErrors } from "./errors.ts";
import { loadAccounts } from "./store.ts";

export type { AccountRecord, FundingMode } from "./account.ts";
export { type Book, type ChannelAccounts, type ChannelAccountsOptions, createChannelAccounts } from "./accounts.ts";
export { type ConnectionServices, checkConnection } from "./check-connection.ts";
export { type ChannelView, presentChannel } from "./describe-channel.ts";
export { channelAccountErrors } from "./errors.ts";
export { type DatedExpiry, listAccountExpiries } from "./expiries.ts";
export { createAccountUpkeep, type UpkeepServices } from "./jobs.ts";
export {
  type AccountChange,
  type AccountServices,
  bindChannelAccount,
  createChannelAccount,
  type NewAccount,
  unbindChannelAccount,
  updateChannelAccount,
} from "./manage-accounts.ts";
export { createKeyRenewal, type KeyRenewalServices } from "./renew-keys.ts";
export { registerChannelRoutes } from "./routes/list-channels/route.ts";
export { listAccounts as listChannelAccounts, loadRoutes as loadBoundAccounts, type RoutedAccount } from "./store.ts";

/** @throws channel_account.not_found */
export async function getChannelAccount(sql: Sql, id: string): Promise<AccountRecord> {
  const [account] = await loadAccounts(sql, [id]);
  if (!account) throw channelAccountErrors["channel_account.not_found"]();
  const { secrets_sealed: _, ...record } = account;
  return record;
}
