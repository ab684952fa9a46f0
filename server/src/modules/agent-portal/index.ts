/** What people of agents see and do. The only door of the module. */
import type { ApiServer } from "../../kit/http/api.ts";
import { registerAgentRoutes } from "./routes/agents/route.ts";
import { registerBalanceRoute } from "./routes/balance/route.ts";
import { registerCommissionRoutes } from "./routes/commissions/route.ts";
import { registerMerchantRoutes } from "./routes/merchants/route.ts";
import { registerPriceRoutes } from "./routes/prices/route.ts";
import type { AgentPortalServices } from "./services.ts";

export { openAgentScope } from "./door.ts";
export { agentPortalErrors } from "./errors.ts";

/** Registers all routes of `/agent/v1`, in the scope that `openAgentScope` has prepared. */
export function registerAgentPortal(agents: ApiServer, services: AgentPortalServices): void {
  registerAgentRoutes(agents, services);
  registerPriceRoutes(agents, services);
  registerMerchantRoutes(agents, services);
  registerCommissionRoutes(agents, services);
  registerBalanceRoute(agents, services);
}
