import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { expireApproval } from "./decide-approval.ts";
import type { ApprovalServices } from "./services.ts";
import { claimExpired } from "./store.ts";

const LEASE_MS = 60_000;

/** Ends requests that nobody has decided in time; any number of workers may. */
export function createApprovalWorker(services: ApprovalServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<string>({
    name: "approval.expire",
    claim: (limit) => claimExpired(db, clock.now(), clock.now() + LEASE_MS, limit),
    handle: (id) => expireApproval(services, id),
    concurrency: 4,
    interval_ms: 30_000,
    log,
  });
}
