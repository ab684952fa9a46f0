/** Idempotency keys: what a POST made, remembered in the transaction that made it. The only door of the module. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { deleteKeysBefore, insertStoredKeys, type KeyOwner, loadKeys, type StoredKey } from "./store.ts";

export { idempotencyErrors } from "./errors.ts";
export { readRequestKey } from "./request-key.ts";

const KEPT_MS = 30 * 24 * 3600 * 1000;

/** A request's Idempotency-Key with the hash of its method, path and body. */
export interface IdempotencyKey {
  readonly key: string;
  readonly request_hash: Buffer;
}

export type KeyRecord = StoredKey;

/** What is known of a key: nothing, the same request (its object is shown again), or another request (409). */
export type KeyState =
  | { readonly kind: "new" }
  | { readonly kind: "replay"; readonly object_id: string }
  | { readonly kind: "conflict" };

/** Another transaction stored one of the keys first. The work is run again and then finds it. */
export class IdempotencyRaceError extends Error {
  override readonly name = "IdempotencyRaceError";
}

const RACE_TRIES_MAX = 5;

/**
 * Runs a write again that lost a race for a key or a number against another process: it then finds what the other made.
 * @param isRace tells such a failure besides `IdempotencyRaceError`.
 */
export async function rerunAfterRace<Result>(
  write: () => Promise<Result>,
  isRace: (error: unknown) => boolean = () => false,
): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (tries === RACE_TRIES_MAX || !(error instanceof IdempotencyRaceError || isRace(error))) throw error;
    }
  }
}

/** Looks keys up, in order of the input. */
export async function findKeys(
  sql: Sql,
  wanted: readonly (KeyOwner & { request_hash: Buffer })[],
): Promise<KeyState[]> {
  if (wanted.length === 0) return [];
  const stored = new Map((await loadKeys(sql, wanted)).map((key) => [ownerName(key), key]));
  return wanted.map((key) => stateOf(stored.get(ownerName(key)), key.request_hash));
}

function stateOf(stored: StoredKey | undefined, request_hash: Buffer): KeyState {
  if (!stored) return { kind: "new" };
  return stored.request_hash.equals(request_hash)
    ? { kind: "replay", object_id: stored.object_id }
    : { kind: "conflict" };
}

/** Stores keys in the effect's own transaction. Throws `IdempotencyRaceError` when one exists already. */
export async function storeKeys(tx: Transaction, keys: readonly StoredKey[]): Promise<void> {
  if (keys.length === 0) return;
  const inserted = await insertStoredKeys(tx, keys);
  if (inserted.length < keys.length) throw new IdempotencyRaceError("an idempotency key was stored by another request");
}

/** Finds or stores one key: for use cases that make one object in a transaction of their own. */
export async function claimIdempotencyKey(tx: Transaction, key: StoredKey): Promise<KeyState> {
  const [state] = await findKeys(tx, [key]);
  if (state && state.kind !== "new") return state;
  const [inserted] = await insertStoredKeys(tx, [key]);
  if (inserted) return { kind: "new" };
  // The racing transaction has committed (the insert waited for it), so now it is found.
  const [settled] = await findKeys(tx, [key]);
  return settled ?? { kind: "conflict" };
}

/** Forgets keys older than 30 days. Gives the number forgotten in this round (10,000 at most). */
export async function purgeIdempotencyKeys(sql: Sql, now_ms: number): Promise<number> {
  return deleteKeysBefore(sql, toRfc3339(now_ms - KEPT_MS));
}

function ownerName(owner: KeyOwner): string {
  return `${owner.merchant_id} ${owner.app_id} ${owner.livemode} ${owner.key}`;
}
