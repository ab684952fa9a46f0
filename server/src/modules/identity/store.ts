/** All SQL on API keys. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import { textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { ApiKey } from "./api-key.ts";

const columns = "merchant_id, id, app_id, livemode, name, prefix, allowed_networks, created_at, expires_at, revoked_at";

const insertStatement = tenantStatement(
  "api_key.insert",
  `insert into api_keys (merchant_id, id, app_id, livemode, name, prefix, allowed_networks, created_at, hash)
   values ($1, $2, $3, $4, $5, $6, $7::text[], $8::timestamptz, $9)`,
);

export async function insertKey(sql: Sql, key: ApiKey, hash: Buffer): Promise<void> {
  const { merchant_id, id, app_id, livemode, name, prefix, created_at } = key;
  const networks = textArray(key.allowed_networks);
  const values = [merchant_id, id, app_id, livemode, name, prefix, networks, toRfc3339(created_at), hash];
  await sql.query(insertStatement, values);
}

const lockStatement = tenantStatement(
  "api_key.lock",
  `select ${columns} from api_keys where merchant_id = $1 and id = $2 for update`,
);

/** The key, held until the transaction ends. */
export async function lockKey(tx: Transaction, merchant_id: string, id: string): Promise<ApiKey | undefined> {
  const [key] = await tx.query<ApiKey>(lockStatement, [merchant_id, id]);
  return key;
}

const expireStatement = tenantStatement(
  "api_key.expire",
  `update api_keys set expires_at = least(expires_at, $3::timestamptz) where merchant_id = $1 and id = $2
   returning ${columns}`,
);

/** Ends a key at `at`, or earlier if it was to end earlier. */
export async function expireKey(tx: Transaction, key: ApiKey, at: number): Promise<ApiKey> {
  const [expired] = await tx.query<ApiKey>(expireStatement, [key.merchant_id, key.id, toRfc3339(at)]);
  return expired!;
}

const revokeStatement = tenantStatement(
  "api_key.revoke",
  `update api_keys set revoked_at = coalesce(revoked_at, $3::timestamptz) where merchant_id = $1 and id = $2
   returning ${columns}`,
);

/** Revokes a key; one that is revoked keeps its first time. */
export async function saveRevocation(
  tx: Transaction,
  merchant_id: string,
  id: string,
  at: number,
): Promise<ApiKey | undefined> {
  const [key] = await tx.query<ApiKey>(revokeStatement, [merchant_id, id, toRfc3339(at)]);
  return key;
}

const networksStatement = tenantStatement(
  "api_key.set_networks",
  `update api_keys set allowed_networks = $3::text[] where merchant_id = $1 and id = $2 returning ${columns}`,
);

export async function saveNetworks(
  tx: Transaction,
  merchant_id: string,
  id: string,
  networks: readonly string[],
): Promise<ApiKey | undefined> {
  const [key] = await tx.query<ApiKey>(networksStatement, [merchant_id, id, textArray(networks)]);
  return key;
}

const listFilter = `merchant_id = $1 and ($2::uuid is null or app_id = $2::uuid) and ($3::boolean is null or livemode = $3::boolean)
     and starts_with(prefix, $4) and ($5::uuid is null or id < $5::uuid) and ($6::uuid is null or id > $6::uuid)`;

const listStatements = {
  desc: tenantStatement(
    "api_key.list_desc",
    `select ${columns} from api_keys where ${listFilter} order by id desc limit $7`,
  ),
  asc: tenantStatement(
    "api_key.list_asc",
    `select ${columns} from api_keys where ${listFilter} order by id asc limit $7`,
  ),
};

export interface KeyFilter {
  readonly merchant_id: string;
  readonly app_id?: string | undefined;
  readonly livemode?: boolean | undefined;
  /** The beginning of the key, as far as it is known. */
  readonly prefix?: string | undefined;
}

export async function selectKeys(sql: Sql, filter: KeyFilter, page: Page): Promise<ApiKey[]> {
  return sql.query<ApiKey>(listStatements[page.order], [
    filter.merchant_id,
    filter.app_id ?? null,
    filter.livemode ?? null,
    filter.prefix ?? "",
    page.older_than,
    page.newer_than,
    page.fetch,
  ]);
}

/** A key as authentication needs it. */
export interface HashedKey extends ApiKey {
  readonly hash: Buffer;
}

// Who calls is only known after this look-up, so it cannot name a merchant.
const selectByPrefix = platformStatement(
  "api_key.select_by_prefix",
  `select ${columns}, hash from api_keys where prefix = $1`,
);

export async function loadKeysByPrefix(sql: Sql, prefix: string): Promise<HashedKey[]> {
  return sql.query<HashedKey>(selectByPrefix, [prefix]);
}
