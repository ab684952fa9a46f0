/** Checks what operators did to accounts beyond postings: what they released, what they took back, what is closed. */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

const releasedStatement = platformStatement(
  "ledger.verify_released",
  `select f.merchant_id, f.id, f.released, coalesce(r.amount, 0)::bigint as amount
   from account_operations f
   left join (
     select merchant_id, freeze_id, sum(amount) as amount from account_operations
     where type = 'release_amount' and status = 'done' group by merchant_id, freeze_id
   ) r on r.merchant_id = f.merchant_id and r.freeze_id = f.id
   where f.type = 'freeze_amount' and f.released <> coalesce(r.amount, 0)`,
);

// Both ways: an operation without the reversal that it asks for, and one that took back another transaction.
const reversedStatement = platformStatement(
  "ledger.verify_taken_back",
  `select o.merchant_id, o.id, o.reversed_number, t.reverses
   from account_operations o
   left join ledger_transactions t on t.merchant_id = o.merchant_id and t.source_id = o.id and t.kind = 'reversal'
   where o.type = 'reverse' and (
     (o.status = 'done' and (t.reverses is null or t.reverses <> o.reversed_number or t.livemode <> o.livemode))
     or (o.status <> 'done' and t.number is not null))`,
);

/** Compares frozen amounts with what was released of them, and corrections with what they asked for. */
export async function verifyOperations(sql: Sql, findings: Findings): Promise<void> {
  type Released = { merchant_id: string; id: string; released: bigint; amount: bigint };
  for (const { merchant_id, id, released, amount } of await sql.query<Released>(releasedStatement)) {
    const sentence = `${publicId("account_operation", id)} says ${released} released, but its releases make ${amount}.`;
    report(findings, "wrong_release", merchant_id, sentence);
  }
  type Reversed = { merchant_id: string; id: string; reversed_number: bigint; reverses: bigint | null };
  for (const { merchant_id, id, reversed_number, reverses } of await sql.query<Reversed>(reversedStatement)) {
    const found = reverses === null ? "nothing" : `transaction ${reverses}`;
    const name = publicId("account_operation", id);
    const sentence = `${name} is about transaction ${reversed_number}, but takes ${found} back.`;
    report(findings, "wrong_reversal", merchant_id, sentence);
  }
}
