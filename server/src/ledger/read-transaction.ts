/** One transaction as a journal shows it. */
import type { Sql } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import { type AccountKind, accountKinds } from "./accounts.ts";
import type { TransactionKey } from "./store.ts";

export interface JournalLine {
  kind: AccountKind;
  currency: string;
  side: "debit" | "credit";
  /** Minor units, above zero. */
  amount: bigint;
}

const linesStatement = tenantStatement(
  "ledger.transaction_lines",
  `select account_kind as kind, currency, amount from ledger_entries
   where merchant_id = $1 and source_id = $2 and transaction_kind = $3::ledger_transaction_kind order by line`,
);

/** The lines of a transaction, empty when there is none. */
export async function readTransaction(sql: Sql, key: TransactionKey): Promise<JournalLine[]> {
  const rows = await sql.query<{ kind: AccountKind; currency: string; amount: bigint }>(linesStatement, [
    key.merchant_id,
    key.source_id,
    key.kind,
  ]);
  return rows.map(({ kind, currency, amount }) => {
    const grows = accountKinds[kind].side;
    const side = amount > 0n ? grows : grows === "debit" ? "credit" : "debit";
    return { kind, currency, side, amount: amount > 0n ? amount : -amount };
  });
}
