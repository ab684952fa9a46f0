/** Decisions. Each locks the approval, moves it once and has its handler act, in one transaction. */

import type { Transaction } from "../../kit/sql/database.ts";
import { canMove } from "../../kit/state-machine.ts";
import { type Approval, type ApprovalStatus, transitions } from "./approval.ts";
import { CARRY_OUT_LEASE_MS, carryOutApproval } from "./carry-out.ts";
import { readText } from "./check-text.ts";
import { approvalErrors } from "./errors.ts";
import { type AfterCommit, type ApprovalServices, collectAfterCommit, handlerOf } from "./services.ts";
import { loadApproval, lockApproval, moveApproval } from "./store.ts";

export interface Decision {
  /** UUID of the approval. */
  readonly id: string;
  readonly decision: "approve" | "reject";
  /** UUID of the operator who decides. */
  readonly checker_id: string;
  /** What the checker says to it; needed to reject. */
  readonly comment?: string | null;
}

/**
 * Approves, which carries it out, or rejects. The same decision of the same person again, whose first answer may have been
 * lost, changes nothing and gives the approval. Throws what the kind's handler refuses, and leaves it pending then.
 * @throws approval.not_found, approval.not_pending, approval.own_request, approval.invalid
 */
export async function decideApproval(services: ApprovalServices, decision: Decision): Promise<Approval> {
  const { id, checker_id } = decision;
  const status = decision.decision === "approve" ? "approved" : "rejected";
  const given = decision.comment ?? null;
  const comment = given === null && status === "approved" ? null : readText("comment", given ?? "");
  const decided = await inTransaction(services, async (tx, afterCommit) => {
    const earlier = await lockApproval(tx, id);
    if (earlier?.status === status && earlier.checker_id === checker_id) return earlier;
    const approval = requirePending(services, earlier);
    if (approval.maker.type === "user" && approval.maker.id === checker_id) {
      throw approvalErrors["approval.own_request"]();
    }
    return finish(services, tx, approval, { status, checker_id, comment }, afterCommit);
  });
  if (decided.status !== "approved" || decided.carried_out_at !== null) return decided;
  // The decision stands whatever comes of it now; a worker sees to what is left.
  await carryOutApproval(services, id).catch((err: unknown) => {
    services.log.warn({ err, approval: id }, "what was approved is not carried out yet; a worker tries again");
  });
  return (await loadApproval(services.db, id)) ?? decided;
}

/**
 * The maker takes a request back.
 * @throws approval.not_found, approval.not_pending, approval.not_maker
 */
export async function cancelApproval(
  services: ApprovalServices,
  { id, user_id }: { id: string; user_id: string },
): Promise<Approval> {
  return inTransaction(services, async (tx, afterCommit) => {
    const earlier = await lockApproval(tx, id);
    if (earlier?.status === "cancelled" && earlier.maker.id === user_id) return earlier;
    const approval = requirePending(services, earlier);
    const { type, id: maker_id } = approval.maker;
    if (type !== "user" || maker_id !== user_id) throw approvalErrors["approval.not_maker"]();
    return finish(services, tx, approval, { status: "cancelled", checker_id: null, comment: null }, afterCommit);
  });
}

/**
 * Cancels a request in the transaction of the module that asked for it, when its subject went another way. The handler is
 * not called: the caller knows. False when it was decided already.
 */
export async function withdrawApproval(
  tx: Transaction,
  { clock }: Pick<ApprovalServices, "clock">,
  id: string,
): Promise<boolean> {
  const approval = await lockApproval(tx, id);
  if (approval?.status !== "pending") return false;
  const end = { status: "cancelled", checker_id: null, comment: null, carried_out_at: null } as const;
  await moveApproval(tx, id, { ...end, decided_at: clock.now() }, null);
  return true;
}

/** Ends a request that nobody has decided in time; one that was decided meanwhile stays so. */
export async function expireApproval(services: ApprovalServices, id: string): Promise<void> {
  await inTransaction(services, async (tx, afterCommit) => {
    const approval = await lockApproval(tx, id);
    if (approval?.status !== "pending" || approval.expires_at > services.clock.now()) return;
    await finish(services, tx, approval, { status: "expired", checker_id: null, comment: null }, afterCommit);
  });
}

async function inTransaction<T>(
  { db }: ApprovalServices,
  work: (tx: Transaction, afterCommit: AfterCommit) => Promise<T>,
): Promise<T> {
  let committed: () => void = () => undefined;
  const result = await db.transaction((tx) => {
    const collected = collectAfterCommit();
    committed = collected.committed;
    return work(tx, collected.afterCommit);
  });
  committed();
  return result;
}

function requirePending({ clock }: ApprovalServices, approval: Approval | undefined): Approval {
  if (!approval) throw approvalErrors["approval.not_found"]();
  const isOver = approval.status === "pending" && approval.expires_at <= clock.now();
  const status: ApprovalStatus = isOver ? "expired" : approval.status;
  if (!canMove(transitions, status, "approved")) {
    throw approvalErrors["approval.not_pending"]({ values: { status } });
  }
  return approval;
}

type End = Pick<Approval, "checker_id" | "comment"> & { readonly status: Exclude<ApprovalStatus, "pending"> };

async function finish(
  services: ApprovalServices,
  tx: Transaction,
  pending: Approval,
  end: End,
  afterCommit: AfterCommit,
): Promise<Approval> {
  const handler = handlerOf(services, pending.kind);
  const now = services.clock.now();
  const isLater = end.status === "approved" && handler.carryOut !== undefined;
  const carried_out_at = end.status === "approved" && !isLater ? now : null;
  const decided = { ...end, decided_at: now, carried_out_at };
  await moveApproval(tx, pending.id, decided, isLater ? now + CARRY_OUT_LEASE_MS : null);
  const approval = { ...pending, ...decided };
  if (end.status === "approved") await handler.approve(tx, approval, afterCommit);
  else await handler.reject?.(tx, approval, afterCommit);
  return approval;
}
