/** All SQL on routing rules, limits, and what is counted for them. */
import { toRfc3339 } from "../../kit/clock.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { tenantStatement } from "../../kit/sql/statement.ts";
import type { RoutingLimit, RoutingRule } from "./rule.ts";

const ruleColumns =
  "merchant_id, id, livemode, app_id, priority, name, condition, target, sticky, time_zone, created_at";

const insertRuleStatement = tenantStatement(
  "routing_rule.insert",
  `insert into routing_rules (${ruleColumns})
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11::timestamptz)`,
);

export async function insertRule(sql: Sql, rule: RoutingRule): Promise<void> {
  await sql.query(insertRuleStatement, [
    rule.merchant_id,
    rule.id,
    rule.livemode,
    rule.app_id,
    rule.priority,
    rule.name,
    rule.condition,
    JSON.stringify(rule.target),
    rule.sticky,
    rule.time_zone,
    toRfc3339(rule.created_at),
  ]);
}

const deleteRuleStatement = tenantStatement(
  "routing_rule.delete",
  "delete from routing_rules where merchant_id = $1 and id = $2 returning id",
);

/** Whether there was such a rule. */
export async function deleteRule(sql: Sql, merchant_id: string, id: string): Promise<boolean> {
  return (await sql.query(deleteRuleStatement, [merchant_id, id])).length > 0;
}

const selectRulesStatement = tenantStatement(
  "routing_rule.select",
  `select ${ruleColumns} from routing_rules where merchant_id = any($1::uuid[])
   order by merchant_id, livemode desc, priority, id`,
);

/** All rules of the merchants, each book's in the order in which they are tried. */
export async function loadRules(sql: Sql, merchant_ids: readonly string[]): Promise<RoutingRule[]> {
  return sql.query<RoutingRule>(selectRulesStatement, [plainArray(merchant_ids)]);
}

const upsertLimitStatement = tenantStatement(
  "routing_limit.upsert",
  `insert into routing_limits (merchant_id, channel_account_id, currency, amount_min, amount_max, day_amount_max,
     opens_at, closes_at, time_zone)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
   on conflict (merchant_id, channel_account_id, currency) do update set amount_min = excluded.amount_min,
     amount_max = excluded.amount_max, day_amount_max = excluded.day_amount_max, opens_at = excluded.opens_at,
     closes_at = excluded.closes_at, time_zone = excluded.time_zone`,
);

export async function upsertLimit(sql: Sql, limit: RoutingLimit): Promise<void> {
  await sql.query(upsertLimitStatement, [
    limit.merchant_id,
    limit.channel_account_id,
    limit.currency,
    limit.amount_min,
    limit.amount_max,
    limit.day_amount_max,
    limit.opens_at,
    limit.closes_at,
    limit.time_zone,
  ]);
}

const selectLimitsStatement = tenantStatement(
  "routing_limit.select",
  `select merchant_id, channel_account_id, currency, amount_min, amount_max, day_amount_max, opens_at, closes_at,
     time_zone
   from routing_limits where merchant_id = any($1::uuid[]) order by merchant_id, channel_account_id, currency`,
);

export async function loadLimits(sql: Sql, merchant_ids: readonly string[]): Promise<RoutingLimit[]> {
  return sql.query<RoutingLimit>(selectLimitsStatement, [plainArray(merchant_ids)]);
}

/** Money through one account on one day. */
export interface Usage {
  readonly merchant_id: string;
  readonly channel_account_id: string;
  readonly currency: string;
  /** `2026-11-20`. */
  readonly day: string;
  readonly amount: bigint;
}

const addUsageStatement = tenantStatement(
  "routing_usage.add",
  `insert into routing_usage (merchant_id, channel_account_id, currency, day, amount)
   select merchant_id, channel_account_id, currency, day, sum(amount)
   from unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::bigint[])
     as n (merchant_id, channel_account_id, currency, day, amount)
   group by merchant_id, channel_account_id, currency, day
   order by merchant_id, channel_account_id, currency, day
   on conflict (merchant_id, channel_account_id, currency, day)
     do update set amount = routing_usage.amount + excluded.amount`,
);

/** Adds to the counts, in the order of their keys. */
export async function addUsage(tx: Transaction, usage: readonly Usage[]): Promise<void> {
  const column = <T>(pick: (one: Usage) => T) => usage.map(pick);
  await tx.query(addUsageStatement, [
    plainArray(column((one) => one.merchant_id)),
    plainArray(column((one) => one.channel_account_id)),
    textArray(column((one) => one.currency)),
    textArray(column((one) => one.day)),
    plainArray(column((one) => one.amount)),
  ]);
}

const startUsageStatement = tenantStatement(
  "routing_usage.start",
  `insert into routing_usage (merchant_id, channel_account_id, currency, day, amount) values ($1, $2, $3, $4::date, $5)
   on conflict (merchant_id, channel_account_id, currency, day) do nothing`,
);

/** Begins to count a day from what has succeeded so far, unless it is counted already. */
export async function startUsage(sql: Sql, { merchant_id, channel_account_id, currency, day, amount }: Usage) {
  await sql.query(startUsageStatement, [merchant_id, channel_account_id, currency, day, amount]);
}

const selectUsageStatement = tenantStatement(
  "routing_usage.select",
  `select merchant_id, channel_account_id, currency, to_char(day, 'YYYY-MM-DD') as day, amount
   from routing_usage where merchant_id = any($1::uuid[]) and day >= $2::date`,
);

/** @param since a day. */
export async function loadUsage(sql: Sql, merchant_ids: readonly string[], since: string): Promise<Usage[]> {
  return sql.query<Usage>(selectUsageStatement, [plainArray(merchant_ids), since]);
}

/** The account that took a payer's money. `payer` is what `hashPayer` gives. */
export interface PayerAccount {
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly payer: string;
  readonly channel_account_id: string;
  readonly succeeded_at: number;
}

const upsertPayersStatement = tenantStatement(
  "routing_payer.upsert",
  `insert into routing_payers (merchant_id, livemode, payer, channel_account_id, succeeded_at)
   select distinct on (merchant_id, livemode, payer) merchant_id, livemode, payer, channel_account_id, succeeded_at
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[], $5::timestamptz[])
     as n (merchant_id, livemode, payer, channel_account_id, succeeded_at)
   order by merchant_id, livemode, payer, succeeded_at desc
   on conflict (merchant_id, livemode, payer)
     do update set channel_account_id = excluded.channel_account_id, succeeded_at = excluded.succeeded_at`,
);

/** Remembers the latest of each payer, in the order of their keys. */
export async function upsertPayers(tx: Transaction, payers: readonly PayerAccount[]): Promise<void> {
  const column = <T>(pick: (one: PayerAccount) => T) => payers.map(pick);
  await tx.query(upsertPayersStatement, [
    plainArray(column((one) => one.merchant_id)),
    plainArray(column((one) => one.livemode)),
    textArray(column((one) => one.payer)),
    plainArray(column((one) => one.channel_account_id)),
    timestampArray(column((one) => one.succeeded_at)),
  ]);
}

const selectPayerStatement = tenantStatement(
  "routing_payer.select",
  "select channel_account_id from routing_payers where merchant_id = $1 and livemode = $2 and payer = $3",
);

export async function findPayerAccount(
  sql: Sql,
  { merchant_id, livemode, payer }: Pick<PayerAccount, "merchant_id" | "livemode" | "payer">,
): Promise<string | undefined> {
  const [row] = await sql.query<{ channel_account_id: string }>(selectPayerStatement, [merchant_id, livemode, payer]);
  return row?.channel_account_id;
}
