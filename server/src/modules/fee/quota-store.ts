/** All SQL on what is taken of promotions' quotas. */
import { invariant } from "../../kit/error.ts";
import { plainArray, textArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { tenantStatement } from "../../kit/sql/statement.ts";
import type { QuotaTaken } from "./quota.ts";

/** One period of one promotion. */
export interface QuotaKey {
  merchant_id: string;
  fee_rule_id: string;
  period: string;
}

function keyArrays(keys: readonly QuotaKey[]) {
  return [
    plainArray(keys.map((key) => key.merchant_id)),
    plainArray(keys.map((key) => key.fee_rule_id)),
    textArray(keys.map((key) => key.period)),
  ];
}

const ofKeys = `from fee_quota_usage
  where (merchant_id, fee_rule_id, period) in (select * from unnest($1::uuid[], $2::uuid[], $3::text[]))`;

const readStatement = tenantStatement("fee_quota.read", `select * ${ofKeys}`);

type Row = QuotaKey & QuotaTaken;

const toMap = (rows: readonly Row[]): Map<string, QuotaTaken> =>
  new Map(rows.map((row) => [`${row.merchant_id} ${row.fee_rule_id} ${row.period}`, row]));

/** What is taken, by merchant, rule and period; nothing has no entry. */
export async function readQuotas(sql: Sql, keys: readonly QuotaKey[]): Promise<Map<string, QuotaTaken>> {
  return keys.length === 0 ? new Map() : toMap(await sql.query<Row>(readStatement, keyArrays(keys)));
}

const startStatement = tenantStatement(
  "fee_quota.start",
  `insert into fee_quota_usage (merchant_id, fee_rule_id, period, count, amount)
   select merchant_id, fee_rule_id, period, 0, 0
   from unnest($1::uuid[], $2::uuid[], $3::text[]) as n (merchant_id, fee_rule_id, period)
   order by merchant_id, fee_rule_id, period
   on conflict do nothing`,
);

const lockStatement = tenantStatement(
  "fee_quota.lock",
  `select * ${ofKeys} order by merchant_id, fee_rule_id, period for update`,
);

/** Locks counters in the order of their keys, beginning those that are not there. Keys are different ones. */
export async function lockQuotas(tx: Transaction, keys: readonly QuotaKey[]): Promise<Map<string, QuotaTaken>> {
  if (keys.length === 0) return new Map();
  const values = keyArrays(keys);
  // The second statement starts after the first has ended, and sees what others had begun meanwhile.
  const [, rows] = await Promise.all([tx.query(startStatement, values), tx.query<Row>(lockStatement, values)]);
  return toMap(rows);
}

const addStatement = tenantStatement(
  "fee_quota.add",
  `update fee_quota_usage u set count = u.count + n.count, amount = u.amount + n.amount
   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[])
     as n (merchant_id, fee_rule_id, period, count, amount)
   where u.merchant_id = n.merchant_id and u.fee_rule_id = n.fee_rule_id and u.period = n.period
   returning u.period`,
);

/** Adds to counters that were begun, or takes from them; keys are different ones. */
export async function addToQuotas(tx: Transaction, changes: readonly (QuotaKey & QuotaTaken)[]): Promise<void> {
  if (changes.length === 0) return;
  const nameOf = (key: QuotaKey) => `${key.merchant_id} ${key.fee_rule_id} ${key.period}`;
  const sorted = [...changes].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const rows = await tx.query(addStatement, [
    ...keyArrays(sorted),
    plainArray(sorted.map((change) => change.count)),
    plainArray(sorted.map((change) => change.amount)),
  ]);
  invariant(rows.length === changes.length, "a quota's counter was begun before it is moved");
}
