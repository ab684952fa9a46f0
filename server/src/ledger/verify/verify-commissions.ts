/**
 * Checks that settlements of commission took all of it, once, and that both sides agree: the parts of an agent from one
 * merchant adjoin and are what the books say; what merchants' books gave is what the agent's book took; each month takes up
 * what the one before left; a part's lines are the part.
 */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Sql, SqlValue } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

const FIRST_UUID = "00000000-0000-0000-0000-000000000000";

interface SettlementRow {
  merchant_id: string;
  id: string;
  total: bigint;
  given: bigint;
  part_count: bigint;
  member_count: bigint;
  brought_forward: bigint;
  carried_before: bigint;
}

const settlementsStatement = platformStatement(
  "ledger.verify_commission_settlements",
  `select s.merchant_id, s.id, s.total, s.brought_forward, cardinality(s.members)::bigint as member_count,
     coalesce(p.given, 0)::bigint as given, coalesce(p.part_count, 0)::bigint as part_count,
     coalesce((
       select b.carried_forward from commission_settlements b
       where b.merchant_id = s.merchant_id and b.livemode = s.livemode and b.currency = s.currency and b.month < s.month
       order by b.month desc limit 1), 0)::bigint as carried_before
   from commission_settlements s
   left join (
     select settlement_id, sum(amount) as given, count(*) as part_count from commission_parts group by settlement_id
   ) p on p.settlement_id = s.id
   where s.status = 'settled' and ($1::timestamptz is null or s.settled_at >= $1::timestamptz)`,
);

async function verifySettlements(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  for (const row of await sql.query<SettlementRow>(settlementsStatement, [since])) {
    const label = publicId("commission_settlement", row.id);
    if (row.total !== row.given || row.part_count !== row.member_count) {
      const states = `took ${row.total} of ${row.member_count} books`;
      const sentence = `${label} ${states}, but ${row.part_count} gave ${row.given}.`;
      report(findings, "wrong_commission", row.merchant_id, sentence);
    }
    if (row.brought_forward !== row.carried_before) {
      const sentence = `${label} brings ${row.brought_forward} forward, but the month before left ${row.carried_before}.`;
      report(findings, "wrong_commission", row.merchant_id, sentence);
    }
  }
}

interface PartRow {
  merchant_id: string;
  id: string;
  agent_id: string;
  livemode: boolean;
  currency: string;
  first_number: bigint;
  last_number: bigint;
  amount: bigint;
  line_total: bigint;
  /** The transaction that gave it; null where nothing moved. */
  number: bigint | null;
  /** What was owed after the last transaction of the range; null when nothing ever was. */
  owed_after: bigint | null;
}

const PARTS_IN_PAGE = 2_000;

// Ordered by the whole key of the journal, so that the entry before is found at the edge of its index.
const partsStatement = platformStatement(
  "ledger.verify_commission_parts",
  `select p.merchant_id, p.id, p.agent_id, p.livemode, p.currency, p.ends_at, p.first_number, p.last_number, p.amount,
     coalesce((select sum(l.earned + l.returned) from commission_lines l
       where l.merchant_id = p.merchant_id and l.part_id = p.id), 0)::bigint as line_total,
     (select t.number from ledger_transactions t
       where t.merchant_id = p.merchant_id and t.source_id = p.id and t.kind = 'commission_settled') as number,
     (
       select t.entries[line][3]
       from ledger_accounts a
       join ledger_transactions t on t.merchant_id = p.merchant_id and t.livemode = p.livemode
       cross join generate_subscripts(t.entries, 1) as line
       where a.merchant_id = p.merchant_id and a.livemode = p.livemode and a.currency = p.currency
         and a.kind = 'commission_payable' and a.scope = p.agent_id
         and t.number <= p.last_number and t.entries[line][1] = a.position
       order by t.merchant_id desc, t.livemode desc, t.number desc, line desc limit 1
     ) as owed_after
   from commission_parts p
   where (p.merchant_id, p.agent_id, p.livemode, p.currency, p.ends_at)
     > ($1::uuid, $2::uuid, $3::boolean, $4::text, $5::timestamptz)
     and ($6::timestamptz is null or exists (
       select from commission_parts c where c.merchant_id = p.merchant_id and c.agent_id = p.agent_id
         and c.created_at >= $6::timestamptz))
   order by p.merchant_id, p.agent_id, p.livemode, p.currency, p.ends_at limit ${PARTS_IN_PAGE}`,
);

/** What is known of earlier parts of the same merchant, agent and currency. */
interface Chain {
  readonly name: string;
  readonly last_number: bigint;
  /** All that was given. */
  readonly given: bigint;
  /** Parts whose transactions the ranges have not reached yet. */
  readonly ahead: readonly { number: bigint; amount: bigint }[];
  /** What those gave that they have. */
  readonly taken: bigint;
}

async function verifyParts(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  let place: readonly SqlValue[] = [FIRST_UUID, FIRST_UUID, false, "", "-infinity", since];
  for (let chain: Chain | undefined; ; ) {
    const rows = await sql.query<PartRow & { ends_at: number }>(partsStatement, place);
    for (const row of rows) chain = checkPart(findings, row, chain);
    const last = rows.at(-1);
    if (last === undefined) return;
    place = [last.merchant_id, last.agent_id, last.livemode, last.currency, toRfc3339(last.ends_at), since];
  }
}

function checkPart(findings: Findings, row: PartRow, before: Chain | undefined): Chain {
  const name = `${row.merchant_id} ${row.agent_id} ${row.livemode} ${row.currency}`;
  const chain: Chain = before?.name === name ? before : { name, last_number: 0n, given: 0n, ahead: [], taken: 0n };
  const { merchant_id, amount, last_number } = row;
  const label = publicId("commission_part", row.id);
  if (row.first_number !== chain.last_number + 1n) {
    const sentence = `${label} begins at ${row.first_number}, but the one before ends at ${chain.last_number}.`;
    report(findings, "wrong_range", merchant_id, sentence);
  }
  const reached = chain.ahead.filter(({ number }) => number <= last_number);
  const taken = reached.reduce((sum, one) => sum + one.amount, chain.taken);
  const given = chain.given + amount;
  const earned = (row.owed_after ?? 0n) + taken;
  if (earned !== given || row.line_total !== amount) {
    const states = `gives ${amount}, ${given} in all, of ${earned} that the books say was earned by its end`;
    report(findings, "wrong_commission", merchant_id, `${label} ${states}; its lines make ${row.line_total}.`);
  }
  const ahead = chain.ahead.filter((one) => !reached.includes(one));
  const next = row.number === null ? ahead : [...ahead, { number: row.number, amount }];
  return { name, last_number, given, ahead: next, taken };
}

/** Compares settlements of commission with their parts, and the parts with the books: all, or what came since an instant. */
export async function verifyCommissions(sql: Sql, findings: Findings, since: string | null): Promise<void> {
  await verifySettlements(sql, findings, since);
  await verifyParts(sql, findings, since);
}
