/** How an account is reconciled unless somebody has said otherwise. */

import type { BillKind } from "../../channels/contract.ts";
import { addDays, isTimeZone, localDay } from "../../kit/local-day.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { getChannelAccount } from "../channel-account/index.ts";
import { reconciliationErrors } from "./errors.ts";
import type { Rules } from "./reconciliation.ts";
import type { ReconciliationServices } from "./services.ts";
import { insertRules, loadRules, saveRules } from "./store.ts";

/** Channels whose bills are of days of UTC; the others are Chinese. */
const UTC_CHANNELS = new Set(["stripe", "paypal"]);

/** Rules of an account, as they hold from the day before it is first looked at: earlier bills would have to be asked for. */
export function defaultRules(channel_account_id: string, channel: string, fetches: boolean, now: number): Rules {
  const time_zone = UTC_CHANNELS.has(channel) ? "UTC" : "Asia/Shanghai";
  return {
    ...{ channel_account_id, time_zone, fetches, first_day: addDays(localDay(now, time_zone), -1) },
    ...{ fee_tolerance: 1n, fee_tolerance_day: 1_000n, carry_days: 2, case_limit: 0n, late_hours: 36 },
  };
}

type Reading = Pick<ReconciliationServices, "clock" | "getChannel"> & { db: Sql };

/** The account's rules; written down when they are first needed, so that its first day stays its first. */
export async function rulesOf({ db, clock, getChannel }: Reading, channel_account_id: string): Promise<Rules> {
  const [found] = await loadRules(db, [channel_account_id]);
  if (found) return found;
  const { channel } = await getChannelAccount(db, channel_account_id);
  const fetches = getChannel(channel)?.bills !== undefined;
  await insertRules(db, defaultRules(channel_account_id, channel, fetches, clock.now()), clock.now());
  return (await loadRules(db, [channel_account_id]))[0]!;
}

/** The kind of bill by which an account's days are matched. A channel that has one record for both gives its fund flow only. */
export async function mainBillOf(
  { db, getChannel }: Omit<Reading, "clock">,
  channel_account_id: string,
): Promise<BillKind> {
  const { channel } = await getChannelAccount(db, channel_account_id);
  const kinds = getChannel(channel)?.bills?.kinds ?? [];
  return kinds.length > 0 && !kinds.includes("trade") ? "fund_flow" : "trade";
}

/** What of an account's rules changes. */
export type RulesChange = Partial<Omit<Rules, "channel_account_id">>;

/** Changes an account's rules. Throws reconciliation.rules_invalid. */
export async function changeRules(services: Reading, channel_account_id: string, change: RulesChange): Promise<Rules> {
  const rules = { ...(await rulesOf(services, channel_account_id)), ...change };
  const problem = findProblem(rules);
  if (problem !== undefined) throw reconciliationErrors["reconciliation.rules_invalid"]({ values: { problem } });
  await saveRules(services.db, rules, services.clock.now());
  return rules;
}

function findProblem(rules: Rules): string | undefined {
  if (!isTimeZone(rules.time_zone)) return `"${rules.time_zone}" is no time zone: give one such as Asia/Shanghai.`;
  if (!/^\d{4}-\d{2}-\d{2}$/.test(rules.first_day))
    return `"${rules.first_day}" is no day: give one such as 2026-11-20.`;
  const amounts = [rules.fee_tolerance, rules.fee_tolerance_day, rules.case_limit];
  if (amounts.some((amount) => amount < 0n)) return "Tolerances and limits must not be below zero.";
  const { carry_days, late_hours } = rules;
  if (!Number.isInteger(carry_days) || carry_days < 0 || carry_days > 90) return "carry_days must be 0 to 90.";
  return Number.isInteger(late_hours) && late_hours > 0 && late_hours <= 720
    ? undefined
    : "late_hours must be 1 to 720.";
}
