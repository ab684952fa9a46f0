import type { ApiServer } from "../../../kit/http/api.ts";
import type { SharingServices } from "../services.ts";
import { registerCreateSharingOrder } from "./create-sharing-order/route.ts";
import { registerPaymentSharing } from "./payment-sharing/route.ts";
import { registerReadSharingOrders } from "./read-sharing-orders/route.ts";
import { registerReceiverGroups } from "./receiver-groups/route.ts";
import { registerReceivers } from "./receivers/route.ts";
import { registerSharingReturns } from "./sharing-returns/route.ts";

/** Registers the module's routes in a scope that authenticates. */
export function registerSharingRoutes(api: ApiServer, services: SharingServices): void {
  registerReceivers(api, services);
  registerReceiverGroups(api, services);
  registerCreateSharingOrder(api, services);
  registerReadSharingOrders(api, services);
  registerSharingReturns(api, services);
  registerPaymentSharing(api, services);
}
