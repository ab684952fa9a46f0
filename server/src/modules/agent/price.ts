/** What levels of agents pay, and how a fee is shared among them. Pure. */
import { applyRate, toDecimal } from "../../kit/money.ts";
import type { CommissionPart } from "../../ledger/index.ts";
import type { Agent } from "./agent.ts";

/** Parts per million of a payment, and minor units added to each. */
export interface Rate {
  readonly rate_ppm: bigint;
  readonly fixed_amount: bigint;
}

/** What an agent pays to the level above, and within what it gives on to the level below. */
export interface Terms {
  readonly price: Rate;
  /** What a sub-agent pays that has no price of its own. */
  readonly default: Rate;
  readonly minimum: Rate;
  readonly maximum: Rate;
}

/** Terms of an agent, dated; they never change. */
export interface AgentPrice extends Terms {
  readonly agent_id: string;
  readonly id: string;
  /** A method (`wechat.native`), all of a channel (`wechat.*`), or null for all. */
  readonly method: string | null;
  readonly currency: string;
  /** Epoch milliseconds. */
  readonly effective_from: number;
  readonly created_at: number;
}

/** Which price is asked for. */
export interface Wanted {
  readonly method: string;
  readonly currency: string;
  readonly at: number;
}

/** Whether neither part of a rate is lower than the other's: then no payment costs less by it. */
export function isAtLeast(rate: Rate, other: Rate): boolean {
  return rate.rate_ppm >= other.rate_ppm && rate.fixed_amount >= other.fixed_amount;
}

/** What a rate comes to, rounded half up. */
export function chargeOf({ rate_ppm, fixed_amount }: Rate, amount: bigint): bigint {
  return applyRate(amount, rate_ppm, "half_up") + fixed_amount;
}

/** `0.38 %`, `0.38 % and CNY 0.05`. */
export function rateText({ rate_ppm, fixed_amount }: Rate, currency: string): string {
  const digits = rate_ppm.toString().padStart(5, "0");
  const percent = `${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, "");
  const fixed = fixed_amount === 0n ? "" : ` and ${currency} ${toDecimal({ amount: fixed_amount, currency })}`;
  return `${percent} %${fixed}`;
}

/** 0 for a method by name, 1 for all of its channel, 2 for all; undefined when it does not apply. */
export function breadthOf(selector: string | null, method: string): number | undefined {
  if (selector === null) return 2;
  if (selector === method) return 0;
  return selector.endsWith(".*") && method.startsWith(selector.slice(0, -1)) ? 1 : undefined;
}

/** The price of an agent's own that is in force: the most specific one, then the latest. */
function priceInForce(prices: readonly AgentPrice[], { method, currency, at }: Wanted): AgentPrice | undefined {
  let best: { price: AgentPrice; breadth: number } | undefined;
  for (const price of prices) {
    const breadth = breadthOf(price.method, method);
    if (breadth === undefined || price.currency !== currency || price.effective_from > at) continue;
    if (!best || breadth < best.breadth || (breadth === best.breadth && isLater(price, best.price))) {
      best = { price, breadth };
    }
  }
  return best?.price;
}

function isLater(a: AgentPrice, b: AgentPrice): boolean {
  return a.effective_from === b.effective_from ? a.id > b.id : a.effective_from > b.effective_from;
}

/** An agent without a price of its own pays what the level above gives by default, and gives it on at that or more. */
function inherit({ default: given, maximum }: Terms): Terms {
  return { price: given, default: given, minimum: given, maximum };
}

/** One level of a chain: `own` says whether the agent has a price of its own. */
export interface Level {
  readonly agent_id: string;
  readonly own: boolean;
  /** Undefined where neither it nor a level above has a price: then it earns nothing. */
  readonly terms: Terms | undefined;
}

/** The terms of each agent on a path, the topmost first. */
export function levelsOf(
  path: readonly string[],
  prices: ReadonlyMap<string, readonly AgentPrice[]>,
  wanted: Wanted,
): Level[] {
  let above: Terms | undefined;
  return path.map((agent_id) => {
    const price = priceInForce(prices.get(agent_id) ?? [], wanted);
    above = price ?? (above && inherit(above));
    return { agent_id, own: price !== undefined, terms: above };
  });
}

/**
 * Shares a fee. Each level earns what the level below pays less what it pays itself; the last level below is the merchant,
 * who pays the fee, and what the topmost pays is the platform's. Each price is rounded by itself and never counts for more
 * than the level below pays: so no part is negative, and platform and agents together get exactly the fee. Parts of
 * nothing are left out.
 */
export function shareFee(levels: readonly Level[], amount: bigint, fee_amount: bigint): CommissionPart[] {
  const parts: CommissionPart[] = [];
  let paid_below = fee_amount;
  for (const { agent_id, terms } of levels.toReversed()) {
    let paid = terms ? chargeOf(terms.price, amount) : paid_below;
    if (paid > paid_below) paid = paid_below;
    if (paid < paid_below) parts.push({ agent_id, amount: paid_below - paid });
    paid_below = paid;
  }
  return parts.reverse();
}

/** Methods of which each selector has one that no narrower selector covers, so that looking at them looks at everything. */
export function methodsOf(selectors: readonly (string | null)[]): string[] {
  return [...new Set(selectors.map((selector) => selector ?? "*.*"))].sort();
}

/** A price of an agent's own that the level above could not give. */
export interface BrokenPrice {
  readonly agent_id: string;
  readonly method: string;
  readonly at: number;
  readonly terms: Terms;
  /** Undefined when the level above has no price for it at all. */
  readonly above: Terms | undefined;
}

/**
 * The first price, at any of the instants, that is not between the minimum and the maximum of the level above, or whose own
 * maximum is above that one's.
 */
export function findBrokenPrice(
  agents: readonly Pick<Agent, "path">[],
  prices: readonly AgentPrice[],
  currency: string,
  instants: readonly number[],
): BrokenPrice | undefined {
  const ofCurrency = prices.filter((price) => price.currency === currency);
  const byAgent = Map.groupBy(ofCurrency, (price) => price.agent_id);
  const methods = methodsOf(ofCurrency.map((price) => price.method));
  for (const at of instants) {
    for (const method of methods) {
      for (const { path } of agents) {
        const broken = findBrokenLevel(levelsOf(path, byAgent, { method, currency, at }));
        if (broken) return { ...broken, method, at };
      }
    }
  }
  return undefined;
}

function findBrokenLevel(levels: readonly Level[]): Pick<BrokenPrice, "agent_id" | "terms" | "above"> | undefined {
  for (const [index, { agent_id, own, terms }] of levels.entries()) {
    if (!own || index === 0 || !terms) continue;
    const above = levels[index - 1]!.terms;
    const isFine =
      above &&
      isAtLeast(terms.price, above.minimum) &&
      isAtLeast(above.maximum, terms.price) &&
      isAtLeast(above.maximum, terms.maximum);
    if (!isFine) return { agent_id, terms, above };
  }
  return undefined;
}
