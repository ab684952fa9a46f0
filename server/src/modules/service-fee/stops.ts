/**
 * Whose new payments in direct mode are refused, in memory: routing asks at every payment, so it must cost nothing. The set
 * is small (who has run out of prepaid fees), and is read anew when somebody is stopped or goes on.
 */
import type { Clock } from "../../kit/clock.ts";
import type { Logger } from "../../kit/log.ts";
import type { Database } from "../../kit/sql/database.ts";
import type { BillingKey } from "./invoice.ts";
import { loadStopped, STOPS_CHANNEL } from "./store.ts";

export interface Stops {
  /** Whether no new payment in direct mode may begin. Never asks the database; false until the first reading. */
  isStopped(key: BillingKey): boolean;
  /** Reads, and listens for changes. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A notification that was lost is made up for by then. */
const STALE_MS = 30_000;

const nameOf = ({ merchant_id, livemode, currency }: BillingKey) => `${merchant_id} ${livemode} ${currency}`;

/** One per process. */
export function createStops({ db, clock, log }: { db: Database; clock: Clock; log: Logger }): Stops {
  let stopped: ReadonlySet<string> = new Set();
  let loaded_at = clock.now();
  let listening: { close(): Promise<void> } | undefined;
  let reading: Promise<void> | undefined;
  let again = false;

  async function read(): Promise<void> {
    do {
      again = false;
      loaded_at = clock.now();
      stopped = new Set((await loadStopped(db)).map(nameOf));
    } while (again);
  }

  /** Whoever asks while it is read may have been told of something newer: it is read once more. */
  function reload(): Promise<void> {
    if (reading) again = true;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  function reloadLater(): void {
    reload().catch((error: unknown) => log.warn({ err: error }, "whose direct payments are stopped could not be read"));
  }

  return {
    isStopped(key) {
      if (listening && clock.now() - loaded_at > STALE_MS) reloadLater();
      return stopped.size > 0 && stopped.has(nameOf(key));
    },
    async start() {
      listening = await db.listen(STOPS_CHANNEL, reloadLater, reloadLater);
      await reload();
    },
    async stop() {
      await listening?.close();
      listening = undefined;
      await reading?.catch(() => undefined);
    },
  };
}
