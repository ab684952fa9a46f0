/** Verifies the books by itself, once an hour. */
import type { Clock } from "../kit/clock.ts";
import type { IdSource } from "../kit/id.ts";
import type { Logger } from "../kit/log.ts";
import type { Database } from "../kit/sql/database.ts";
import { createDueLoop, type DueLoop } from "../kit/worker/due-loop.ts";
import { listVerifications, verifyAndRecord } from "../ledger/index.ts";

const EVERY_MS = 3_600_000;

/**
 * Any number of processes may run it: whoever finds that nobody has begun within the hour does. What differs is in the
 * log at level error, with its first sentence, until an hour finds nothing wrong.
 */
export function createVerification(services: { db: Database; clock: Clock; ids: IdSource; log: Logger }): DueLoop {
  const { db, clock, log } = services;
  let due_at = clock.now() + EVERY_MS;
  return createDueLoop({
    name: "ledger.verify",
    claim: async () => {
      const now = clock.now();
      if (now < due_at) return [];
      const [last] = await listVerifications(db, 1);
      due_at = (last?.started_at ?? 0) + EVERY_MS;
      if (now < due_at) return [];
      due_at = now + EVERY_MS;
      return [now];
    },
    handle: async () => {
      const { difference_count, differences, entries } = await verifyAndRecord(services, "incremental");
      if (difference_count === 0) log.debug({ entries }, "the books were verified");
      else
        log.error(
          { difference_count, first: differences[0]?.sentence },
          "the books differ: run tributary ledger verify",
        );
    },
    concurrency: 1,
    interval_ms: 60_000,
    log,
  });
}
