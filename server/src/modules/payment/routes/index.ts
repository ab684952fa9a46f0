import type { ApiServer } from "../../../kit/http/api.ts";
import type { PaymentServices } from "../services.ts";
import { registerClosePayment } from "./close-payment/route.ts";
import { registerCreateAttempt } from "./create-attempt/route.ts";
import { registerCreatePayment } from "./create-payment/route.ts";
import { registerIdentifyPayer } from "./identify-payer/route.ts";
import { registerListAttempts } from "./list-attempts/route.ts";
import { registerListPayments } from "./list-payments/route.ts";
import { registerReadPayment } from "./read-payment/route.ts";

/** Registers the module's routes in a scope that authenticates. */
export function registerPaymentRoutes(api: ApiServer, services: PaymentServices): void {
  registerCreatePayment(api, services);
  registerReadPayment(api, services);
  registerListPayments(api, services);
  registerClosePayment(api, services);
  registerCreateAttempt(api, services);
  registerListAttempts(api, services);
  registerIdentifyPayer(api, services);
}
