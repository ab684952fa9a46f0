import { InvariantError } from "../kit/error.ts";
import { textArray } from "../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../kit/sql/database.ts";
import { tenantStatement } from "../kit/sql/statement.ts";
import { type AccountKind, accountOf } from "./accounts.ts";
import { LedgerError } from "./errors.ts";
import { type PostResult, post } from "./post.ts";
import type { Line, NewPosting, TransactionKind } from "./posting.ts";
import type { BookKey, TransactionKey } from "./store.ts";

/** What a reversal is written as. */
export interface ReversalHead {
  readonly kind: TransactionKind;
  /** The correction's own id: the same id again is the same reversal. */
  readonly source_id: string;
  readonly occurred_at: number;
  readonly on_shortfall: NewPosting["on_shortfall"];
}

const linesStatement = tenantStatement(
  "ledger.lines_of_transaction",
  `select livemode, account_kind, currency, scope, amount
   from ledger_entries where merchant_id = $1 and source_id = $2 and transaction_kind = $3::ledger_transaction_kind
   order by line`,
);

interface LineRow {
  livemode: boolean;
  account_kind: AccountKind;
  currency: string;
  scope: string;
  amount: bigint;
}

const findStatement = tenantStatement(
  "ledger.find_by_number",
  `select t.kind::text, t.source_id, o.number as reversed_by, (
     select coalesce(sum(e.amount) filter (where e.amount > 0), 0)::bigint from ledger_entries e
     where e.merchant_id = t.merchant_id and e.livemode = t.livemode and e.number = t.number
       and e.account_kind = any ($4::text[])) as gained, (
     select coalesce(-sum(e.amount) filter (where e.amount < 0), 0)::bigint from ledger_entries e
     where e.merchant_id = t.merchant_id and e.livemode = t.livemode and e.number = t.number
       and e.account_kind = any ($4::text[])) as lost, (
     select min(e.currency) from ledger_entries e
     where e.merchant_id = t.merchant_id and e.livemode = t.livemode and e.number = t.number) as currency
   from ledger_transactions t
   left join ledger_transactions o
     on o.merchant_id = t.merchant_id and o.livemode = t.livemode and o.reverses = t.number
   where t.merchant_id = $1 and t.livemode = $2 and t.number = $3`,
);

/** A transaction by its number, and what it did to some accounts. */
export interface WrittenTransaction {
  readonly kind: TransactionKind;
  readonly source_id: string;
  /** The number of the transaction that took it back; null when none has. */
  readonly reversed_by: bigint | null;
  readonly currency: string;
  /** What the given kinds of account gained and lost by it, in minor units. */
  readonly gained: bigint;
  readonly lost: bigint;
}

/** The transaction of a number in its book; `kinds` are the accounts whose changes are summed. */
export async function findTransaction(
  sql: Sql,
  { merchant_id, livemode, number }: BookKey & { readonly number: bigint },
  kinds: readonly AccountKind[],
): Promise<WrittenTransaction | undefined> {
  const rows = await sql.query<WrittenTransaction>(findStatement, [merchant_id, livemode, number, textArray(kinds)]);
  return rows[0];
}

/**
 * Takes back the actual entries of a transaction. A transaction can be reversed once: a second reversal under another
 * id breaks the constraint ledger_transactions_reversed_once. Throws `LedgerError` when there is no such transaction,
 * and when a balance would fall too low unless `on_shortfall` asks for a refusal.
 */
export async function reverse(
  tx: Transaction,
  reversed: TransactionKey,
  head: ReversalHead,
  posted_at: number,
): Promise<PostResult> {
  const { merchant_id, source_id, kind } = reversed;
  const rows = await tx.query<LineRow>(linesStatement, [merchant_id, source_id, kind]);
  if (rows.length === 0) throw new LedgerError("no_reversal", `${kind} of ${source_id} was never written`);
  const { livemode } = rows[0]!;
  const lines = rows.map(takeBack);
  const [result] = await post(
    tx,
    [{ ...head, merchant_id, livemode, lines, reverses: { kind, source_id } }],
    posted_at,
  );
  if (result === undefined) throw new InvariantError("a posting has one result");
  return result;
}

function takeBack(row: LineRow): Line {
  const account = accountOf(row.account_kind, row.currency, row.scope);
  const opposite = account.side === "debit" ? "credit" : "debit";
  return row.amount > 0n
    ? { account, side: opposite, amount: row.amount }
    : { account, side: account.side, amount: -row.amount };
}
