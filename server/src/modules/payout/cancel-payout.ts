import { invariant } from "../../kit/error.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { withdrawApproval } from "../approval/index.ts";
import { endUnpaid } from "./end-payout.ts";
import { payoutErrors } from "./errors.ts";
import { isUntold, type Payout } from "./payout.ts";
import type { PayoutServices } from "./services.ts";
import { lockPayout } from "./store.ts";

/**
 * Takes a payout back that nobody was told to pay; one that was cancelled before stays so.
 * @throws payout.not_found, payout.not_cancellable
 */
export async function cancelPayout(services: PayoutServices, key: TenantKey): Promise<Payout> {
  const payout = await services.db.transaction(async (tx) => {
    const locked = await lockPayout(tx, key);
    if (!locked) throw payoutErrors["payout.not_found"]();
    if (locked.status === "cancelled") return locked;
    if (!isUntold(locked)) throw payoutErrors["payout.not_cancellable"]({ values: { status: locked.status } });
    if (locked.status === "in_review") {
      invariant(locked.approval_id !== null, "a payout in review has its approval");
      await withdrawApproval(tx, services.approval, locked.approval_id);
    }
    return endUnpaid(services, tx, locked, "cancelled");
  });
  services.kick.webhooks();
  return payout;
}
