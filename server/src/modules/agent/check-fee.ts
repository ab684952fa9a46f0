import { publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { agentErrors } from "./errors.ts";
import { methodText } from "./explain.ts";
import { breadthOf, isAtLeast, levelsOf, methodsOf, type Rate, rateText } from "./price.ts";
import { loadAgent, loadBinding, loadPricesAt } from "./store.ts";

/**
 * Whether a merchant may be asked this fee: within what its direct agent may give, when it begins to count. Merchants
 * without an agent, and methods that the agent has no price for, may be asked anything.
 * @throws agent.price_out_of_range
 */
export async function checkMerchantFee(
  sql: Sql,
  fee: { merchant_id: string; method: string | null; currency: string; at: number } & Rate,
): Promise<void> {
  const { merchant_id, currency, at } = fee;
  const binding = await loadBinding(sql, merchant_id, at);
  const agent = binding?.agent_id ? await loadAgent(sql, binding.agent_id) : undefined;
  if (!agent) return;
  const prices = await loadPricesAt(sql, agent.path, at);
  const byAgent = Map.groupBy(prices, (price) => price.agent_id);
  // What the fee covers may have narrower prices of its own.
  const narrower = prices.map((price) => price.method).filter((method) => breadthOf(fee.method, method ?? "*.*"));
  const selectors = [fee.method, ...narrower];
  for (const method of methodsOf(selectors)) {
    const terms = levelsOf(agent.path, byAgent, { method, currency, at }).at(-1)?.terms;
    if (!terms || (isAtLeast(fee, terms.minimum) && isAtLeast(terms.maximum, fee))) continue;
    const range = `between ${rateText(terms.minimum, currency)} and ${rateText(terms.maximum, currency)}`;
    const giver = `${agent.name} (${publicId("agent", agent.id)})`;
    const problem = `The merchant's agent ${giver} may ask ${range} for ${methodText(method)}, not ${rateText(fee, currency)}.`;
    throw agentErrors["agent.price_out_of_range"]({ param: "rate_ppm", values: { problem } });
  }
}
