/** Rules never change. One that is no longer wanted ends, now or later; what it has priced stays as it is. */
import type { Clock } from "../../kit/clock.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { feeErrors } from "./errors.ts";
import { type ChannelCostRule, type FeeRule, invalidRule } from "./fee.ts";
import { endChannelCostRule, endFeeRule } from "./store.ts";

interface Services {
  sql: Sql;
  clock: Clock;
}

/** `effective_until` in epoch milliseconds, now unless given. */
interface End {
  id: string;
  effective_until?: number | undefined;
}

/**
 * Ends a fee rule. One that has not begun is called off; an end that was set may be moved to an earlier moment, never to
 * a later one.
 * @throws fee.rule_not_found, fee.rule_ended, fee.invalid_rule
 */
export async function stopFeeRule(
  { sql, clock }: Services,
  { merchant_id, ...end }: End & { merchant_id: string },
): Promise<FeeRule> {
  const at = endOf(clock, end);
  return expectEnded(await endFeeRule(sql, { merchant_id, id: end.id }, at, clock.now()));
}

/** The same of a channel's cost. @throws fee.rule_not_found, fee.rule_ended, fee.invalid_rule */
export async function stopChannelCostRule(
  { sql, clock }: Services,
  { channel_account_id, ...end }: End & { channel_account_id: string },
): Promise<ChannelCostRule> {
  const at = endOf(clock, end);
  return expectEnded(await endChannelCostRule(sql, { channel_account_id, id: end.id }, at, clock.now()));
}

/** Payments of the past keep their prices, so nothing ends before now. */
function endOf(clock: Clock, { effective_until }: End): number {
  const now = clock.now();
  if (effective_until !== undefined && effective_until < now) {
    throw invalidRule(
      "effective_until",
      "effective_until must not be in the past: payments keep what they were priced at.",
    );
  }
  return effective_until ?? now;
}

function expectEnded<Rule>(found: { rule: Rule | undefined; exists: boolean }): Rule {
  if (found.rule) return found.rule;
  throw feeErrors[found.exists ? "fee.rule_ended" : "fee.rule_not_found"]();
}
