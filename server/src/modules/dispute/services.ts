/** What the use cases of this module need. */
import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Database } from "../../kit/sql/database.ts";

export interface DisputeServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  kick: { webhooks(): void };
}
