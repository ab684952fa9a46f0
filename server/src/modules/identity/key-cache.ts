/**
 * Keys that were verified, remembered for at most a second and forgotten at once when anything about credentials changes:
 * the database is asked once a second per key instead of at every request.
 */
import { hash, timingSafeEqual } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../kit/clock.ts";
import { TributaryError } from "../../kit/error.ts";
import type { Caller } from "../../kit/http/api.ts";
import type { Database } from "../../kit/sql/database.ts";
import { loadCreditStops } from "../account-operation/index.ts";
import { loadStanding } from "../merchant/index.ts";
import { prefixOf } from "./api-key.ts";
import { identityErrors } from "./errors.ts";
import { createNetworkCheck } from "./networks.ts";
import { type HashedKey, loadKeysByPrefix } from "./store.ts";

/** A key whose hash was right and that was not revoked when it was loaded. */
export interface VerifiedKey {
  readonly caller: Caller;
  /** Epoch milliseconds; infinite unless the key was rotated. */
  readonly expires_at: number;
  readonly loaded_at: number;
  /** Whether it may be used from this address. */
  readonly allows: (address: string) => boolean;
  /** Why it may not call all the same: its merchant's or its app's standing. */
  readonly refusal: "identity.merchant_inactive" | "identity.app_disabled" | undefined;
}

export interface KeyCache {
  /** The verified key, unless it was loaded too long ago. */
  get(digest: string): VerifiedKey | undefined;
  /** Whether the key was good when it was last looked at; that is not forgotten. */
  knows(digest: string): boolean;
  /**
   * Verifies a key against the database; requests that come meanwhile share the answer.
   * @throws identity.key_invalid, identity.key_revoked
   */
  load(key: string, digest: string): Promise<VerifiedKey>;
  forget(): void;
}

/** The cache's key: half a microsecond buys that no API key stays in memory and that the look-up's time tells nothing. */
export function digestKey(key: string): string {
  return hash("sha256", key, "base64");
}

const NO_HASH = Buffer.alloc(32);
const RELOADS_MAX = 3;

export function createKeyCache(options: { db: Database; clock: Clock; ttl_ms: number; keys_max: number }): KeyCache {
  const { db, clock, ttl_ms } = options;
  const verified = new LRUCache<string, VerifiedKey>({ max: options.keys_max });
  const known = new LRUCache<string, true>({ max: options.keys_max });
  const loading = new Map<string, Promise<VerifiedKey>>();
  let generation = 0;

  /** Asks again when credentials changed meanwhile: the answer may be older than the change. */
  async function verify(key: string, digest: string): Promise<VerifiedKey> {
    for (let round = 1; ; round++) {
      const asked = generation;
      const loaded = await verifyKey(db, clock, key, digest);
      known.set(digest, true);
      if (asked === generation) verified.set(digest, loaded);
      if (asked === generation || round === RELOADS_MAX) return loaded;
    }
  }

  return {
    get(digest) {
      const found = verified.get(digest);
      return found && clock.now() - found.loaded_at < ttl_ms ? found : undefined;
    },
    knows: (digest) => known.has(digest),
    load(key, digest) {
      const underWay = loading.get(digest);
      if (underWay) return underWay;
      const promise = verify(key, digest)
        .catch((error: unknown) => {
          // Only the database's answer makes a key a bad one; its absence does not.
          if (error instanceof TributaryError) known.delete(digest);
          throw error;
        })
        .finally(() => {
          if (loading.get(digest) === promise) loading.delete(digest);
        });
      loading.set(digest, promise);
      return promise;
    },
    forget() {
      generation++;
      verified.clear();
      loading.clear();
    },
  };
}

async function verifyKey(db: Database, clock: Clock, key: string, digest: string): Promise<VerifiedKey> {
  const loaded_at = clock.now();
  const found = findByHash(await loadKeysByPrefix(db, prefixOf(key)), Buffer.from(digest, "base64"));
  if (!found) throw identityErrors["identity.key_invalid"]();
  if (found.revoked_at !== null) throw identityErrors["identity.key_revoked"]();
  const { merchant_id, app_id, livemode, id: key_id } = found;
  const [standing, stops] = await Promise.all([
    loadStanding(db, merchant_id, app_id),
    loadCreditStops(db, { merchant_id, livemode }),
  ]);
  const isActive = standing?.merchant_status === "active";
  const refusal = !isActive
    ? "identity.merchant_inactive"
    : standing.app_status === "active"
      ? undefined
      : "identity.app_disabled";
  const caller = { merchant_id, app_id, livemode, key_id, ...(stops.size > 0 && { credit_stops: stops }) };
  const allows = createNetworkCheck(found.allowed_networks);
  return { caller, expires_at: found.expires_at ?? Number.POSITIVE_INFINITY, loaded_at, allows, refusal };
}

/** Compares with every candidate, and when there is none as well, in a time that tells nothing about the bytes. */
function findByHash(candidates: readonly HashedKey[], digest: Buffer): HashedKey | undefined {
  if (candidates.length === 0) timingSafeEqual(NO_HASH, digest);
  let found: HashedKey | undefined;
  for (const candidate of candidates) if (timingSafeEqual(candidate.hash, digest)) found = candidate;
  return found;
}
