/** All SQL on fee rules and channel cost rules; see quota-store.ts for what promotions count. */
import { toRfc3339 } from "../../kit/clock.ts";
import type { Page } from "../../kit/http/pagination.ts";
import type { Rounding } from "../../kit/money.ts";
import { plainArray, textArray, timestampArray } from "../../kit/sql/arrays.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { UUID_MAX, UUID_MIN } from "../../kit/sql/list.ts";
import { platformStatement, tenantStatement } from "../../kit/sql/statement.ts";
import { boundAgents } from "../agent/index.ts";
import type { Band, ChannelCostRule, FeeRule, Tariff, Term } from "./fee.ts";
import type { PriceInput } from "./price-attempts.ts";
import type { Quota } from "./quota.ts";

const sharedColumns = `currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding, amount_from, amount_below,
  effective_from, effective_until, ended_at, created_at`;

function sharedValues(rule: Tariff & Band & Term) {
  const { currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding, amount_from, amount_below } = rule;
  return [
    ...[currency, rate_ppm, fixed_amount, floor_amount, cap_amount, rounding, amount_from, amount_below],
    ...[rule.effective_from, rule.effective_until, rule.ended_at, rule.created_at].map((at) =>
      at === null ? null : toRfc3339(at),
    ),
  ];
}

/** `$1 …` of the shared columns. */
const sharedPlaces =
  "$1, $2, $3, $4, $5, $6, $7, $8, $9::timestamptz, $10::timestamptz, $11::timestamptz, $12::timestamptz";

const feeColumns = `${sharedColumns}, merchant_id, id, livemode, app_id, channel, channel_account_id, method, store,
  refund_returns_fee, quota_period, quota_count, quota_amount, quota_time_zone`;

