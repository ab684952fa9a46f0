import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { claimDueAgents } from "../agent/index.ts";
import { beginMonth } from "./begin-month.ts";
import type { CommissionServices } from "./services.ts";
import { settle } from "./settle.ts";
import { claimDueSettlements } from "./store.ts";

/** How long adding up and posting may take before another worker believes that this one died. */
const LEASE_MS = 10 * 60_000;

/** Begins months that are over, and settles what was begun; any number of workers may. */
export function createCommissionWorkers(services: CommissionServices): DueLoop[] {
  const { db, clock, log } = services;
  const settling = createDueLoop<{ merchant_id: string; id: string }>({
    name: "commission.settlements",
    claim: (limit) => claimDueSettlements(db, clock.now(), clock.now() + LEASE_MS, limit),
    handle: (key) => settle(services, key),
    concurrency: 2,
    interval_ms: 10_000,
    log,
  });
  const beginning = createDueLoop<string>({
    name: "commission.months",
    claim: (limit) => claimDueAgents(db, clock.now(), clock.now() + LEASE_MS, limit),
    handle: async (agent_id) => {
      if ((await beginMonth(services, agent_id)) !== undefined) settling.kick();
    },
    concurrency: 2,
    interval_ms: 10_000,
    log,
  });
  return [beginning, settling];
}
