/** What the use cases of this module need. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ChannelAccounts } from "../payment/index.ts";
import type { RefundItem, RefundResult } from "./create-refund.ts";
import type { RefundOutcomeItem, RefundOutcomeResult } from "./record-refund-outcomes.ts";

export interface RefundServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  accounts: Pick<ChannelAccounts, "open">;
  settings: { public_url: string; distributed: boolean };
  kick: { webhooks(): void };
  readonly groups: RefundGroups;
}

/** The grouped writes of the module, made by `createRefundGroups`. */
export interface RefundGroups {
  create(item: RefundItem): Promise<RefundResult>;
  recordOutcome(item: RefundOutcomeItem): Promise<RefundOutcomeResult>;
}
