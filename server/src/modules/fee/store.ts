/** All SQL on fee rules and channel cost rules. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Rounding } from "../../kit/money.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import type { ChannelCostRule, FeeRule, Tariff } from "./fee.ts";
import type { PriceInput } from "./price-attempts.ts";

const tariffColumns = "currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding";

const insertFeeRuleStatement = tenantStatement(
  "fee.insert_rule",
  `insert into fee_rules (${tariffColumns}, merchant_id, id, livemode, app_id, channel_account_id, method,
     refund_returns_fee, effective_from, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14::timestamptz, $15::timestamptz)`,
);

export async function insertFeeRule(sql: Sql, rule: FeeRule): Promise<void> {
  await sql.query(insertFeeRuleStatement, [
    ...tariffValues(rule),
    rule.merchant_id,
    rule.id,
    rule.livemode,
    rule.app_id,
    rule.channel_account_id,
    rule.method,
    rule.refund_returns_fee,
    toRfc3339(rule.effective_from),
    toRfc3339(rule.created_at),
  ]);
}

const listFeeRulesStatement = tenantStatement(
  "fee.list_rules",
  `select ${tariffColumns}, merchant_id, id, livemode, app_id, channel_account_id, method, refund_returns_fee,
     effective_from, created_at
   from fee_rules where merchant_id = $1 order by livemode desc, effective_from desc, id desc limit $2`,
);

/** A merchant's fee rules in both books, live ones first and the latest before older ones. */
export async function listFeeRules(sql: Sql, merchant_id: string, limit: number): Promise<FeeRule[]> {
  return sql.query<FeeRule>(listFeeRulesStatement, [merchant_id, limit]);
}

// Channel accounts belong to the platform as well as to merchants, so these rows have no merchant.
const insertCostRuleStatement = platformStatement(
  "fee.insert_cost_rule",
  `insert into channel_cost_rules (${tariffColumns}, channel_account_id, id, method, refund_returns_cost,
     effective_from, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::timestamptz, $12::timestamptz)`,
);

export async function insertChannelCostRule(sql: Sql, rule: ChannelCostRule): Promise<void> {
  await sql.query(insertCostRuleStatement, [
    ...tariffValues(rule),
    rule.channel_account_id,
    rule.id,
    rule.method,
    rule.refund_returns_cost,
    toRfc3339(rule.effective_from),
    toRfc3339(rule.created_at),
  ]);
}

const selectCostRulesStatement = platformStatement(
  "fee.select_cost_rules",
  `select ${tariffColumns}, channel_account_id, id, method, refund_returns_cost, effective_from, created_at
   from channel_cost_rules where channel_account_id = any($1::uuid[])`,
);

/** All cost rules of the accounts, past and future ones too. */
export async function loadChannelCostRules(sql: Sql, account_ids: readonly string[]): Promise<ChannelCostRule[]> {
  return sql.query<ChannelCostRule>(selectCostRulesStatement, [plainArray(account_ids)]);
}

function tariffValues(tariff: Tariff) {
  const { currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding } = tariff;
  return [currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding];
}

const findRulesStatement = tenantStatement(
  "fee.find_rules",
  `select fee.id as fee_id, fee.rate_ppm as fee_rate_ppm, fee.fixed_amount as fee_fixed, fee.floor_amount as fee_floor,
     fee.cap_amount as fee_cap, fee.rounding as fee_rounding, fee.refund_returns_fee as fee_returns,
     cost.id as cost_id, cost.rate_ppm as cost_rate_ppm, cost.fixed_amount as cost_fixed,
     cost.floor_amount as cost_floor, cost.cap_amount as cost_cap, cost.rounding as cost_rounding,
     cost.refund_returns_cost as cost_returns
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[])
     with ordinality as i (merchant_id, livemode, app_id, channel_account_id, method, currency, at, position)
   left join lateral (
     select r.* from fee_rules r
     where r.merchant_id = i.merchant_id and r.livemode = i.livemode and r.currency = i.currency
       and r.effective_from <= i.at
       and (r.method is null or r.method = i.method)
       and (r.channel_account_id is null or r.channel_account_id = i.channel_account_id)
       and (r.app_id is null or r.app_id = i.app_id)
     order by (r.method is null), (r.channel_account_id is null), (r.app_id is null), r.effective_from desc, r.id desc
     limit 1
   ) fee on true
   left join lateral (
     select r.* from channel_cost_rules r
     where r.channel_account_id = i.channel_account_id and r.currency = i.currency and r.effective_from <= i.at
       and (r.method is null or r.method = i.method)
     order by (r.method is null), r.effective_from desc, r.id desc
     limit 1
   ) cost on true
   order by i.position`,
);

type RuleColumns<Prefix extends "fee" | "cost"> = {
  [Name in `${Prefix}_id`]: string | null;
} & { [Name in `${Prefix}_rate_ppm` | `${Prefix}_fixed` | `${Prefix}_floor`]: bigint } & {
  [Name in `${Prefix}_cap`]: bigint | null;
} & { [Name in `${Prefix}_rounding`]: Rounding } & { [Name in `${Prefix}_returns`]: boolean };

type RuleRow = RuleColumns<"fee"> & RuleColumns<"cost">;

export interface FoundRule extends Tariff {
  id: string;
  returns: boolean;
}

/** For each input the fee rule and the cost rule that price it. */
export async function findRules(
  sql: Sql,
  inputs: readonly PriceInput[],
): Promise<{ fee: FoundRule | undefined; cost: FoundRule | undefined }[]> {
  const rows = await sql.query<RuleRow>(findRulesStatement, [
    plainArray(inputs.map((input) => input.merchant_id)),
    plainArray(inputs.map((input) => input.livemode)),
    plainArray(inputs.map((input) => input.app_id)),
    plainArray(inputs.map((input) => input.channel_account_id)),
    textArray(inputs.map((input) => input.method)),
    textArray(inputs.map((input) => input.currency)),
    timestampArray(inputs.map((input) => input.at)),
  ]);
  return rows.map((row, index) => {
    const { currency } = inputs[index]!;
    return { fee: readFeeRule(row, currency), cost: readCostRule(row, currency) };
  });
}

function readFeeRule(row: RuleRow, currency: string): FoundRule | undefined {
  if (row.fee_id === null) return undefined;
  return {
    id: row.fee_id,
    currency,
    rate_ppm: row.fee_rate_ppm,
    fixed_amount: row.fee_fixed,
    floor_amount: row.fee_floor,
    cap_amount: row.fee_cap,
    rounding: row.fee_rounding,
    returns: row.fee_returns,
  };
}

function readCostRule(row: RuleRow, currency: string): FoundRule | undefined {
  if (row.cost_id === null) return undefined;
  return {
    id: row.cost_id,
    currency,
    rate_ppm: row.cost_rate_ppm,
    fixed_amount: row.cost_fixed,
    floor_amount: row.cost_floor,
    cap_amount: row.cost_cap,
    rounding: row.cost_rounding,
    returns: row.cost_returns,
  };
}
