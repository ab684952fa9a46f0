import type { Sql } from "../../kit/sql/database.ts";
import { getMerchant, merchantErrors } from "../merchant/index.ts";
import type { AgentServices } from "./create-agent.ts";
import { agentErrors } from "./errors.ts";
import { type Binding, loadAgent, saveBinding } from "./store.ts";

/**
 * Says whose merchant one is from an instant on; null is nobody's. A payment keeps the agents that it was priced with.
 * @param input.effective_from from now unless given.
 * @throws agent.not_found, agent.invalid, merchant.not_found
 */
export async function bindMerchant(
  sql: Sql,
  { clock }: Pick<AgentServices, "clock">,
  input: { merchant_id: string; agent_id: string | null; effective_from?: number; created_by?: string },
): Promise<Binding> {
  const { merchant_id, agent_id } = input;
  const created_at = clock.now();
  const effective_from = input.effective_from ?? created_at;
  if (effective_from < created_at) {
    const problem = "effective_from must not lie in the past.";
    throw agentErrors["agent.invalid"]({ param: "effective_from", values: { problem } });
  }
  // An agent's own book is not brought by anybody.
  if ((await getMerchant(sql, merchant_id)).kind !== "merchant") throw merchantErrors["merchant.not_found"]();
  if (agent_id !== null && !(await loadAgent(sql, agent_id))) throw agentErrors["agent.not_found"]();
  const binding = { merchant_id, agent_id, effective_from, created_at };
  await saveBinding(sql, binding, input.created_by ?? null);
  return binding;
}
