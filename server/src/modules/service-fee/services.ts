import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ApprovalServices } from "../approval/index.ts";

/** What the use cases of this module need. */
export interface ServiceFeeServices {
  approval: ApprovalServices;
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
  /** Tells the workers that deliveries are due. */
  kick: { webhooks(): void };
}

/** What most use cases need. */
export type Billing = Omit<ServiceFeeServices, "log" | "approval">;
