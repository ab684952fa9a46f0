import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { inGroups } from "../../kit/worker/in-halves.ts";
import type { SettlementServices } from "./services.ts";
import { runDueSettlements } from "./settle.ts";
import type { SettlementKey } from "./settlement.ts";
import { claimDueSettings } from "./store.ts";

/** How long adding up and posting may take before another worker believes that this one died. */
const LEASE_MS = 5 * 60_000;
/** Merchants in one transaction: their books are locked together, for a few hundredths of a second. */
const GROUP_MAX = 50;
/** Two thirds of the time payments have the machine for themselves. */
const REST_FACTOR = 2;

/** Settles merchants whose run is due, in groups; any number of workers may. */
export function createSettlementWorker(services: SettlementServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<readonly SettlementKey[]>({
    name: "settlement.runs",
    claim: async (limit) => {
      const now = clock.now();
      return inGroups(await claimDueSettings(db, now, now + LEASE_MS, limit * GROUP_MAX), GROUP_MAX);
    },
    handle: (keys) => runDueSettlements(services, keys),
    concurrency: 1,
    rest_factor: REST_FACTOR,
    interval_ms: 5_000,
    log,
  });
}
