/**
 * Checks that settlements adjoin and that each settled what the books say was pending. Up to the end of a batch's range, all
 * that ever became pending is what was settled of it and what was left over; the books know it as the balance at that
 * point and what settlements had taken out by then. So a batch costs one look at the journal, however long its range.
 */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

const RANGES_IN_PAGE = 2_000;

interface RangeRow {
  merchant_id: string;
  livemode: boolean;
  currency: string;
  id: string;
  first_number: bigint;
  last_number: bigint;
  number: bigint;
  amount: bigint;
  brought_forward: bigint;
  carried_forward: bigint;
  /** What was pending after the last transaction of the range; null when nothing ever was. */
  pending_after: bigint | null;
}

// Ordered by the whole key of the journal, so that the entry before is found at the edge of its index.
const rangesStatement = platformStatement(
  "ledger.verify_ranges",
  `select s.merchant_id, s.livemode, s.currency, s.id, s.first_number, s.last_number, s.number, s.amount,
     s.brought_forward, s.carried_forward, (
       select t.entries[line][3]
       from ledger_accounts a
       join ledger_transactions t on t.merchant_id = s.merchant_id and t.livemode = s.livemode
       cross join generate_subscripts(t.entries, 1) as line
       where a.merchant_id = s.merchant_id and a.livemode = s.livemode and a.currency = s.currency
         and a.kind = 'merchant_pending' and t.number <= s.last_number and t.entries[line][1] = a.position
       order by t.merchant_id desc, t.livemode desc, t.number desc, line desc limit 1
     ) as pending_after
   from settlements s
   where s.status = 'posted'
     and ($5::timestamptz is null or exists (
       select from settlements c
       where c.merchant_id = s.merchant_id and c.livemode = s.livemode and c.currency = s.currency
         and coalesce(c.decided_at, c.created_at) >= $5))
     and (s.merchant_id, s.livemode, s.currency, s.first_number) > ($1::uuid, $2::boolean, $3::text, $4)
   order by s.merchant_id, s.livemode, s.currency, s.first_number limit ${RANGES_IN_PAGE}`,
);

/** What is known of a merchant's earlier settlements of one currency. */
interface Chain {
  readonly name: string;
  readonly last_number: bigint;
  readonly carried_forward: bigint;
  /** All that was settled. */
  readonly settled: bigint;
  /** Settlements that the journal has not reached yet, oldest first. */
  readonly ahead: { number: bigint; amount: bigint }[];
  /** What those took out that it has. */
  readonly taken: bigint;
}

/** Compares settlements with each other and with the books: all, or those of merchants who were settled since an instant. */
export async function verifySettlementRanges(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  let place = { merchant_id: FIRST_UUID, livemode: false, currency: "", first_number: 0n };
  for (let chain: Chain | undefined; ; ) {
    const values = [place.merchant_id, place.livemode, place.currency, place.first_number, since];
    const rows = await sql.query<RangeRow>(rangesStatement, values);
    for (const row of rows) chain = checkRange(findings, row, chain);
    const last = rows.at(-1);
    if (last === undefined) return;
    place = last;
  }
}

function checkRange(findings: Findings, row: RangeRow, before: Chain | undefined): Chain {
  const name = `${row.merchant_id} ${row.livemode} ${row.currency}`;
  const nothing = { name, last_number: 0n, carried_forward: 0n, settled: 0n, ahead: [], taken: 0n };
  const chain: Chain = before?.name === name ? before : nothing;
  const label = publicId("settlement", row.id);
  if (row.first_number !== chain.last_number + 1n || row.brought_forward !== chain.carried_forward) {
    const states = `begins at ${row.first_number} with ${row.brought_forward} brought forward`;
    const sentence = `${label} ${states}, but the one before ends at ${chain.last_number} with ${chain.carried_forward}.`;
    report(findings, "wrong_range", row.merchant_id, sentence);
  }
  const reached = chain.ahead.filter(({ number }) => number <= row.last_number);
  const taken = reached.reduce((sum, { amount }) => sum + amount, chain.taken);
  const settled = chain.settled + row.amount;
  const became = (row.pending_after ?? 0n) + taken;
  if (became !== settled + row.carried_forward) {
    const states = `leaves ${row.carried_forward} after ${settled} settled in all`;
    const sentence = `${label} ${states}, but by its end ${became} had become pending.`;
    report(findings, "wrong_settlement", row.merchant_id, sentence);
  }
  const ahead = [...chain.ahead.slice(reached.length), { number: row.number, amount: row.amount }];
  const { last_number, carried_forward } = row;
  return { name, last_number, carried_forward, settled, ahead, taken };
}
