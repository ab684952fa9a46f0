/** Which of a merchant's accounts can take a payment now, and why the others cannot. Pure. */
import type { Channel } from "../../channels/contract.ts";
import type { RoutedAccount } from "../channel-account/index.ts";
import { localTime, minuteOf } from "./local-time.ts";
import type { RoutingLimit } from "./rule.ts";

/** Why an account cannot take a payment; the order is that in which they are looked at. */
export type Refusal =
  /** It was tried for this payment already, and refused. */
  | "tried"
  | "disabled"
  /** It does not offer the method. */
  | "method"
  | "currency"
  /** Direct mode: the merchant's prepaid service fees have run out. */
  | "service_fee"
  | "amount_min"
  | "amount_max"
  | "hours"
  | "day_limit"
  /** Its breaker is open or its places are taken: it is taken only where no other account can. */
  | "health";

export interface Candidate {
  readonly account: RoutedAccount;
  /** Undefined when it can. */
  readonly refusal: Refusal | undefined;
}

export interface Wanted {
  readonly method: string;
  readonly amount: bigint;
  readonly currency: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** UUIDs of accounts. */
  readonly tried: readonly string[];
}

/** What is known of the accounts besides themselves. */
export interface AccountFacts {
  getChannel(id: string): Channel | undefined;
  /** The limit that holds for an account in the payment's currency. */
  limitOf(account_id: string): RoutingLimit | undefined;
  /** What has succeeded through it on this day, in the payment's currency; undefined when it is not to count. */
  usedOn(account_id: string, day: string): bigint | undefined;
  isHealthy(account_id: string): boolean;
  /** Whether no payment in direct mode may begin, in the payment's currency. */
  readonly is_direct_stopped: boolean;
}

/** The accounts of the method's channel, in the merchant's order. */
export function findCandidates(
  accounts: readonly RoutedAccount[],
  wanted: Wanted,
  facts: AccountFacts,
): readonly Candidate[] {
  const channel = wanted.method.slice(0, wanted.method.indexOf("."));
  return accounts
    .filter((account) => account.channel === channel)
    .map((account) => ({ account, refusal: refuse(account, wanted, facts) }));
}

function refuse(account: RoutedAccount, wanted: Wanted, facts: AccountFacts): Refusal | undefined {
  if (wanted.tried.includes(account.id)) return "tried";
  if (account.status !== "enabled") return "disabled";
  if (!account.methods.includes(wanted.method)) return "method";
  if ((account.only_currency ?? wanted.currency) !== wanted.currency) return "currency";
  if (!facts.getChannel(account.channel)?.currencies.includes(wanted.currency)) return "currency";
  if (facts.is_direct_stopped && account.funding_mode === "direct") return "service_fee";
  const limit = facts.limitOf(account.id);
  const refusal = limit && exceeds(limit, wanted, (day) => facts.usedOn(account.id, day));
  if (refusal) return refusal;
  return facts.isHealthy(account.id) ? undefined : "health";
}

function exceeds(
  limit: RoutingLimit,
  { amount, at }: Wanted,
  usedOn: (day: string) => bigint | undefined,
): Refusal | undefined {
  if (limit.amount_min !== null && amount < limit.amount_min) return "amount_min";
  if (limit.amount_max !== null && amount > limit.amount_max) return "amount_max";
  if (limit.opens_at !== null && limit.closes_at !== null) {
    const { minute } = localTime(at, limit.time_zone);
    if (!isOpen(minute, minuteOf(limit.opens_at)!, minuteOf(limit.closes_at)!)) return "hours";
  }
  if (limit.day_amount_max === null) return undefined;
  const used = usedOn(localTime(at, limit.time_zone).day);
  return used !== undefined && used + amount > limit.day_amount_max ? "day_limit" : undefined;
}

/** From `opens` on and before `closes`, over midnight where it closes earlier than it opens. */
function isOpen(minute: number, opens: number, closes: number): boolean {
  return opens < closes ? minute >= opens && minute < closes : minute >= opens || minute < closes;
}
