/** What transactions of a range of a book did to one account, and which books have an account for an agent. */
import type { Sql } from "../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../kit/sql/statement.ts";
import type { Account } from "./accounts.ts";
import type { TransactionKind } from "./posting.ts";
import type { BookKey } from "./store.ts";

/** One transaction that moved the account. */
export interface AccountChange {
  number: bigint;
  kind: TransactionKind;
  source_id: string;
  /** The change of the account's balance. */
  amount: bigint;
  occurred_at: number;
}

/** Both numbers belong to the range. */
export interface AccountRange extends BookKey {
  readonly account: Account;
  readonly first_number: bigint;
  readonly last_number: bigint;
}

const changesStatements = (["asc", "desc"] as const).map((order) =>
  tenantStatement(
    `ledger.account_changes_${order}`,
    `select t.number, t.kind::text, t.source_id, t.occurred_at, c.amount
     from (
       select coalesce(max(position), 0) as position from ledger_accounts where merchant_id = $1 and livemode = $2 and id = $3
     ) place
     join ledger_transactions t on t.merchant_id = $1 and t.livemode = $2 and t.number between $4 and $5
     cross join lateral (
       select sum(t.entries[line][2])::bigint as amount from generate_subscripts(t.entries, 1) as line
       where t.entries[line][1] = place.position
     ) c
     where place.position > 0 and c.amount is not null
     order by t.merchant_id ${order}, t.livemode ${order}, t.number ${order} limit $6::int`,
  ),
);

/** The transactions of the range that moved the account, in the order of their numbers, `limit` at most. */
export async function listAccountChanges(
  sql: Sql,
  { merchant_id, livemode, account, first_number, last_number }: AccountRange,
  limit: number,
  order: "asc" | "desc" = "asc",
): Promise<AccountChange[]> {
  const statement = changesStatements[order === "asc" ? 0 : 1]!;
  return sql.query<AccountChange>(statement, [merchant_id, livemode, account.id, first_number, last_number, limit]);
}

/** What one merchant's book owes an agent and has not settled; the agent's own book has what it could not pay out yet. */
export interface OwedCommission extends BookKey {
  readonly currency: string;
  readonly balance: bigint;
}

const owedStatement = platformStatement(
  "ledger.owed_commission",
  `select a.merchant_id, a.livemode, a.currency, b.balances[a.position] as balance
   from ledger_accounts a join ledger_books b on b.merchant_id = a.merchant_id and b.livemode = a.livemode
   where a.kind = 'commission_payable' and a.scope = $1
     and ($2::uuid[] is null or a.merchant_id = any ($2::uuid[]))
   order by a.merchant_id, a.livemode, a.currency`,
);

/** All books that ever owed an agent commission, or those of some merchants, with what they owe now. */
export async function listOwedCommission(
  sql: Sql,
  agent_id: string,
  merchant_ids: readonly string[] | null = null,
): Promise<OwedCommission[]> {
  const wanted = merchant_ids === null ? null : `{${merchant_ids.join(",")}}`;
  return sql.query<OwedCommission>(owedStatement, [agent_id, wanted]);
}
