import { bytesArray, plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";

export interface KeyOwner {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  key: string;
}

export interface StoredKey extends KeyOwner {
  request_hash: Buffer;
  object_type: string;
  object_id: string;
  created_at: number;
}

const selectKeys = tenantStatement(
  "idempotency.select",
  `select k.* from idempotency_keys k
   join unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[]) as wanted (merchant_id, app_id, livemode, key)
     using (merchant_id, app_id, livemode, key)`,
);

const insertKeys = tenantStatement(
  "idempotency.insert",
  `insert into idempotency_keys (merchant_id, app_id, livemode, key, request_hash, object_type, object_id, created_at)
   select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::bytea[], $6::text[], $7::uuid[], $8::timestamptz[])
   on conflict do nothing
   returning merchant_id, app_id, livemode, key`,
);

const deleteOld = platformStatement(
  "idempotency.delete_old",
  `delete from idempotency_keys where ctid in (select ctid from idempotency_keys where created_at < $1::timestamptz limit 10000)
   returning 1 as one`,
);

export async function loadKeys(sql: Sql, owners: readonly KeyOwner[]): Promise<StoredKey[]> {
  return sql.query<StoredKey>(selectKeys, ownerArrays(owners));
}

export async function insertStoredKeys(sql: Sql, keys: readonly StoredKey[]): Promise<KeyOwner[]> {
  return sql.query<KeyOwner>(insertKeys, [
    ...ownerArrays(keys),
    bytesArray(keys.map((key) => key.request_hash)),
    textArray(keys.map((key) => key.object_type)),
    plainArray(keys.map((key) => key.object_id)),
    timestampArray(keys.map((key) => key.created_at)),
  ]);
}

export async function deleteKeysBefore(sql: Sql, before: string): Promise<number> {
  return (await sql.query(deleteOld, [before])).length;
}

function ownerArrays(owners: readonly KeyOwner[]): string[] {
  return [
    plainArray(owners.map((owner) => owner.merchant_id)),
    plainArray(owners.map((owner) => owner.app_id)),
    plainArray(owners.map((owner) => owner.livemode)),
    textArray(owners.map((owner) => owner.key)),
  ];
}
