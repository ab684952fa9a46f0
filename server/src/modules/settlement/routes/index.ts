import type { ApiServer } from "../../../kit/http/api.ts";
import type { SettlementServices } from "../services.ts";
import { registerListSettlementItems } from "./list-settlement-items/route.ts";
import { registerListSettlements } from "./list-settlements/route.ts";
import { registerReadSettlement } from "./read-settlement/route.ts";

/** Registers the routes of settlements. `request.caller` must have been set by authentication. */
export function registerSettlementRoutes(api: ApiServer, services: Pick<SettlementServices, "db">): void {
  registerListSettlements(api, services);
  registerReadSettlement(api, services);
  registerListSettlementItems(api, services);
}
