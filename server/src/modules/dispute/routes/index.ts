import type { ApiServer } from "../../../kit/http/api.ts";
import type { DisputeServices } from "../services.ts";
import { registerListDisputes } from "./list-disputes/route.ts";
import { registerReadDispute } from "./read-dispute/route.ts";

/** Registers the module's routes in a scope that authenticates. */
export function registerDisputeRoutes(api: ApiServer, services: DisputeServices): void {
  registerReadDispute(api, services);
  registerListDisputes(api, services);
}
