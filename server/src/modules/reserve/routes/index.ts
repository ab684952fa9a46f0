import type { ApiServer } from "../../../kit/http/api.ts";
import type { ReserveServices } from "../services.ts";
import { registerListReserves } from "./list-reserves/route.ts";
import { registerReadReserve } from "./read-reserve/route.ts";

/** Registers the routes of reserves. `request.caller` must have been set by authentication. */
export function registerReserveRoutes(api: ApiServer, services: Pick<ReserveServices, "db">): void {
  registerListReserves(api, services);
  registerReadReserve(api, services);
}
