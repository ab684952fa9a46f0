import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { inGroups } from "../../kit/worker/in-halves.ts";
import { releaseDueReserves } from "./release-reserves.ts";
import type { ReserveServices } from "./services.ts";
import { claimDueReserves, type ReserveId } from "./store.ts";

const LEASE_MS = 5 * 60_000;
/** Parts in one transaction: their books are locked together, for a few hundredths of a second. */
const GROUP_MAX = 50;
/** Two thirds of the time payments have the machine for themselves. */
const REST_FACTOR = 2;

/** Releases parts whose time has come, in groups; any number of workers may. */
export function createReserveWorker(services: ReserveServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<readonly ReserveId[]>({
    name: "reserve.releases",
    claim: async (limit) => {
      const now = clock.now();
      return inGroups(await claimDueReserves(db, now, now + LEASE_MS, limit * GROUP_MAX), GROUP_MAX);
    },
    handle: (keys) => releaseDueReserves(services, keys),
    concurrency: 1,
    rest_factor: REST_FACTOR,
    interval_ms: 5_000,
    log,
  });
}
