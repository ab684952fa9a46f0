/** Transfers that a person confirms. The only door of the module. */
export { checkTransfer, confirmTransfer, endRefund, rejectTransfer } from "./confirm-transfer.ts";
export { bankTransferErrors } from "./errors.ts";
export { listWaitingRefundTransfers, listWaitingTransfers } from "./list-waiting.ts";
export { recordRefundTransfer, recordTransfer } from "./record-transfer.ts";
export type { BankTransferServices } from "./services.ts";
