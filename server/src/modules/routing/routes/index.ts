import type { ApiServer } from "../../../kit/http/api.ts";
import type { IdSource } from "../../../kit/id.ts";
import type { Router } from "../route.ts";
import type { RoutingServices } from "../services.ts";
import { registerReadHealth } from "./read-health/route.ts";
import { registerSimulate } from "./simulate/route.ts";

/** What the routes work with. */
export interface RoutingRouteServices extends Pick<RoutingServices, "accounts" | "channels" | "past" | "clock"> {
  readonly ids: IdSource;
  readonly router: Router;
}

/** Registers the module's routes in a scope that authenticates. */
export function registerRoutingRoutes(api: ApiServer, services: RoutingRouteServices): void {
  registerSimulate(api, services);
  registerReadHealth(api, services);
}
