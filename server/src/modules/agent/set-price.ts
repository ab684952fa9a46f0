/** Setting what an agent pays and within what it gives on. */
import { isCurrency, PPM } from "../../kit/money.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { Agent } from "./agent.ts";
import type { AgentServices } from "./create-agent.ts";
import { agentErrors } from "./errors.ts";
import { describeBroken } from "./explain.ts";
import { type AgentPrice, findBrokenPrice, isAtLeast, levelsOf, methodsOf, type Rate, type Terms } from "./price.ts";
import { insertPrice, loadAgent, loadFamily, loadPrices, lockAgentRows } from "./store.ts";

/** Rates that are left out: default and minimum are the price itself, the maximum is that of the level above. */
export interface PriceInput {
  readonly agent_id: string;
  readonly method: string | null;
  readonly currency: string;
  readonly price: Rate;
  readonly default?: Rate;
  readonly minimum?: Rate;
  readonly maximum?: Rate;
  /** From now unless given. */
  readonly effective_from?: number;
  /** UUID of the person who is signed in. */
  readonly created_by?: string;
}

const SELECTOR = /^[a-z]+\.([a-z]+|\*)$/;

/**
 * Sets an agent's price from an instant on. It must lie within what the level above may give, and leave the prices of all
 * agents below within what this one may give.
 * @throws agent.not_found, agent.invalid, agent.price_out_of_range
 */
export async function setAgentPrice(
  tx: Transaction,
  { clock, ids }: AgentServices,
  input: PriceInput,
): Promise<AgentPrice> {
  const agent = await holdTree(tx, input.agent_id);
  const now = clock.now();
  const effective_from = input.effective_from ?? now;
  if (effective_from < now) throw invalid("effective_from", "effective_from must not lie in the past.");
  if (!isCurrency(input.currency)) throw invalid("currency", "currency must be an ISO 4217 code such as CNY.");
  if (input.method !== null && !SELECTOR.test(input.method)) {
    throw invalid(
      "method",
      "method must be a method such as wechat.native, all of a channel such as wechat.*, or left out.",
    );
  }
  const family = await loadFamily(tx, agent.id);
  const prices = await loadPrices(
    tx,
    family.map(({ id }) => id),
  );
  const { agent_id, method, currency } = input;
  const terms = completeTerms(input, maximumAbove(agent, prices, { ...input, at: effective_from }));
  const price = { ...terms, agent_id, id: ids.uuid(), method, currency, effective_from, created_at: now };
  const after = [...prices, price];
  const instants = instantsFrom(after, effective_from);
  const broken = findBrokenPrice(family, after, currency, instants);
  if (broken)
    throw agentErrors["agent.price_out_of_range"]({ values: { problem: describeBroken(broken, family, currency) } });
  await insertPrice(tx, price, input.created_by ?? null);
  return price;
}

/** An agent, whose whole tree is held against changes. @throws agent.not_found */
export async function holdTree(tx: Transaction, id: string): Promise<Agent> {
  for (;;) {
    const found = await loadAgent(tx, id);
    if (!found) throw agentErrors["agent.not_found"]();
    await lockAgentRows(tx, [found.path[0]!]);
    // It may have been moved to another tree before this one was held.
    const agent = await loadAgent(tx, id);
    if (agent && agent.path[0] === found.path[0]) return agent;
  }
}

/** From an instant on, every one at which a price changes. */
export function instantsFrom(prices: readonly AgentPrice[], from: number): number[] {
  return [from, ...new Set(prices.map((price) => price.effective_from).filter((at) => at > from))];
}

function maximumAbove(
  agent: Agent,
  prices: readonly AgentPrice[],
  { method, currency, at }: { method: string | null; currency: string; at: number },
): Rate | undefined {
  const byAgent = Map.groupBy(prices, (price) => price.agent_id);
  const levels = levelsOf(agent.path.slice(0, -1), byAgent, { method: methodsOf([method])[0]!, currency, at });
  return levels.at(-1)?.terms?.maximum;
}

function completeTerms(input: PriceInput, maximumOfParent: Rate | undefined): Terms {
  const { price } = input;
  const minimum = input.minimum ?? price;
  const given = input.default ?? minimum;
  const maximum = input.maximum ?? maximumOfParent ?? { rate_ppm: PPM, fixed_amount: given.fixed_amount };
  const rising: [string, Rate][] = [
    ["price", price],
    ["minimum", minimum],
    ["default", given],
    ["maximum", maximum],
  ];
  for (const [index, [name, rate]] of rising.entries()) {
    if (rate.rate_ppm < 0n || rate.rate_ppm > PPM) {
      throw invalid(`${name}.rate_ppm`, `${name}: rate_ppm must be between 0 and 1000000.`);
    }
    if (rate.fixed_amount < 0n) throw invalid(`${name}.fixed_amount`, `${name}: fixed_amount must not be negative.`);
    const below = rising[index - 1];
    if (below && !isAtLeast(rate, below[1])) {
      throw invalid(name, `${name} must not be below ${below[0]}, neither in its rate nor in its fixed amount.`);
    }
  }
  return { price, minimum, default: given, maximum };
}

function invalid(param: string, problem: string) {
  return agentErrors["agent.invalid"]({ param, values: { problem } });
}
