import type { ApiServer } from "../../../kit/http/api.ts";
import type { PayoutServices } from "../services.ts";
import { registerBatches } from "./batches/route.ts";
import { registerCancelPayout } from "./cancel-payout/route.ts";
import { registerCreatePayout } from "./create-payout/route.ts";
import { registerListPayouts } from "./list-payouts/route.ts";
import { registerOperatorBankFiles } from "./operator-bank-files/route.ts";
import { registerOperatorPayouts } from "./operator-payouts/route.ts";
import { registerReadPayout } from "./read-payout/route.ts";

/** Registers the routes of payouts. `request.caller` must have been set by authentication. */
export function registerPayoutRoutes(api: ApiServer, services: PayoutServices): void {
  registerCreatePayout(api, services);
  registerListPayouts(api, services);
  registerReadPayout(api, services);
  registerCancelPayout(api, services);
  registerBatches(api, services);
}

/** Registers what operators do with payouts, in their scope. */
export function registerPayoutOperatorRoutes(operator: ApiServer, services: PayoutServices): void {
  registerOperatorPayouts(operator, services);
  registerOperatorBankFiles(operator, services);
}
