/** Checks that what takes a transaction back does so exactly, entry by entry. */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

interface ReversalRow {
  merchant_id: string;
  livemode: boolean;
  number: bigint;
  kind: string;
  reverses: bigint | null;
  /** Position and amount of each entry, of this one and of what it takes back. */
  entries: string;
  reversed: string | null;
}

const movesOf = (entries: string) =>
  `(select string_agg((${entries})[line][1] || ' ' || (${entries})[line][2], ',' order by line)
    from generate_subscripts(${entries}, 1) as line)`;

// The first condition is that of an index.
const reversalsStatement = platformStatement(
  "ledger.verify_reversals",
  `select t.merchant_id, t.livemode, t.number, t.kind::text, t.reverses, ${movesOf("t.entries")} as entries,
     ${movesOf("o.entries")} as reversed
   from ledger_transactions t
   left join ledger_transactions o
     on o.merchant_id = t.merchant_id and o.livemode = t.livemode and o.number = t.reverses and o.number < t.number
   where t.kind <> 'payment_succeeded' and (t.reverses is not null or t.kind = 'reversal')
     and ($1::timestamptz is null or t.posted_at >= $1)`,
);

/** Compares corrections and failures with what they take back: all, or those posted since an instant. */
export async function verifyReversals(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  for (const row of await sql.query<ReversalRow>(reversalsStatement, [since])) {
    if (row.reversed !== null && row.entries === exchange(row.reversed)) continue;
    const book = `the ${row.livemode ? "live" : "test"} book of ${publicId("merchant", row.merchant_id)}`;
    const what = row.reverses === null ? "a transaction that it does not name" : `transaction ${row.reverses}`;
    const sentence = `Transaction ${row.number} of ${book}, ${row.kind}, does not take ${what} back entry by entry.`;
    report(findings, "wrong_reversal", row.merchant_id, sentence);
  }
}

/** The same entries with their amounts' signs exchanged. */
function exchange(entries: string): string {
  const changed = entries.split(",").map((entry) => {
    const [position, amount] = entry.split(" ");
    return `${position} ${-BigInt(amount!)}`;
  });
  return changed.join();
}
