import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";

/** What the use cases of this module need. */
export interface ServiceFeeServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  /** Tells the workers that deliveries are due. */
  kick: { webhooks(): void };
}

/** Use cases that log nothing. */
export type Billing = Omit<ServiceFeeServices, "log">;
