/** What the use cases of this module need. The composition root (main) puts it together. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { ObjectStorage } from "../../kit/object-storage/object-storage.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ApprovalServices } from "../approval/index.ts";
import type { ChannelAccounts } from "../payment/index.ts";

/** What came of asking a channel about one of our attempts or refunds: its status, as it is written down then. */
export interface Asked {
  readonly status: string;
}

export interface ReconciliationServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  getChannel(id: string): Channel | undefined;
  channels: Pick<ChannelCaller, "downloadBill">;
  accounts: Pick<ChannelAccounts, "open">;
  storage: ObjectStorage;
  /** Asks the channel about an attempt, by the payment module's own path, and records what it says. */
  askAttempt(key: { merchant_id: string; id: string }): Promise<Asked | undefined>;
  /** The same of a refund. */
  askRefund(key: { merchant_id: string; id: string }): Promise<Asked | undefined>;
  /** Decides what two people are needed for. */
  approval: ApprovalServices;
  kick: { webhooks(): void };
}
