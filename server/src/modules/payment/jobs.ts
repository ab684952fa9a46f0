/** The module's workers: attempts whose channel must be asked, and payments that must end. */
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { claimDueAttempts } from "./attempt-store.ts";
import { expirePayment } from "./close-payment.ts";
import { CALL_LEASE_MS } from "./new-attempt.ts";
import { mustEnd, resolveAttempt } from "./resolve-attempt.ts";
import type { PaymentServices } from "./services.ts";
import { claimDuePayments } from "./store.ts";

/** A claimed row comes back to another worker after this long, should ours die. Longer than query and close together. */
const LEASE_MS = 2 * CALL_LEASE_MS;
const INTERVAL_MS = 500;

export interface PaymentWorkers {
  /** One for each channel, with places of its own: a channel that does not answer holds up no other. */
  attempts: DueLoop[];
  ends: DueLoop;
}

/** `channel_ids` are those of all channels that attempts may have. */
export function createPaymentWorkers(services: PaymentServices, channel_ids: readonly string[]): PaymentWorkers {
  return {
    attempts: channel_ids.map((channel) => createAttemptWorker(services, channel)),
    ends: createDueLoop({
      name: "payment.ends",
      claim: (limit) => claimDuePayments(services.db, services.clock.now(), leaseEnd(services), limit),
      handle: async (payment) => {
        await expirePayment(services, payment);
      },
      concurrency: 16,
      interval_ms: INTERVAL_MS,
      log: services.log,
    }),
  };
}

function createAttemptWorker(services: PaymentServices, channel: string): DueLoop {
  return createDueLoop({
    name: `payment.attempts.${channel}`,
    claim: (limit) => claimDueAttempts(services.db, channel, services.clock.now(), leaseEnd(services), limit),
    handle: async (attempt) => {
      await resolveAttempt(services, attempt, mustEnd(attempt, services.clock.now()));
    },
    concurrency: 32,
    interval_ms: INTERVAL_MS,
    log: services.log,
  });
}

function leaseEnd(services: PaymentServices): number {
  return services.clock.now() + LEASE_MS;
}
