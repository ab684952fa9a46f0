/** Payouts: available money leaves to a beneficiary. The only door of the module. */
export { askAutomatic } from "./automatic-store.ts";
export { type BankFileFormat, bankFileFormats, createBankFile, writeBankFile } from "./bank-file.ts";
export { listBankFiles, loadBankFile } from "./bank-file-store.ts";
export { cancelPayout } from "./cancel-payout.ts";
export { createPayout } from "./create-payout.ts";
export { payoutErrors } from "./errors.ts";
export { createPayoutWorkers } from "./jobs.ts";
export { type Payout, payoutStatuses, payoutTransitions } from "./payout.ts";
export { presentBankFile, presentForOperator, presentPayout, presentPayoutSettings } from "./present.ts";
export { findAnyPayout, findPayout } from "./read-payout.ts";
export { receiveTransferNotice } from "./receive-notice.ts";
export { type BankResult, bankResults, recordResult } from "./record-result.ts";
export { createPayoutApprovalHandler, PAYOUT_APPROVAL } from "./review.ts";
export { registerPayoutOperatorRoutes, registerPayoutRoutes } from "./routes/index.ts";
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
