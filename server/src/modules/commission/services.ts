import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";

/** What the use cases of this module need. */
export interface CommissionServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
  log: Logger;
}
