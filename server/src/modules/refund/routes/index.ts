import type { ApiServer } from "../../../kit/http/api.ts";
import type { RefundServices } from "../services.ts";
import { registerCreateRefund } from "./create-refund/route.ts";
import { registerListRefunds } from "./list-refunds/route.ts";
import { registerReadRefund } from "./read-refund/route.ts";

/** Registers the module's routes in a scope that authenticates. */
export function registerRefundRoutes(api: ApiServer, services: RefundServices): void {
  registerCreateRefund(api, services);
  registerReadRefund(api, services);
  registerListRefunds(api, services);
}
