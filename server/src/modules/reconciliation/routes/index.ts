import type { ApiServer } from "../../../kit/http/api.ts";
import type { ReconciliationServices } from "../services.ts";
import { registerActOnCase } from "./act-on-case/route.ts";
import { registerRunAndClose } from "./close-day/route.ts";
import { registerReadCases, registerReadDays } from "./read-reconciliation/route.ts";

/** Registers what operators see and do of reconciliation. */
export function registerReconciliationRoutes(api: ApiServer, services: ReconciliationServices): void {
  registerReadDays(api, services);
  registerReadCases(api, services);
  registerActOnCase(api, services);
  registerRunAndClose(api, services);
}
