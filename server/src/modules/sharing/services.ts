/** What the use cases of this module need. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ChannelAccounts } from "../payment/index.ts";
import type { SharingRules } from "./rules.ts";

export interface SharingServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  envelope: Envelope;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  accounts: Pick<ChannelAccounts, "open">;
  /** The rules of merchants, remembered. */
  rules: SharingRules;
  kick: { webhooks(): void; refunds(): void; sharings(): void };
}
