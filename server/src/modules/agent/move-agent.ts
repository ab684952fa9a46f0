import type { Transaction } from "../../kit/sql/database.ts";
import type { Agent } from "./agent.ts";
import { isWithin } from "./agent.ts";
import type { AgentServices } from "./create-agent.ts";
import { agentErrors } from "./errors.ts";
import { describeBroken } from "./explain.ts";
import { findBrokenPrice } from "./price.ts";
import { instantsFrom } from "./set-price.ts";
import { loadAgent, loadFamily, loadPrices, lockAgentRows, moveSubtree } from "./store.ts";

/**
 * Puts an agent, with all below it, under another one, or directly under the platform. It counts for payments that are
 * priced from now on: a payment keeps the agents that it was priced with, also for its refunds.
 * @throws agent.not_found, agent.move_refused
 */
export async function moveAgent(
  tx: Transaction,
  { clock }: Pick<AgentServices, "clock">,
  id: string,
  parent_id: string | null,
): Promise<Agent> {
  // Both trees are held, in one order; a tree that changed its top before that is looked at again.
  const before = [await loadAgent(tx, id), parent_id === null ? undefined : await loadAgent(tx, parent_id)];
  await lockAgentRows(tx, [id, ...before.flatMap((found) => (found ? [found.path[0]!] : []))]);
  const [agent, parent] = [await loadAgent(tx, id), parent_id === null ? undefined : await loadAgent(tx, parent_id)];
  if (!agent || (parent_id !== null && !parent)) throw agentErrors["agent.not_found"]();
  if (agent.path[0] !== before[0]?.path[0] || parent?.path[0] !== before[1]?.path[0]) {
    throw refused("Somebody moved these agents just now. Look at the tree and try again.");
  }
  if (parent && isWithin(parent, id)) throw refused("An agent cannot stand below itself.");
  const path = [...(parent?.path ?? []), id];
  const subtree = (await loadFamily(tx, id)).filter((one) => isWithin(one, id));
  const above = parent ? (await loadFamily(tx, parent.id)).filter((one) => parent.path.includes(one.id)) : [];
  const moved = subtree.map((one) => ({
    ...one,
    parent_id: one.id === id ? parent_id : one.parent_id,
    path: [...path, ...one.path.slice(agent.path.length)],
  }));
  const family = [...above, ...moved];
  const prices = await loadPrices(
    tx,
    family.map((one) => one.id),
  );
  for (const currency of new Set(prices.map((price) => price.currency))) {
    const broken = findBrokenPrice(family, prices, currency, instantsFrom(prices, clock.now()));
    if (broken) throw refused(describeBroken(broken, family, currency));
  }
  await moveSubtree(tx, id, parent, agent.path.length);
  return moved.find((one) => one.id === id)!;
}

function refused(problem: string) {
  return agentErrors["agent.move_refused"]({ values: { problem } });
}
