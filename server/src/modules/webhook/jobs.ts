/** The worker that delivers webhooks. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Logger } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import type { Secret } from "../../kit/secret.ts";
import type { Database } from "../../kit/sql/database.ts";
import { createGroup } from "../../kit/sql/group-commit.ts";
import { createDueLoop, type DueLoop } from "../../kit/worker/due-loop.ts";
import { createDeliver } from "./deliver-webhook.ts";
import { CLAIM_MAX, type ClaimedDelivery, claimDue, type TryResult, writeResults } from "./delivery-store.ts";
import type { Lookup } from "./receiver-address.ts";
import { createReceiverLanes, type ReceiverLanes } from "./receiver-lanes.ts";
import { createWebhookSender } from "./send-webhook.ts";

/** What the worker needs; durations in milliseconds. */
export interface WebhookWorkerOptions {
  db: Database;
  envelope: Envelope;
  clock: Clock;
  random: Random;
  log: Logger;
  /** Lets loopback and private networks be called: for development and receivers inside the operator's network. */
  allow_private_addresses: boolean;
  /** The `whsec_…` secrets of an app, the current one first: they sign what goes to a payment's own notify_url. */
  loadAppWebhookSecrets(merchant_id: string, app_id: string): Promise<readonly Secret[]>;
  /** The operating system's resolver unless given. */
  lookup?: Lookup;
  /** Requests under way at once, at most 256. */
  concurrency?: number;
  /** Requests under way at once to one quick receiver. */
  receiver_concurrency?: number;
  connect_timeout_ms?: number;
  total_timeout_ms?: number;
  interval_ms?: number;
}

const TOTAL_TIMEOUT_MS = 15_000;
/** Beyond a request's time limit, a lease leaves this much for signing, the queue of results and a slow commit. */
const LEASE_SLACK_MS = 45_000;
/** Claims closer together would each find a few rows; this lets them gather. One that comes alone does not wait. */
const CLAIM_GAP_MS = 15;
/** Rounds in which one claim may put work off before it starts what it took. */
const CLAIM_ROUNDS_MAX = 8;

/**
 * Delivers what is due. At least once: a worker that dies between sending and recording leaves a lease that runs out,
 * and the same bytes go again under the same `webhook-id`.
 */
export function createWebhookWorker(options: WebhookWorkerOptions): DueLoop {
  const { db, clock } = options;
  const total_timeout_ms = options.total_timeout_ms ?? TOTAL_TIMEOUT_MS;
  const receiver_concurrency = options.receiver_concurrency ?? 32;
  const sender = createWebhookSender({
    allow_private_addresses: options.allow_private_addresses,
    ...(options.lookup && { lookup: options.lookup }),
    connections_max: receiver_concurrency,
    connect_timeout_ms: options.connect_timeout_ms ?? 5_000,
    total_timeout_ms,
  });
  const lanes = createReceiverLanes(clock, receiver_concurrency);
  const deliver = createDeliver({ ...options, sender });
  const record = createGroup<TryResult, void>({
    name: "webhook.record_results",
    run: async (results) => {
      await writeResults(db, results);
      return results.map(() => undefined);
    },
    batch_max: CLAIM_MAX,
  });
  const loop = createDueLoop<HeldDelivery>({
    name: "webhook.deliver",
    claim: createClaim(db, clock, lanes, total_timeout_ms + LEASE_SLACK_MS),
    handle: async ({ delivery, leave }) => {
      // The place is free, and the receiver's time over, when it has answered: our own commit is not its slowness.
      await record(await deliver(delivery).finally(leave));
    },
    concurrency: Math.min(options.concurrency ?? CLAIM_MAX, CLAIM_MAX),
    interval_ms: options.interval_ms ?? 250,
    log: options.log,
  });
  return {
    ...loop,
    async stop() {
      await loop.stop();
      await sender.close();
    },
  };
}

interface HeldDelivery {
  delivery: ClaimedDelivery;
  /** Frees the receiver's place. */
  leave(): void;
}

/**
 * Claims until the places are full or nothing more can be taken; the backlog of slow receivers is put off on the way.
 */
function createClaim(
  db: Database,
  clock: Clock,
  lanes: ReceiverLanes,
  lease_ms: number,
): (limit: number) => Promise<HeldDelivery[]> {
  let claimedAt = 0;

  async function claimOnce(limit: number): Promise<{ held: HeldDelivery[]; parkedSome: boolean }> {
    claimedAt = clock.now();
    const { taken, parked } = await claimDue(db, {
      now_ms: claimedAt,
      lease_until_ms: claimedAt + lease_ms,
      limit,
      fresh_places: lanes.fresh_places,
      lanes: lanes.states(),
    });
    for (const [receiver, deliveries] of Map.groupBy(parked, (row) => row.receiver)) {
      lanes.park(receiver, deliveries.length);
    }
    const held = taken.map((delivery) => ({ delivery, leave: lanes.enter(delivery.receiver) }));
    return { held, parkedSome: parked.length > 0 };
  }

  return async (limit) => {
    if (clock.now() - claimedAt < CLAIM_GAP_MS) await sleep(CLAIM_GAP_MS);
    const all: HeldDelivery[] = [];
    for (let round = 0; round < CLAIM_ROUNDS_MAX && all.length < limit; round++) {
      try {
        const { held, parkedSome } = await claimOnce(limit - all.length);
        all.push(...held);
        if (!parkedSome) break;
      } catch (error) {
        // What an earlier round took is held already and must be worked on.
        if (all.length === 0) throw error;
        break;
      }
    }
    return all;
  };
}
