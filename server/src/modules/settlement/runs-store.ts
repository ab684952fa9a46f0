/** SQL on how far settling is, across merchants. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import type { RunOutcome, SettlementSettings } from "./settlement.ts";

const nearStatement = platformStatement(
  "settlement.runs_near",
  `select * from settlement_settings
   where next_day is not null and (due_at is null or due_at <= $1::timestamptz)
     and ($2::uuid is null or merchant_id = $2)
   order by next_day, merchant_id, livemode, currency limit $3`,
);

/** Settings whose run is due until an instant, is being done, or waits for a review; those of the earliest days first. */
export function loadNearRuns(
  sql: Sql,
  until: number,
  merchant_id: string | null,
  limit: number,
): Promise<SettlementSettings[]> {
  return sql.query<SettlementSettings>(nearStatement, [toRfc3339(until), merchant_id, limit]);
}

const countStatement = platformStatement(
  "settlement.count_runs",
  `select count(*) filter (where next_day is not null) as with_cycle,
     count(*) filter (where next_day is null) as on_request
   from settlement_settings where $1::uuid is null or merchant_id = $1`,
);

/** How many settings have a next run, and how many are settled on request. */
export async function countRuns(
  sql: Sql,
  merchant_id: string | null,
): Promise<{ with_cycle: bigint; on_request: bigint }> {
  const [row] = await sql.query<{ with_cycle: bigint; on_request: bigint }>(countStatement, [merchant_id]);
  return row!;
}

const doneStatement = platformStatement(
  "settlement.count_done",
  `select last_outcome as outcome, count(*) as count from settlement_settings
   where last_ran_at >= $1::timestamptz and ($2::uuid is null or merchant_id = $2)
   group by last_outcome order by last_outcome`,
);

/** What the last runs since an instant came to. */
export function countDone(
  sql: Sql,
  since: number,
  merchant_id: string | null,
): Promise<{ outcome: RunOutcome; count: bigint }[]> {
  return sql.query(doneStatement, [toRfc3339(since), merchant_id]);
}
