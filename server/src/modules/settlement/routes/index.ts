import type { ApiServer } from "../../../kit/http/api.ts";
import type { SettlementServices } from "../services.ts";
import { registerCreateSettlement } from "./create-settlement/route.ts";
import { registerListSettlementItems } from "./list-settlement-items/route.ts";
import { registerListSettlements } from "./list-settlements/route.ts";
import { registerReadRuns } from "./read-runs/route.ts";
import { registerReadSettlement } from "./read-settlement/route.ts";

/** Registers the routes of settlements. `request.caller` must have been set by authentication. */
export function registerSettlementRoutes(api: ApiServer, services: SettlementServices): void {
  registerCreateSettlement(api, services);
  registerListSettlements(api, services);
  registerReadSettlement(api, services);
  registerListSettlementItems(api, services);
}

/** Registers what operators see of settlements, in their scope. */
export function registerSettlementOperatorRoutes(operator: ApiServer, services: SettlementServices): void {
  registerReadRuns(operator, services);
}
