/** The module's workers: refunds that must be sent, or whose result must be asked for. */
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { loadAttempts } from "../payment/index.ts";
import { CALL_LEASE_MS } from "./create-refund.ts";
import { isAutomatic } from "./refund.ts";
import { resolveRefund, sendRefund } from "./send-refund.ts";
import type { RefundServices } from "./services.ts";
import { claimDueRefunds } from "./store.ts";

/**
 * They send what was not sent, and ask for what has no result. One for each channel that refunds may have, with places of
 * its own: a channel that does not answer holds up no other.
 */
export function createRefundWorkers(services: RefundServices, channel_ids: readonly string[]): DueLoop[] {
  return channel_ids.map((channel) => createRefundWorker(services, channel));
}

function createRefundWorker(services: RefundServices, channel: string): DueLoop {
  return createDueLoop({
    name: `refund.results.${channel}`,
    claim: (limit) => {
      const now = services.clock.now();
      return claimDueRefunds(services.db, channel, now, now + 2 * CALL_LEASE_MS, limit);
    },
    handle: async (refund) => {
      const key = { merchant_id: refund.merchant_id, id: refund.attempt_id };
      const attempt = (await loadAttempts(services.db, [key])).get(refund.attempt_id)!;
      // An automatic refund that was never sent needs no question first.
      const unsent = isAutomatic(refund) && refund.status === "created" && refund.query_count === 0;
      await (unsent ? sendRefund(services, refund, attempt, "repetition") : resolveRefund(services, refund, attempt));
    },
    concurrency: 16,
    interval_ms: 500,
    log: services.log,
  });
}
