import type { Transaction } from "../../kit/sql/database.ts";
import { type Approval, type Maker, needsChecker } from "./approval.ts";
import { CARRY_OUT_LEASE_MS } from "./carry-out.ts";
import { readText } from "./check-text.ts";
import { type ApprovalServices, collectAfterCommit, handlerOf } from "./services.ts";
import { insertApproval, loadPolicies } from "./store.ts";

const EXPIRY_MS = 7 * 86_400_000;

export interface ApprovalRequest {
  readonly kind: string;
  readonly merchant_id: string | null;
  readonly livemode: boolean | null;
  readonly subject_id?: string | null;
  /** JSON values only; amounts as text. */
  readonly payload: unknown;
  /** With its currency; null where it is not about money. */
  readonly amount?: bigint | null;
  readonly currency?: string | null;
  /** Why, in the maker's words: 1 to 500 characters. */
  readonly reason: string;
  readonly maker: Maker;
  /** `always` needs a checker whatever the policies say. */
  readonly check?: "by_policy" | "always";
  /** Until when somebody may decide; seven days from now unless given. Epoch milliseconds. */
  readonly expires_at?: number;
}

export interface RequestedApproval {
  /** `pending`, or `approved` and carried out already, because no checker was needed. */
  readonly approval: Approval;
  /** To be called once the caller's transaction has committed. */
  readonly committed: () => void;
}

/**
 * Asks for something in the caller's transaction. What is carried out after the commit (`carryOut`) is the caller's to see to,
 * by `carryOutApproval`; a worker does it otherwise. Where no checker is needed it is carried out at once, and recorded.
 * Throws what the kind's handler throws, then too.
 * @throws approval.invalid
 */
export async function requestApproval(
  tx: Transaction,
  services: ApprovalServices,
  request: ApprovalRequest,
): Promise<RequestedApproval> {
  const handler = handlerOf(services, request.kind);
  const { subject_id = null, amount = null, currency = null, check = "by_policy" } = request;
  const policies = await loadPolicies(tx, request.kind);
  const isPending = check === "always" || needsChecker(policies, { amount, currency });
  const now = services.clock.now();
  const { kind, merchant_id, livemode, payload, maker, expires_at = now + EXPIRY_MS } = request;
  const approval: Approval = {
    ...{ id: services.ids.uuid(), kind, merchant_id, livemode, subject_id, payload, amount, currency, maker },
    ...{ reason: readText("reason", request.reason), status: isPending ? "pending" : "approved", checker_id: null },
    ...{ comment: null, created_at: now, expires_at, decided_at: isPending ? null : now },
    ...{ carried_out_at: isPending || handler.carryOut ? null : now, problem: null },
  };
  await insertApproval(tx, approval, isPending ? expires_at : handler.carryOut ? now + CARRY_OUT_LEASE_MS : null);
  const { afterCommit, committed } = collectAfterCommit();
  if (!isPending) await handler.approve(tx, approval, afterCommit);
  return { approval, committed };
}
