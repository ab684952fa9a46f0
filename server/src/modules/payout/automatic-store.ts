/** SQL on what settlements ask for. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { SettingsKey } from "./settings.ts";

/** The latest settlement of a merchant's book and currency that asks for a payout. */
export interface AutomaticRequest extends SettingsKey {
  readonly settlement_id: string;
}

const askStatement = tenantStatement(
  "payout_automatic.ask",
  `insert into payout_automatic (merchant_id, livemode, currency, settlement_id, due_at)
   select s.merchant_id, s.livemode, s.currency, n.settlement_id, $5::timestamptz
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[]) as n (merchant_id, livemode, currency, settlement_id)
   join payout_settings s using (merchant_id, livemode, currency)
   where s.automatic_beneficiary_id is not null
   order by 1, 2, 3
   on conflict (merchant_id, livemode, currency) do update set settlement_id = excluded.settlement_id,
     due_at = excluded.due_at`,
);

/** Asks for payouts after settlements, where merchants have them. The books are locked, so this is one statement. */
export async function askAutomatic(tx: Transaction, asked: readonly AutomaticRequest[], at: number): Promise<void> {
  if (asked.length === 0) return;
  await tx.query(askStatement, [
    plainArray(asked.map(({ merchant_id }) => merchant_id)),
    plainArray(asked.map(({ livemode }) => livemode)),
    textArray(asked.map(({ currency }) => currency)),
    plainArray(asked.map(({ settlement_id }) => settlement_id)),
    toRfc3339(at),
  ]);
}

const claimStatement = platformStatement(
  "payout_automatic.claim",
  `update payout_automatic a set due_at = $2::timestamptz
   from (
     select merchant_id, livemode, currency from payout_automatic where due_at <= $1::timestamptz
     order by due_at limit $3::int for update skip locked
   ) due
   where a.merchant_id = due.merchant_id and a.livemode = due.livemode and a.currency = due.currency
   returning a.merchant_id, a.livemode, a.currency, a.settlement_id`,
);

/** Claims what is due, until the lease runs out. */
export async function claimAutomatic(
  sql: Sql,
  now: number,
  lease_until: number,
  limit: number,
): Promise<AutomaticRequest[]> {
  return sql.query<AutomaticRequest>(claimStatement, [toRfc3339(now), toRfc3339(lease_until), limit]);
}

const deleteStatement = tenantStatement(
  "payout_automatic.delete",
  `delete from payout_automatic where merchant_id = $1 and livemode = $2 and currency = $3 and settlement_id = $4`,
);

/** Takes a request away that was done; a later settlement's stays. */
export async function deleteAutomatic(sql: Sql, done: AutomaticRequest): Promise<void> {
  await sql.query(deleteStatement, [done.merchant_id, done.livemode, done.currency, done.settlement_id]);
}
