import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import type { SettlementServices } from "./services.ts";
import { runDueSettlement } from "./settle.ts";
import type { SettlementKey } from "./settlement.ts";
import { claimDueSettings } from "./store.ts";

/** How long adding up and posting may take before another worker believes that this one died. */
const LEASE_MS = 5 * 60_000;

/** Settles merchants whose run is due; any number of workers may. */
export function createSettlementWorker(services: SettlementServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<SettlementKey>({
    name: "settlement.runs",
    claim: (limit) => claimDueSettings(db, clock.now(), clock.now() + LEASE_MS, limit),
    handle: (key) => runDueSettlement(services, key),
    concurrency: 4,
    interval_ms: 5_000,
    log,
  });
}
