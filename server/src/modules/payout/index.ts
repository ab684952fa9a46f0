/** Payouts: available money leaves to a beneficiary. The only door of the module. */
export { cancelPayout } from "./cancel-payout.ts";
export { createPayout } from "./create-payout.ts";
export { payoutErrors } from "./errors.ts";
export { createPayoutWorkers } from "./jobs.ts";
export { type Payout, payoutStatuses, payoutTransitions } from "./payout.ts";
export { presentPayout } from "./present.ts";
export { receiveTransferNotice } from "./receive-notice.ts";
export { createPayoutApprovalHandler, PAYOUT_APPROVAL } from "./review.ts";
export { registerPayoutRoutes } from "./routes/index.ts";
export type { PayoutServices } from "./services.ts";
export {
  type PayoutRules,
  type PayoutSettings,
  setPayoutSettings,
  setTransferCost,
  type TransferCost,
} from "./settings.ts";
export { listSettings as listPayoutSettings } from "./settings-store.ts";
export { listPayouts, loadPayouts } from "./store.ts";
