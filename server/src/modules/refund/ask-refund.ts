import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { loadAttempts } from "../payment/index.ts";
import { isOpenRefund, type Refund } from "./refund.ts";
import { resolveRefund } from "./send-refund.ts";
import type { RefundServices } from "./services.ts";
import { loadRefunds } from "./store.ts";

/**
 * Asks the channel how a refund stands, and records the answer. One that has ended stays as it is. Gives the refund as it is
 * then; undefined for one that does not exist.
 */
export async function askRefund(services: RefundServices, key: TenantKey): Promise<Refund | undefined> {
  const refund = (await loadRefunds(services.db, [key])).get(key.id);
  if (!refund || !isOpenRefund(refund)) return refund;
  const attempt = (await loadAttempts(services.db, [{ ...key, id: refund.attempt_id }])).get(refund.attempt_id)!;
  return resolveRefund(services, refund, attempt);
}
