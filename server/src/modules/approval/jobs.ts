import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { carryOutApproval } from "./carry-out.ts";
import { expireApproval } from "./decide-approval.ts";
import type { ApprovalServices } from "./services.ts";
import { claimDue } from "./store.ts";

const LEASE_MS = 60_000;

/** Ends requests that nobody has decided in time, and carries out what was approved and is not done; any number may. */
export function createApprovalWorker(services: ApprovalServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<string>({
    name: "approval.due",
    claim: (limit) => claimDue(db, clock.now(), clock.now() + LEASE_MS, limit),
    async handle(id) {
      await expireApproval(services, id);
      await carryOutApproval(services, id);
    },
    concurrency: 4,
    interval_ms: 30_000,
    log,
  });
}
