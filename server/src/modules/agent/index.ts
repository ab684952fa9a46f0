/** Agents: who stands below whom, what each level pays, and whose merchants are. The only door of the module. */
import type { Sql } from "../../kit/sql/database.ts";
import type { Agent } from "./agent.ts";
import { agentErrors } from "./errors.ts";
import { loadAgent } from "./store.ts";

export { type Agent, isWithin } from "./agent.ts";
export { bindMerchant } from "./bind-merchant.ts";
export { checkMerchantFee } from "./check-fee.ts";
export { type AgentServices, createAgent } from "./create-agent.ts";
export { agentErrors } from "./errors.ts";
export { endOfMonth, monthAfter, settlingTime } from "./month.ts";
export { moveAgent } from "./move-agent.ts";
export { presentAgent, presentBinding, presentPrice } from "./present.ts";
export type { AgentPrice, Rate, Terms } from "./price.ts";
export { priceCommissions } from "./price-commissions.ts";
export { registerOperatorAgentRoutes } from "./routes/index.ts";
export { PricesObject } from "./routes/manage-prices/route.ts";
export {
  AgentBody,
  AgentObject,
  AgentParams,
  PriceBody,
  PriceObject,
  readAgentId,
  readPriceBody,
} from "./routes/schemas.ts";
export { type PriceInput, setAgentPrice } from "./set-price.ts";
export {
  type AgentFilter,
  type Binding,
  boundAgents,
  claimDueAgents,
  listAgents,
  listBindings,
  loadBinding,
  loadPrices as loadAgentPrices,
  lockAgentRows as lockAgents,
  scheduleMonth,
} from "./store.ts";

/** @throws agent.not_found */
export async function getAgent(sql: Sql, id: string): Promise<Agent> {
  const agent = await loadAgent(sql, id);
  if (!agent) throw agentErrors["agent.not_found"]();
  return agent;
}
