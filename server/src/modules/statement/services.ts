import type { Clock } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";

/** What this module needs: somewhere to read the books, and the time. */
export interface StatementServices {
  db: Sql;
  clock: Clock;
}
