/** What the use cases of this module need. */
import type { ChannelCaller } from "../../channels/call.ts";
import type { Channel, ChannelAccount } from "../../channels/contract.ts";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ApprovalServices } from "../approval/index.ts";
import type { AccountChoice } from "../payment/index.ts";

/** One of a merchant's books. */
export interface Book {
  readonly merchant_id: string;
  readonly livemode: boolean;
}

export interface PayoutServices {
  db: Database;
  clock: Clock;
  random: Random;
  ids: IdSource;
  log: Logger;
  envelope: Envelope;
  channels: ChannelCaller;
  getChannel(id: string): Channel | undefined;
  accounts: {
    listForMerchant(wanted: Book): Promise<readonly AccountChoice[]>;
    open(id: string): Promise<ChannelAccount | undefined>;
  };
  approval: ApprovalServices;
  settings: { public_url: string };
  kick: { webhooks(): void; payouts(): void };
}
