/** Does what was approved and could not be done in the transaction of the decision. */
import { TributaryError } from "../../kit/error.ts";
import { type ApprovalServices, handlerOf } from "./services.ts";
import { finishCarryingOut, loadApproval } from "./store.ts";

/** How long it may take before a worker believes that its process died. */
export const CARRY_OUT_LEASE_MS = 60_000;

/**
 * Carries out an approval that waits for it. At least once: two may do so at the same moment, and a process may die before it
 * is written that it was done. Throws what may go away by itself; a worker tries again.
 */
export async function carryOutApproval(services: ApprovalServices, id: string): Promise<void> {
  const { db, clock } = services;
  const approval = await loadApproval(db, id);
  const { carryOut } = approval ? handlerOf(services, approval.kind) : {};
  if (approval?.status !== "approved" || approval.carried_out_at !== null || approval.problem !== null) return;
  if (!carryOut) return;
  try {
    await carryOut(approval);
    await finishCarryingOut(db, id, { carried_out_at: clock.now(), problem: null });
  } catch (error) {
    if (!(error instanceof TributaryError) || error.entry.retryable || error.entry.outcome !== "none") throw error;
    await finishCarryingOut(db, id, { carried_out_at: null, problem: `${error.code}: ${error.message}` });
  }
}
