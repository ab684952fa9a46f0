import type { Clock } from "../kit/clock.ts";
import type { Logger } from "../kit/log.ts";
import type { Database } from "../kit/sql/database.ts";
import { createDueLoop, type DueLoop } from "../kit/worker/due-loop.ts";
import { purgeIdempotencyKeys } from "../modules/idempotency/index.ts";

const EVERY_MS = 3600 * 1000;

/** Forgets old idempotency keys, once an hour and process. Any number of processes may do so at the same time. */
export function createIdempotencyPurge(db: Database, clock: Clock, log: Logger): DueLoop {
  let due_at = clock.now() + EVERY_MS;
  return createDueLoop({
    name: "idempotency.purge",
    claim: async () => {
      const now = clock.now();
      if (now < due_at) return [];
      due_at = now + EVERY_MS;
      return [now];
    },
    handle: async (now) => {
      while ((await purgeIdempotencyKeys(db, now)) > 0);
    },
    concurrency: 1,
    interval_ms: 60_000,
    log,
  });
}
