/** Tells everybody that this process works, for `GET /readyz`. */
import { type Clock, toRfc3339 } from "../kit/clock.ts";
import type { Logger } from "../kit/log.ts";
import type { Database, Sql } from "../kit/sql/database.ts";
import { platformStatement } from "../kit/sql/statement.ts";
import { createDueLoop, type DueLoop } from "../kit/worker/due-loop.ts";

const EVERY_MS = 10_000;
/** After three missed beats a worker counts as gone; after a day its row is swept. */
const ALIVE_MS = 3 * EVERY_MS;
const SWEPT_MS = 24 * 3600 * 1000;

const beatStatement = platformStatement(
  "worker.beat",
  `with swept as (delete from worker_heartbeats where seen_at < $3::timestamptz)
   insert into worker_heartbeats (id, started_at, seen_at) values ($1, $2, $2)
   on conflict (id) do update set seen_at = excluded.seen_at`,
);

const aliveStatement = platformStatement(
  "worker.alive",
  "select exists (select from worker_heartbeats where seen_at > $1::timestamptz) as alive",
);

/** A loop that beats while the workers of this process run. */
export function createHeartbeat(db: Database, clock: Clock, log: Logger, id: string): DueLoop {
  let due_at = Number.NEGATIVE_INFINITY;
  return createDueLoop({
    name: "worker.heartbeat",
    claim: async () => {
      const now = clock.now();
      if (now < due_at) return [];
      due_at = now + EVERY_MS;
      return [now];
    },
    handle: async (now) => {
      await db.query(beatStatement, [id, toRfc3339(now), toRfc3339(now - SWEPT_MS)]);
    },
    concurrency: 1,
    interval_ms: EVERY_MS / 2,
    log,
  });
}

/** Whether any process works. */
export async function isAnyWorkerAlive(sql: Sql, now: number): Promise<boolean> {
  const [row] = await sql.query<{ alive: boolean }>(aliveStatement, [toRfc3339(now - ALIVE_MS)]);
  return row?.alive === true;
}
