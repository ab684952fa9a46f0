/** What the use cases of this module are given, and what they share. */
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Caller } from "../../kit/http/api.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Database, Transaction } from "../../kit/sql/database.ts";
import { claimIdempotencyKey, type IdempotencyKey, idempotencyErrors } from "../idempotency/index.ts";
import { webhookErrors } from "./errors.ts";
import {
  checkReceiverUrl,
  type ReceiverPolicy,
  ReceiverRefusedError,
  resolveReceiver,
  unbracket,
} from "./receiver-address.ts";

export interface WebhookServices extends ReceiverPolicy {
  db: Database;
  clock: Clock;
  random: Random;
  ids: IdSource;
  envelope: Envelope;
  /** Tells a worker of this process that deliveries are due. */
  kickWebhookWorker?: () => void;
}

/** Whose book: every statement of this module is bounded by it. */
export type Scope = Pick<Caller, "merchant_id" | "app_id" | "livemode">;

const RESOLVE_MS_MAX = 3_000;

/**
 * Says why an address cannot receive webhooks, as far as its text tells, or undefined when it can: for a payment's
 * `notify_url`, where there is no time to resolve a name.
 */
export function refuseReceiverUrl(text: string, livemode: boolean, policy: ReceiverPolicy): string | undefined {
  try {
    checkReceiverUrl(text, livemode, policy);
    return undefined;
  } catch (error) {
    if (error instanceof ReceiverRefusedError) return error.message;
    throw error;
  }
}

/**
 * Checks an endpoint's address, also what its name resolves to now. A name that does not resolve (yet) passes: the
 * connection checks again.
 * @throws webhook.url_refused
 */
export async function checkEndpointUrl(text: string, livemode: boolean, policy: ReceiverPolicy): Promise<string> {
  const { promise: patience, resolve: giveUp } = Promise.withResolvers<void>();
  const timer = setTimeout(giveUp, RESOLVE_MS_MAX);
  try {
    const url = checkReceiverUrl(text, livemode, policy);
    const resolved = resolveReceiver(unbracket(url.hostname), policy).catch((error) => {
      if (error instanceof ReceiverRefusedError) throw error;
    });
    await Promise.race([patience, resolved]);
    return url.href;
  } catch (error) {
    if (!(error instanceof ReceiverRefusedError)) throw error;
    throw webhookErrors["webhook.url_refused"]({ param: "url", values: { reason: error.message }, cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** What a POST made or showed again. */
export interface Outcome {
  object_id: string;
  replayed: boolean;
}

/**
 * Runs an effect in a transaction, once for each Idempotency-Key.
 * @param object what the effect makes or changes; a replay gives the id that the first request stored.
 * @throws idempotency.key_reused
 */
export function runOnce(
  services: WebhookServices,
  scope: Scope,
  idempotency: IdempotencyKey | undefined,
  object: { type: string; id: string },
  effect: (tx: Transaction) => Promise<void>,
): Promise<Outcome> {
  return services.db.transaction(async (tx) => {
    if (idempotency) {
      const { merchant_id, app_id, livemode } = scope;
      const state = await claimIdempotencyKey(tx, {
        ...{ merchant_id, app_id, livemode },
        ...{ key: idempotency.key, request_hash: idempotency.request_hash },
        ...{ object_type: object.type, object_id: object.id },
        created_at: services.clock.now(),
      });
      if (state.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
      if (state.kind === "replay") return { object_id: state.object_id, replayed: true };
    }
    await effect(tx);
    return { object_id: object.id, replayed: false };
  });
}
