/** Checks what promotions have counted against the attempts that hold places in their quotas. */
import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement } from "../../kit/sql/statement.ts";
import { type Findings, report } from "./findings.ts";

interface QuotaRow {
  merchant_id: string;
  fee_rule_id: string;
  period: string;
  count: bigint;
  amount: bigint;
  held_count: bigint;
  held_amount: bigint;
}

// An attempt holds its place while it may still win, and once it has; a duplicate is given back and pays no fee.
const quotasStatement = platformStatement(
  "ledger.verify_quotas",
  `select merchant_id, fee_rule_id, period, coalesce(u.count, 0) as count, coalesce(u.amount, 0) as amount,
     coalesce(a.count, 0) as held_count, coalesce(a.amount, 0)::bigint as held_amount
   from fee_quota_usage u
   full join (
     select merchant_id, fee_rule_id, quota_period as period, count(*) as count, sum(amount) as amount from attempts
     where quota_period is not null and not duplicate and status in ('created', 'sent', 'unknown', 'succeeded')
     group by merchant_id, fee_rule_id, quota_period
   ) a using (merchant_id, fee_rule_id, period)
   where (coalesce(u.count, 0), coalesce(u.amount, 0)) <> (coalesce(a.count, 0), coalesce(a.amount, 0))`,
);

/** Reports counters that are not those of their attempts. */
export async function verifyQuotas(sql: Sql, findings: Findings): Promise<void> {
  for (const row of await sql.query<QuotaRow>(quotasStatement)) {
    const says = `${publicId("fee_rule", row.fee_rule_id)} has counted ${row.count} attempts of ${row.amount} in ${row.period}`;
    const sentence = `${says}, but ${row.held_count} of ${row.held_amount} hold places.`;
    report(findings, "wrong_quota", row.merchant_id, sentence);
  }
}
