import type { Clock } from "../../kit/clock.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Database } from "../../kit/sql/database.ts";

/** What the routes of agents need. */
export interface AgentPortalServices {
  db: Database;
  clock: Clock;
  ids: IdSource;
}
