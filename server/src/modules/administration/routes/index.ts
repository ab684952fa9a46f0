import type { ApiServer } from "../../../kit/http/api.ts";
import type { AdministrationServices } from "../services.ts";
import { registerBalances } from "./balances/route.ts";
import { registerFeeRules } from "./fee-rules/route.ts";
import { registerMerchants } from "./merchants/route.ts";
import { registerReserves } from "./reserves/route.ts";
import { registerSettlements } from "./settlements/route.ts";
import { registerTransfers } from "./transfers/route.ts";
import { registerUsers } from "./users/route.ts";

/** Registers the operators' routes of this module, in their scope. */
export function registerAdministrationRoutes(operator: ApiServer, services: AdministrationServices): void {
  registerMerchants(operator, services);
  registerBalances(operator, services);
  registerSettlements(operator, services);
  registerReserves(operator, services);
  registerFeeRules(operator, services);
  registerTransfers(operator, services);
  registerUsers(operator, services);
}
