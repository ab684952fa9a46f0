import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { ApprovalServices } from "../approval/index.ts";

/** What the use cases of this module need. */
export interface AccountOperationServices {
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly approval: ApprovalServices;
  /** Tells the workers that deliveries are due. */
  readonly kick: { webhooks(): void };
}
