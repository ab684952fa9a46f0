/** Making, ending and listing API keys. */
import type { Clock } from "../../kit/clock.ts";
import { cutPage, type Page } from "../../kit/http/pagination.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Secret } from "../../kit/secret.ts";
import { brokenConstraint, type Database, type Sql } from "../../kit/sql/database.ts";
import { announceCredentialChange, merchantErrors } from "../merchant/index.ts";
import { type ApiKey, generateKey, hashKey, prefixOf } from "./api-key.ts";
import { identityErrors } from "./errors.ts";
import { readNetworks } from "./networks.ts";
import { expireKey, insertKey, type KeyFilter, lockKey, saveNetworks, saveRevocation, selectKeys } from "./store.ts";

const DAY_MS = 24 * 3600 * 1000;
const NAME_LENGTH_MAX = 100;

interface Making {
  sql: Sql;
  clock: Clock;
  ids: IdSource;
  random: Random;
}

/** The key itself is in the answer and nowhere else. */
export interface CreatedKey {
  readonly api_key: ApiKey;
  readonly secret_key: Secret;
}

/**
 * Creates a key of an app for one of its merchant's two books.
 * @param input.allowed_networks where it may call from, as addresses or in CIDR form; anywhere unless given.
 * @throws app.not_found, identity.networks_invalid
 */
export async function createApiKey(
  services: Making,
  input: {
    merchant_id: string;
    app_id: string;
    livemode: boolean;
    name?: string;
    allowed_networks?: readonly string[];
  },
): Promise<CreatedKey> {
  const secret_key = generateKey(services.random, input.livemode);
  const api_key: ApiKey = {
    merchant_id: input.merchant_id,
    id: services.ids.uuid(),
    app_id: input.app_id,
    livemode: input.livemode,
    name: (input.name ?? "").slice(0, NAME_LENGTH_MAX),
    prefix: prefixOf(secret_key.reveal()),
    allowed_networks: readNetworks(input.allowed_networks ?? []),
    created_at: services.clock.now(),
    expires_at: null,
    revoked_at: null,
  };
  try {
    await insertKey(services.sql, api_key, hashKey(secret_key.reveal()));
  } catch (error) {
    if (brokenConstraint(error) === "api_keys_merchant_id_app_id_fkey") throw merchantErrors["app.not_found"]();
    throw error;
  }
  return { api_key, secret_key };
}

/**
 * Creates a key's successor; the old key works for `overlap_ms` more (a day unless given), so that a merchant can change
 * over without an outage.
 * @throws identity.api_key_not_found, identity.api_key_ended
 */
export async function rotateApiKey(
  services: Omit<Making, "sql"> & { db: Database },
  input: { merchant_id: string; key_id: string; overlap_ms?: number },
): Promise<CreatedKey & { replaced: ApiKey }> {
  return services.db.transaction(async (tx) => {
    const old = await lockKey(tx, input.merchant_id, input.key_id);
    if (!old) throw identityErrors["identity.api_key_not_found"]();
    const now = services.clock.now();
    if (old.revoked_at !== null || (old.expires_at ?? now + 1) <= now) throw identityErrors["identity.api_key_ended"]();
    const created = await createApiKey({ ...services, sql: tx }, old);
    const replaced = await expireKey(tx, old, now + (input.overlap_ms ?? DAY_MS));
    await announceCredentialChange(tx);
    return { ...created, replaced };
  });
}

/**
 * Revokes a key: no process accepts it once this has committed and its announcement arrived. Revoking twice is the same
 * as once.
 * @throws identity.api_key_not_found
 */
export async function revokeApiKey(
  services: { db: Database; clock: Clock },
  input: { merchant_id: string; key_id: string },
): Promise<ApiKey> {
  return services.db.transaction(async (tx) => {
    const key = await saveRevocation(tx, input.merchant_id, input.key_id, services.clock.now());
    if (!key) throw identityErrors["identity.api_key_not_found"]();
    await announceCredentialChange(tx);
    return key;
  });
}

/**
 * Says where a key may call from, instead of what was said before; nowhere in particular when there are none. Every
 * process goes by it once this has committed and its announcement arrived.
 * @throws identity.api_key_not_found, identity.networks_invalid
 */
export async function restrictApiKey(
  { db }: { db: Database },
  input: { merchant_id: string; key_id: string; allowed_networks: readonly string[] },
): Promise<ApiKey> {
  const networks = readNetworks(input.allowed_networks);
  return db.transaction(async (tx) => {
    const key = await saveNetworks(tx, input.merchant_id, input.key_id, networks);
    if (!key) throw identityErrors["identity.api_key_not_found"]();
    await announceCredentialChange(tx);
    return key;
  });
}

/** A merchant's keys, the newest first, optionally only those that begin with a prefix. */
export async function listApiKeys(
  sql: Sql,
  filter: KeyFilter,
  page: Page,
): Promise<{ rows: ApiKey[]; has_more: boolean }> {
  return cutPage(page, await selectKeys(sql, filter, page));
}
