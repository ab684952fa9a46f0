import type { Sql } from "../../kit/sql/database.ts";

/** What this module needs: somewhere to read the books. */
export interface BalanceServices {
  db: Sql;
}
