/** All SQL on closes and the keys that sign them. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { BookKey } from "../../ledger/index.ts";

export interface Close extends BookKey {
  readonly day: string;
  readonly last_number: bigint;
  readonly closing_hash: Buffer;
  /** The exact text that was signed. */
  readonly statement: string;
  readonly key_id: string;
  readonly signature: Buffer;
}

const columns =
  "c.merchant_id, c.livemode, c.day::text, c.last_number, c.closing_hash, c.statement, c.key_id, c.signature";

const insertStatement = tenantStatement(
  "daily_close.insert",
  `insert into ledger_closes (merchant_id, livemode, day, last_number, closing_hash, statement, key_id, signature)
   values ($1, $2, $3::date, $4, $5, $6, $7, $8) on conflict do nothing returning last_number`,
);

/** False when another process has closed the day. */
export async function insertClose(sql: Sql, close: Close): Promise<boolean> {
  const { merchant_id, livemode, day, last_number, closing_hash, statement, key_id, signature } = close;
  const values = [merchant_id, livemode, day, last_number, closing_hash, statement, key_id, signature];
  return (await sql.query(insertStatement, values)).length === 1;
}

const lastStatement = tenantStatement(
  "daily_close.select_last",
  `select ${columns} from ledger_closes c where c.merchant_id = $1 and c.livemode = $2 order by c.day desc limit 1`,
);

export async function loadLastClose(sql: Sql, book: BookKey): Promise<Close | undefined> {
  const [close] = await sql.query<Close>(lastStatement, [book.merchant_id, book.livemode]);
  return close;
}

const selectStatement = tenantStatement(
  "daily_close.select",
  `select ${columns} from ledger_closes c where c.merchant_id = $1 and c.livemode = $2 and c.day = $3::date`,
);

export async function loadClose(sql: Sql, book: BookKey, day: string): Promise<Close | undefined> {
  const [close] = await sql.query<Close>(selectStatement, [book.merchant_id, book.livemode, day]);
  return close;
}

const endsStatement = platformStatement(
  "daily_close.select_ends",
  `select merchant_id, livemode, max(last_number)::bigint as last_number from ledger_closes
   where merchant_id = any($1::uuid[]) group by merchant_id, livemode`,
);

/** How far the books of these merchants are closed. */
export function loadClosedNumbers(
  sql: Sql,
  merchant_ids: readonly string[],
): Promise<(BookKey & { last_number: bigint })[]> {
  return sql.query(endsStatement, [plainArray(merchant_ids)]);
}

export interface StoredKey {
  readonly id: string;
  readonly public_key: Buffer;
  readonly private_key_sealed: Buffer;
  /** Epoch milliseconds. */
  readonly created_at: number;
}

const insertKeyStatement = platformStatement(
  "ledger_signing_key.insert",
  `insert into ledger_signing_keys (id, public_key, private_key_sealed, created_at) values ($1, $2, $3, $4::timestamptz)`,
);

export async function insertSigningKey(sql: Sql, key: StoredKey): Promise<void> {
  await sql.query(insertKeyStatement, [key.id, key.public_key, key.private_key_sealed, toRfc3339(key.created_at)]);
}

const keysStatement = platformStatement(
  "ledger_signing_key.select",
  "select id, public_key, private_key_sealed, created_at from ledger_signing_keys order by id desc",
);

/** All keys, the newest first. */
export function loadSigningKeys(sql: Sql): Promise<StoredKey[]> {
  return sql.query<StoredKey>(keysStatement);
}
