/** The books. Modules post through templates and read balances; nobody else writes these tables. */
export {
  type AccountChange,
  listAccountChanges,
  listOwedCommission,
  type OwedCommission,
} from "./account-changes.ts";
export { type Account, type AccountKind, accountKinds, accountOf, NO_SCOPE } from "./accounts.ts";
export {
  type Balance,
  type Entry,
  type EntryPosition,
  getBalances,
  getBalancesOfBooks,
  listEntries,
  lockBalance,
  lockBalances,
  setMinimum,
} from "./balances.ts";
export {
  type CommissionPart,
  readCommissions,
  type StoredCommission,
  sumCommissions,
  writeCommissions,
} from "./commission.ts";
export { LedgerError, type LedgerFault } from "./errors.ts";
export {
  type BookAccount,
  findNumberAt,
  findNumbersAt,
  getBalancesAfter,
  getBalancesAt,
  type PastBalance,
  POSTING_DISORDER_MAX_MS,
} from "./past.ts";
export {
  listRange,
  type PendingChange,
  type PendingRange,
  type PendingSum,
  sumRanges,
} from "./pending-range.ts";
export {
  type Period,
  readEntryPages,
  sumTurnover,
  TRANSACTIONS_IN_PAGE,
  type Turnover,
  type WantedEntries,
} from "./period.ts";
export { type PostResult, post } from "./post.ts";
export { createPostGroup } from "./post-group.ts";
export { type NewPosting, type TransactionKind, transactionKinds } from "./posting.ts";
export {
  type BookEnd,
  type BookTransaction,
  listBooks,
  readBook,
  readBookAccounts,
} from "./read-book.ts";
export { type JournalLine, readTransaction } from "./read-transaction.ts";
export {
  listReceivableRange,
  type ReceivableChange,
  type ReceivableSum,
  sumReceivableRange,
} from "./receivable-range.ts";
export { findTransaction, reverse, type WrittenTransaction } from "./reverse.ts";
export type { BookKey } from "./store.ts";
export {
  adjustmentPosting,
  type BookedAdjustment,
  type BookedFreeze,
  type DrawableAccount,
  fundsFrozenPosting,
  fundsReleasedPosting,
} from "./templates/account-operation.ts";
export {
  type CommissionPayment,
  type CommissionReceipt,
  commissionReceivedPosting,
  commissionSettledPosting,
} from "./templates/commission.ts";
export { duplicatePaymentPosting, type FundingMode, type PaidAttempt, paymentPosting } from "./templates/payment.ts";
export {
  type BookedPayout,
  payoutCancelledPosting,
  payoutFailedPosting,
  payoutInitiatedPosting,
  payoutReturnedPosting,
  payoutSucceededPosting,
} from "./templates/payout.ts";
export {
  type BookedReconciliation,
  type ReconciliationPostingKind,
  reconciliationPosting,
} from "./templates/reconciliation.ts";
export {
  type BookedRefund,
  duplicateRefundPosting,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "./templates/refund.ts";
export { type BookedReserveRelease, reserveReleasedPosting } from "./templates/reserve.ts";
export {
  type BookedDeposit,
  type BookedFeePayment,
  serviceFeePaymentPosting,
  serviceFeeReturnPosting,
  serviceFeeTopUpPosting,
} from "./templates/service-fee.ts";
export { type BookedSettlement, settlementPosting } from "./templates/settlement.ts";
export {
  type BookedReturn,
  type BookedShare,
  type SharingMode,
  shareReceivedPosting,
  shareReturnedPosting,
  sharingFailedPosting,
  sharingInitiatedPosting,
  sharingReturnedPosting,
  sharingSucceededPosting,
} from "./templates/sharing.ts";
export type { Difference, DifferenceCode, Findings } from "./verify/findings.ts";
export { listVerifications, type Verification, type VerificationKind } from "./verify/runs.ts";
export { verify, verifyAndRecord } from "./verify/verify.ts";
