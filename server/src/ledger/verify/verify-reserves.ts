/**
 * Checks that reserves explain their account: the parts of a settlement are what it held back, what became of each part is
 * what its releases and refunds say, and what is held of all parts is what `merchant_reserve` holds.
 */
import { type IdKind, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

interface WrongRow {
  merchant_id: string;
  id: string;
  says: bigint;
  found: bigint;
}

interface Rule {
  readonly name: string;
  readonly noun: IdKind;
  /** Rows that break it. */
  readonly sql: string;
  sentence(label: string, row: WrongRow): string;
}

const rules: readonly Rule[] = [
  {
    name: "settlements",
    noun: "settlement",
    sql: `select s.merchant_id, s.id, s.reserved_amount as says, coalesce(p.amount, 0)::bigint as found
      from settlements s
      left join (select merchant_id, settlement_id, sum(amount) as amount from reserves group by 1, 2) p
        on p.merchant_id = s.merchant_id and p.settlement_id = s.id
      where coalesce(p.amount, 0) <> case when s.status = 'posted' then s.reserved_amount else 0 end`,
    sentence: (label, { says, found }) => `${label} held ${says} back, but its reserves are ${found}.`,
  },
  {
    name: "strays",
    noun: "reserve",
    sql: `select r.merchant_id, r.id, r.amount as says, 0::bigint as found from reserves r
      where not exists (select from settlements s where s.merchant_id = r.merchant_id and s.id = r.settlement_id)`,
    sentence: (label, { says }) => `${label} holds ${says} of a settlement that does not exist.`,
  },
  {
    name: "released",
    noun: "reserve",
    sql: `select r.merchant_id, r.id, r.released_amount as says, coalesce(x.amount, 0)::bigint as found from reserves r
      left join (select merchant_id, reserve_id, sum(amount) as amount from reserve_releases group by 1, 2) x
        on x.merchant_id = r.merchant_id and x.reserve_id = r.id
      where r.released_amount <> coalesce(x.amount, 0)`,
    sentence: (label, { says, found }) => `${label} says ${says} released, but its releases are ${found}.`,
  },
  {
    name: "drawn",
    noun: "reserve",
    sql: `select r.merchant_id, r.id, r.drawn_amount as says, coalesce(x.amount, 0)::bigint as found from reserves r
      left join (
        select merchant_id, reserve_id, sum(amount) as amount from reserve_draws where returned_at is null group by 1, 2
      ) x on x.merchant_id = r.merchant_id and x.reserve_id = r.id
      where r.drawn_amount <> coalesce(x.amount, 0)`,
    sentence: (label, { says, found }) => `${label} says ${says} drawn by refunds, but they drew ${found}.`,
  },
  {
    name: "refunds",
    noun: "refund",
    sql: `select r.merchant_id, r.id, r.from_reserve as says, coalesce(x.amount, 0)::bigint as found from refunds r
      left join (
        select merchant_id, refund_id, sum(amount) as amount, bool_and(returned_at is not null) as returned
        from reserve_draws group by 1, 2
      ) x on x.merchant_id = r.merchant_id and x.refund_id = r.id
      where r.from_reserve <> coalesce(x.amount, 0) or x.returned <> (r.status = 'failed')`,
    sentence: (label, { says, found }) =>
      `${label} took ${says} from the reserve, but what it drew is ${found}, or was wrongly given back or kept.`,
  },
];

// By merchant and not by part: an account is of a book and a currency.
const accountsStatement = platformStatement(
  "ledger.verify_reserve_accounts",
  `select coalesce(a.merchant_id, p.merchant_id) as merchant_id, coalesce(a.merchant_id, p.merchant_id) as id,
     coalesce(a.balance, 0) as says, coalesce(p.held, 0)::bigint as found
   from (
     select a.merchant_id, a.livemode, a.currency, b.balances[a.position] as balance
     from ledger_accounts a join ledger_books b on b.merchant_id = a.merchant_id and b.livemode = a.livemode
     where a.kind = 'merchant_reserve'
   ) a
   full join (
     select merchant_id, livemode, currency, sum(amount - released_amount - drawn_amount) as held
     from reserves group by 1, 2, 3
   ) p on p.merchant_id = a.merchant_id and p.livemode = a.livemode and p.currency = a.currency
   where coalesce(a.balance, 0) <> coalesce(p.held, 0)`,
);

const statements = rules.map((rule) => ({
  ...rule,
  statement: platformStatement(`ledger.verify_reserve_${rule.name}`, rule.sql),
}));

/** Compares all reserves with their settlements, releases, refunds and accounts. */
export async function verifyReserves(sql: Sql, findings: Findings): Promise<void> {
  for (const { statement, noun, sentence } of statements) {
    for (const row of await sql.query<WrongRow>(statement)) {
      report(findings, "wrong_reserve", row.merchant_id, sentence(publicId(noun, row.id), row));
    }
  }
  for (const row of await sql.query<WrongRow>(accountsStatement)) {
    const label = publicId("merchant", row.merchant_id);
    const sentence = `merchant_reserve of ${label} holds ${row.says}, but its reserves explain ${row.found}.`;
    report(findings, "wrong_reserve", row.merchant_id, sentence);
  }
}
