/** SQL that finds the numbers of many attempts at once, for statements; see store.ts. */
import type { Sql } from "../../kit/sql/database.ts";
import { tenantStatement } from "../../kit/sql/statement.ts";
import { keyArrays, type TenantKey } from "../../kit/sql/tenant-key.ts";

/** By which merchant, platform and channel know an attempt. */
export interface AttemptNumbers {
  readonly id: string;
  readonly payment_id: string;
  readonly out_trade_no: string;
  readonly serial_no: string;
  readonly channel_trade_no: string | null;
  readonly method: string;
}

const selectNumbers = tenantStatement(
  "attempt.select_numbers",
  `select a.id, a.payment_id, p.out_trade_no, a.serial_no, a.channel_trade_no, a.method
   from unnest($1::uuid[], $2::uuid[]) as wanted (merchant_id, id)
   join attempts a on a.merchant_id = wanted.merchant_id and a.id = wanted.id
   join payments p on p.merchant_id = a.merchant_id and p.id = a.payment_id`,
);

/** The numbers of attempts, by their ids. */
export async function loadAttemptNumbers(
  sql: Sql,
  keys: readonly TenantKey[],
): Promise<ReadonlyMap<string, AttemptNumbers>> {
  if (keys.length === 0) return new Map();
  const rows = await sql.query<AttemptNumbers>(selectNumbers, keyArrays(keys));
  return new Map(rows.map((row) => [row.id, row]));
}
