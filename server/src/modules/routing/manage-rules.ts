/** Adds, lists and removes rules and limits. What other processes know of them is a second old at most. */
import type { Clock } from "../../kit/clock.ts";
import { type IdSource, publicId } from "../../kit/id.ts";
import { brokenConstraint, type Database } from "../../kit/sql/database.ts";
import { loadBoundAccounts } from "../channel-account/index.ts";
import { getApp } from "../merchant/index.ts";
import { routingErrors } from "./errors.ts";
import { localTime } from "./local-time.ts";
import { accountsOf, checkLimit, checkRule, type RoutingLimit, type RoutingRule } from "./rule.ts";
import type { PastAttempts } from "./services.ts";
import { deleteRule, insertRule, loadLimits, loadRules, startUsage, upsertLimit } from "./store.ts";

interface Services {
  readonly db: Database;
  readonly clock: Clock;
  readonly ids: IdSource;
}

const PRIORITY_UNLESS_GIVEN = 100;
const TIME_ZONE_UNLESS_GIVEN = "Asia/Shanghai";

export type RoutingRuleInput = Pick<RoutingRule, "merchant_id" | "livemode" | "name" | "condition" | "target"> &
  Partial<Pick<RoutingRule, "app_id" | "priority" | "sticky" | "time_zone">>;

/**
 * Adds a rule: for all apps, with the priority 100, in the time zone Asia/Shanghai, not sticky, unless given.
 * @throws routing.rule_invalid, routing.account_not_bound, app.not_found
 */
export async function createRoutingRule({ db, clock, ids }: Services, input: RoutingRuleInput): Promise<RoutingRule> {
  const rule: RoutingRule = {
    ...input,
    id: ids.uuid(),
    app_id: input.app_id ?? null,
    priority: input.priority ?? PRIORITY_UNLESS_GIVEN,
    sticky: input.sticky ?? false,
    time_zone: input.time_zone ?? TIME_ZONE_UNLESS_GIVEN,
    created_at: clock.now(),
  };
  checkRule(rule);
  if (rule.app_id !== null) await getApp(db, { merchant_id: rule.merchant_id, app_id: rule.app_id });
  const { merchant_id, livemode } = rule;
  const bound = await loadBoundAccounts(db, [{ merchant_id, livemode }]);
  const stranger = accountsOf(rule.target)?.find((id) => !bound.some((account) => account.id === id));
  if (stranger !== undefined) throw notBound(stranger);
  await insertRule(db, rule);
  return rule;
}

function notBound(account_id: string): Error {
  return routingErrors["routing.account_not_bound"]({
    param: "target",
    values: { account: publicId("channel_account", account_id) },
  });
}

/** @throws routing.rule_not_found */
export async function deleteRoutingRule(db: Database, merchant_id: string, id: string): Promise<void> {
  if (!(await deleteRule(db, merchant_id, id))) throw routingErrors["routing.rule_not_found"]();
}

/** A merchant's rules, live ones first, in the order in which they are tried, and its limits. */
export async function listRouting(
  db: Database,
  merchant_id: string,
): Promise<{ rules: RoutingRule[]; limits: RoutingLimit[] }> {
  const [rules, limits] = await Promise.all([loadRules(db, [merchant_id]), loadLimits(db, [merchant_id])]);
  return { rules, limits };
}

export type RoutingLimitInput = Pick<RoutingLimit, "merchant_id" | "channel_account_id" | "currency"> &
  Partial<RoutingLimit>;

/**
 * Sets what an account may take of a merchant, replacing what was set; what is left out is no limit. A limit of the day
 * counts what has succeeded since that day's midnight.
 * @throws routing.limit_invalid, routing.account_not_bound
 */
export async function setRoutingLimit(
  { db, clock, past }: Pick<Services, "db" | "clock"> & { past: Pick<PastAttempts, "sumSucceeded"> },
  input: RoutingLimitInput,
): Promise<RoutingLimit> {
  const limit: RoutingLimit = {
    ...{ amount_min: null, amount_max: null, day_amount_max: null, opens_at: null, closes_at: null },
    ...{ time_zone: TIME_ZONE_UNLESS_GIVEN, ...input },
  };
  checkLimit(limit);
  const { merchant_id, channel_account_id, currency } = limit;
  try {
    await upsertLimit(db, limit);
  } catch (error) {
    if (brokenConstraint(error) === "routing_limits_merchant_id_channel_account_id_fkey") {
      throw notBound(channel_account_id);
    }
    throw error;
  }
  if (limit.day_amount_max !== null) {
    const { day, minute } = localTime(clock.now(), limit.time_zone);
    const midnight = Math.floor(clock.now() / 60_000) * 60_000 - minute * 60_000;
    const amount = await past.sumSucceeded(merchant_id, { channel_account_id, currency }, midnight);
    await startUsage(db, { merchant_id, channel_account_id, currency, day, amount });
  }
  return limit;
}
