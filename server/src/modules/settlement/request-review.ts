/** Which batches are looked at by a person before they are posted, and asking for it. */
import { publicId } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { type ApprovalServices, loadApprovalPolicies, requestApproval } from "../approval/index.ts";
import type { Settlement } from "./settlement.ts";

/** The kind of approvals by which settlements are decided. */
export const SETTLEMENT_APPROVAL = "settlement";

const PLATFORM_WIDE = "*";

/** Above which amounts batches of merchants without a limit of their own are reviewed, by the platform's policies. */
export async function loadPlatformLimits(tx: Transaction): Promise<(currency: string) => bigint | null> {
  const policies = await loadApprovalPolicies(tx, SETTLEMENT_APPROVAL);
  const limits = new Map(policies.map(({ currency, above }) => [currency, above]));
  return (currency) => limits.get(currency) ?? limits.get(PLATFORM_WIDE) ?? null;
}

/** Asks for a decision on each. */
export async function requestReviews(
  { approval }: { readonly approval: ApprovalServices },
  tx: Transaction,
  settlements: readonly Settlement[],
): Promise<void> {
  for (const settlement of settlements) {
    const { id: subject_id, merchant_id, livemode, amount, currency } = settlement;
    await requestApproval(tx, approval, {
      ...{ kind: SETTLEMENT_APPROVAL, merchant_id, livemode, subject_id, amount, currency, check: "always" },
      payload: { settlement: publicId("settlement", subject_id) },
      reason: "The amount is above the limit for settlements.",
      maker: { type: "system", id: null },
    });
  }
}
