/** The module's workers. Any number of them may run: what one has claimed another leaves alone until its lease is over. */
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { payAutomatically } from "./automatic.ts";
import { type AutomaticRequest, claimAutomatic } from "./automatic-store.ts";
import type { PayoutBatch } from "./batch.ts";
import { claimBatches } from "./batch-store.ts";
import { askPayer, tellPayer } from "./dispatch-payout.ts";
import { CALL_LEASE_MS, releasePayout } from "./release-payout.ts";
import type { PayoutServices } from "./services.ts";
import { claimDuePayouts, claimUnrouted } from "./store.ts";
import { workBatch } from "./work-batch.ts";

/** Long enough for the lines of the longest file; a worker that died is followed then. */
const BATCH_LEASE_MS = 2 * 60_000;

/**
 * One lets go what waits; one makes what settlements ask for; one for each channel that transfers tells it and asks it, with places of its own: a channel that
 * does not answer holds up no other.
 */
export function createPayoutWorkers(services: PayoutServices, channel_ids: readonly string[]): DueLoop[] {
  const paying = channel_ids.filter((id) => services.getChannel(id)?.transfers);
  return [
    createReleaseWorker(services),
    createAutomaticWorker(services),
    createBatchWorker(services),
    ...paying.map((channel) => createTransferWorker(services, channel)),
  ];
}

function createReleaseWorker(services: PayoutServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop({
    name: "payout.release",
    claim: (limit) => claimUnrouted(db, clock.now(), clock.now() + CALL_LEASE_MS, limit),
    handle: async (key) => void (await releasePayout(services, key, "by_worker")),
    concurrency: 8,
    interval_ms: 1_000,
    log,
  });
}

/** Makes confirmed batches into payouts. */
function createBatchWorker(services: PayoutServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<PayoutBatch>({
    name: "payout.batches",
    claim: (limit) => claimBatches(db, clock.now(), clock.now() + BATCH_LEASE_MS, limit),
    handle: (batch) => workBatch(services, batch),
    concurrency: 2,
    interval_ms: 2_000,
    log,
  });
}

/** Makes the payouts that settlements ask for. */
function createAutomaticWorker(services: PayoutServices): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop<AutomaticRequest>({
    name: "payout.automatic",
    claim: (limit) => claimAutomatic(db, clock.now(), clock.now() + 2 * CALL_LEASE_MS, limit),
    handle: (request) => payAutomatically(services, request),
    concurrency: 4,
    interval_ms: 5_000,
    log,
  });
}

function createTransferWorker(services: PayoutServices, channel: string): DueLoop {
  const { db, clock, log } = services;
  return createDueLoop({
    name: `payout.transfers.${channel}`,
    claim: (limit) => claimDuePayouts(db, channel, clock.now(), clock.now() + 2 * CALL_LEASE_MS, limit),
    async handle(payout) {
      // The claim counted this call: the first one has nothing to ask about.
      const isFirst = payout.status === "sent" && payout.call_count === 1;
      await (isFirst ? tellPayer(services, payout, "request") : askPayer(services, payout));
    },
    concurrency: 16,
    interval_ms: 500,
    log,
  });
}
