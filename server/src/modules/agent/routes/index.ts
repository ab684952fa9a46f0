import type { ApiServer } from "../../../kit/http/api.ts";
import type { Database } from "../../../kit/sql/database.ts";
import type { AgentServices } from "../create-agent.ts";
import { registerBindMerchant } from "./bind-merchant/route.ts";
import { registerManageAgents } from "./manage-agents/route.ts";
import { registerManagePrices } from "./manage-prices/route.ts";

/** What operators' routes of agents need. */
export type OperatorAgentServices = AgentServices & { db: Database };

/** Registers the routes of agents, in the operators' scope. */
export function registerOperatorAgentRoutes(operator: ApiServer, services: OperatorAgentServices): void {
  registerManageAgents(operator, services);
  registerManagePrices(operator, services);
  registerBindMerchant(operator, services);
}