const insertFeeRuleStatement = tenantStatement(
  "fee.insert_rule",
  `insert into fee_rules (${feeColumns})
   values (${sharedPlaces}, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
);

export async function insertFeeRule(sql: Sql, rule: FeeRule): Promise<void> {
  await sql.query(insertFeeRuleStatement, [
    ...sharedValues(rule),
    ...[rule.merchant_id, rule.id, rule.livemode, rule.app_id, rule.channel, rule.channel_account_id, rule.method],
    ...[rule.store, rule.refund_returns_fee],
    ...[rule.quota_period, rule.quota_count, rule.quota_amount, rule.quota_time_zone],
  ]);
}

const selectFeeRuleStatement = tenantStatement(
  "fee.select_rule",
  `select ${feeColumns} from fee_rules where merchant_id = $1 and id = $2`,
);

/** A merchant's fee rule, or undefined. */
export async function loadFeeRule(sql: Sql, merchant_id: string, id: string): Promise<FeeRule | undefined> {
  return (await sql.query<FeeRule>(selectFeeRuleStatement, [merchant_id, id]))[0];
}

const listFeeRulesStatement = tenantStatement(
  "fee.list_rules",
  `select ${feeColumns} from fee_rules where merchant_id = $1
   order by livemode desc, effective_from desc, id desc limit $2`,
);

/** A merchant's fee rules in both books, live ones first and the latest before older ones. */
export async function listFeeRules(sql: Sql, merchant_id: string, limit: number): Promise<FeeRule[]> {
  return sql.query<FeeRule>(listFeeRulesStatement, [merchant_id, limit]);
}

export interface FeeRuleFilter {
  merchant_id: string;
  livemode: boolean;
  /** Only rules in force at this instant; null is all. */
  in_force_at: number | null;
  page: Pick<Page, "older_than" | "newer_than" | "order" | "fetch">;
}

const pageStatements = (["desc", "asc"] as const).map((order) =>
  tenantStatement(
    `fee.page_rules_${order}`,
    `select ${feeColumns} from fee_rules
     where merchant_id = $1 and livemode = $2 and id > $3 and id < $4
       and ($5::timestamptz is null or (effective_from <= $5::timestamptz
         and (effective_until is null or effective_until > $5::timestamptz)))
     order by id ${order} limit $6`,
  ),
);

/** Fee rules of one book in the page's order. */
export async function pageFeeRules(sql: Sql, filter: FeeRuleFilter): Promise<FeeRule[]> {
  const { merchant_id, livemode, in_force_at, page } = filter;
  const [newestFirst, oldestFirst] = pageStatements;
  const at = in_force_at === null ? null : toRfc3339(in_force_at);
  const values = [merchant_id, livemode, page.newer_than ?? UUID_MIN, page.older_than ?? UUID_MAX, at, page.fetch];
  return sql.query<FeeRule>(page.order === "desc" ? newestFirst! : oldestFirst!, values);
}

/** What ending a rule came to; `exists` tells a rule that ends earlier already from one that is not there. */
export interface Ended<Rule> {
  rule: Rule | undefined;
  exists: boolean;
}

/** Ends a rule at an instant, or before it has begun; only earlier than it would end anyway. */
const endSet = `set effective_until = greatest(effective_from, $3::timestamptz), ended_at = $4::timestamptz`;
const endsLater = "(effective_until is null or effective_until > greatest(effective_from, $3::timestamptz))";

const endFeeRuleStatement = tenantStatement(
  "fee.end_rule",
  `update fee_rules ${endSet} where merchant_id = $1 and id = $2 and ${endsLater} returning ${feeColumns}`,
);
const feeRuleExistsStatement = tenantStatement(
  "fee.rule_exists",
  "select id from fee_rules where merchant_id = $1 and id = $2",
);

export async function endFeeRule(
  sql: Sql,
  { merchant_id, id }: { merchant_id: string; id: string },
  at: number,
  now: number,
): Promise<Ended<FeeRule>> {
  const values = [merchant_id, id, toRfc3339(at), toRfc3339(now)];
  const [rule] = await sql.query<FeeRule>(endFeeRuleStatement, values);
  const exists = rule !== undefined || (await sql.query(feeRuleExistsStatement, [merchant_id, id])).length > 0;
  return { rule, exists };
}

const costColumns = `${sharedColumns}, channel_account_id, id, method, refund_returns_cost`;

// Channel accounts belong to the platform as well as to merchants, so these rows have no merchant.
const insertCostRuleStatement = platformStatement(
  "fee.insert_cost_rule",
  `insert into channel_cost_rules (${costColumns}) values (${sharedPlaces}, $13, $14, $15, $16)`,
);

export async function insertChannelCostRule(sql: Sql, rule: ChannelCostRule): Promise<void> {
  const { channel_account_id, id, method, refund_returns_cost } = rule;
  await sql.query(insertCostRuleStatement, [
    ...sharedValues(rule),
    ...[channel_account_id, id, method, refund_returns_cost],
  ]);
}

const endCostRuleStatement = platformStatement(
  "fee.end_cost_rule",
  `update channel_cost_rules ${endSet} where channel_account_id = $1 and id = $2 and ${endsLater}
   returning ${costColumns}`,
);
const costRuleExistsStatement = platformStatement(
  "fee.cost_rule_exists",
  "select id from channel_cost_rules where channel_account_id = $1 and id = $2",
);

export async function endChannelCostRule(
  sql: Sql,
  { channel_account_id, id }: { channel_account_id: string; id: string },
  at: number,
  now: number,
): Promise<Ended<ChannelCostRule>> {
  const values = [channel_account_id, id, toRfc3339(at), toRfc3339(now)];
  const [rule] = await sql.query<ChannelCostRule>(endCostRuleStatement, values);
  const exists = rule !== undefined || (await sql.query(costRuleExistsStatement, values.slice(0, 2))).length > 0;
  return { rule, exists };
}

const selectCostRulesStatement = platformStatement(
  "fee.select_cost_rules",
  `select ${costColumns} from channel_cost_rules where channel_account_id = any($1::uuid[])
   order by channel_account_id, effective_from desc, id desc`,
);

/** All cost rules of the accounts, past and future ones too, each account's latest first. */
export async function loadChannelCostRules(sql: Sql, account_ids: readonly string[]): Promise<ChannelCostRule[]> {
  return sql.query<ChannelCostRule>(selectCostRulesStatement, [plainArray(account_ids)]);
}

const inputs = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
     $9::bigint[], $10::timestamptz[])
     with ordinality as i (merchant_id, livemode, app_id, channel, channel_account_id, method, store, currency, amount,
       at, position)`;

function inputArrays(wanted: readonly PriceInput[]) {
  return [
    plainArray(wanted.map((input) => input.merchant_id)),
    plainArray(wanted.map((input) => input.livemode)),
    plainArray(wanted.map((input) => input.app_id)),
    textArray(wanted.map((input) => input.channel)),
    plainArray(wanted.map((input) => input.channel_account_id)),
    textArray(wanted.map((input) => input.method)),
    textArray(wanted.map((input) => input.store)),
    textArray(wanted.map((input) => input.currency)),
    plainArray(wanted.map((input) => input.amount)),
    timestampArray(wanted.map((input) => input.at)),
  ];
}

/** What fee rules and cost rules have in common, as conditions on a rule `r` of an input `i`. */
const appliesTo = `r.currency = i.currency and r.effective_from <= i.at
       and (r.effective_until is null or r.effective_until > i.at)
       and (r.method is null or r.method = i.method or r.method = i.channel || '.*')
       and (r.amount_from is null or r.amount_from <= i.amount)
       and (r.amount_below is null or r.amount_below > i.amount)`;

const feeRulesOf = `from fee_rules r
     where r.merchant_id = i.merchant_id and r.livemode = i.livemode and ${appliesTo}
       and (r.channel_account_id is null or r.channel_account_id = i.channel_account_id)
       and (r.channel is null or r.channel = i.channel)
       and (r.store is null or r.store = i.store)
       and (r.app_id is null or r.app_id = i.app_id)`;

const methodFirst = "(r.method is null), (r.method <> i.method)";
const bandThenLatest = "(r.amount_from is null and r.amount_below is null), r.effective_from desc, r.id desc";
/** The order of precedence, as docs/guides/fees.md tells it: of the rules that apply the first prices. */
const feeOrder = `(r.quota_period is null), ${methodFirst}, (r.channel_account_id is null), (r.channel is null),
       (r.store is null), (r.app_id is null), ${bandThenLatest}`;

const pricingColumns = "r.rate_ppm, r.fixed_amount, r.floor_amount, r.cap_amount, r.rounding";

const findRulesStatement = tenantStatement(
  "fee.find_rules",
  `select fee.id as fee_id, fee.rate_ppm as fee_rate_ppm, fee.fixed_amount as fee_fixed, fee.floor_amount as fee_floor,
     fee.cap_amount as fee_cap, fee.rounding as fee_rounding, fee.refund_returns_fee as fee_returns,
     fee.quota_period is not null as is_promotion,
     cost.id as cost_id, cost.rate_ppm as cost_rate_ppm, cost.fixed_amount as cost_fixed,
     cost.floor_amount as cost_floor, cost.cap_amount as cost_cap, cost.rounding as cost_rounding,
     cost.refund_returns_cost as cost_returns, ${boundAgents} as agents
   from ${inputs}
   left join lateral (
     select r.id, ${pricingColumns}, r.refund_returns_fee, r.quota_period ${feeRulesOf} order by ${feeOrder} limit 1
   ) fee on true
   left join lateral (
     select r.id, ${pricingColumns}, r.refund_returns_cost from channel_cost_rules r where r.channel_account_id = i.channel_account_id and ${appliesTo}
     order by ${methodFirst}, ${bandThenLatest} limit 1
   ) cost on true
   order by i.position`,
);

type RuleColumns<Prefix extends "fee" | "cost"> = {
  [Name in `${Prefix}_id`]: string | null;
} & { [Name in `${Prefix}_rate_ppm` | `${Prefix}_fixed` | `${Prefix}_floor`]: bigint } & {
  [Name in `${Prefix}_cap`]: bigint | null;
} & { [Name in `${Prefix}_rounding`]: Rounding } & { [Name in `${Prefix}_returns`]: boolean };

type RuleRow = RuleColumns<"fee"> & RuleColumns<"cost"> & { is_promotion: boolean; agents: string[] | null };

export interface FoundRule extends Tariff {
  id: string;
  returns: boolean;
  /** Whether it prices only while its quota lasts. */
  is_promotion: boolean;
}

/** For each input the fee rule and the cost rule that come first (a promotion may have no room left), and the agents of its merchant. */
export async function findRules(
  sql: Sql,
  wanted: readonly PriceInput[],
): Promise<{ fee: FoundRule | undefined; cost: FoundRule | undefined; agents: string[] | null }[]> {
  const rows = await sql.query<RuleRow>(findRulesStatement, inputArrays(wanted));
  return rows.map((row, index) => {
    const { currency } = wanted[index]!;
    return { fee: readFeeRule(row, currency), cost: readCostRule(row, currency), agents: row.agents };
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
    is_promotion: row.is_promotion,
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
    is_promotion: false,
  };
}

const findCandidatesStatement = tenantStatement(
  "fee.find_candidates",
  `select i.position::int, fee.* from ${inputs}
   cross join lateral (
     select r.id, r.currency, r.rate_ppm, r.fixed_amount, r.floor_amount, r.cap_amount, r.rounding,
       r.refund_returns_fee as returns, r.quota_period is not null as is_promotion, r.quota_period, r.quota_count,
       r.quota_amount, r.quota_time_zone, row_number() over (order by ${feeOrder}) as rank
     ${feeRulesOf}
   ) fee
   order by i.position, fee.rank`,
);

export interface Promotion extends FoundRule, Quota {}

/** For each input the promotions that apply, in their order, and the standing rule that comes first. */
export async function findCandidates(
  sql: Sql,
  wanted: readonly PriceInput[],
): Promise<{ promotions: Promotion[]; standing: FoundRule | undefined }[]> {
  const rows = await sql.query<Promotion & { position: number }>(findCandidatesStatement, inputArrays(wanted));
  const byPosition = Map.groupBy(rows, ({ position }) => position);
  return wanted.map((_, index) => {
    const rules = byPosition.get(index + 1) ?? [];
    const promotions = rules.filter(({ is_promotion }) => is_promotion);
    return { promotions, standing: rules.find(({ is_promotion }) => !is_promotion) };
  });
}
