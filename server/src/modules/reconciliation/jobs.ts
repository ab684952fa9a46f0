import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { fetchDay, openDays } from "./fetch-day.ts";
import type { DayKey } from "./reconciliation.ts";
import { runDay } from "./run-day.ts";
import type { ReconciliationServices } from "./services.ts";
import { claimDueDays, loadDay, tryAgain } from "./store.ts";

/** How long matching a very big day may take before another worker believes that this one died. */
const LEASE_MS = 30 * 60_000;
/** After trouble. */
const AGAIN_MS = 60_000;
/** How often days that are over are looked for. */
const OPEN_EVERY_MS = 10 * 60_000;

/** Works at days at which something is to be done; any number of workers may. */
export function createReconciliationWorker(services: ReconciliationServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<DayKey>({
    name: "reconciliation.days",
    claim: (limit) => claimDueDays(db, clock.now(), clock.now() + LEASE_MS, limit),
    handle: async (key) => {
      try {
        await workAt(services, key);
      } catch (error) {
        await tryAgain(db, key, clock.now() + AGAIN_MS);
        throw error;
      }
    },
    concurrency: 2,
    interval_ms: 5_000,
    log,
  });
}

async function workAt(services: ReconciliationServices, key: DayKey): Promise<void> {
  const day = await loadDay(services.db, key);
  if (day?.state === "waiting" || day?.state === "fetched") await fetchDay(services, day);
  const now = await loadDay(services.db, key);
  if (now && now.state !== "waiting" && now.state !== "closed") await runDay(services, key, { closes: true });
}

/** Opens the days that are over. */
export function createDayOpener(services: ReconciliationServices): DueLoop {
  const { clock, log } = services;
  let due_at = 0;
  return createDueLoop<number>({
    name: "reconciliation.open_days",
    claim: async () => {
      const now = clock.now();
      if (now < due_at) return [];
      due_at = now + OPEN_EVERY_MS;
      return [now];
    },
    handle: async () => {
      await openDays(services);
    },
    concurrency: 1,
    interval_ms: 60_000,
    log,
  });
}
