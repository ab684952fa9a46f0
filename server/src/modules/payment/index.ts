/** Payments and attempts. The only door of the module. */

export { askAttempt } from "./ask-attempt.ts";
export { findAttemptOfNotice, findAttemptsByOrderNo, listWaitingAttempts, loadAttempts } from "./attempt-store.ts";
export { createCashierService } from "./cashier-service.ts";
export { type CreatePaymentInput, createPayment } from "./create-payment.ts";
export { paymentErrors } from "./errors.ts";
export { failAttempt } from "./fail-attempt.ts";
export { createPaymentServices } from "./groups.ts";
export { createPaymentWorkers } from "./jobs.ts";
export { type AttemptNumbers, loadAttemptNumbers } from "./number-store.ts";
export { createPastAttempts } from "./past-attempts.ts";
export type { Attempt, Payment, PlannedShare, SharingPlan } from "./payment.ts";
export { attemptTransitions, isOpenAttempt, isOpenPayment, paymentTransitions, queryDelay_ms } from "./payment.ts";
export { presentPayment } from "./present-payment.ts";
export { findPayment } from "./read-payment.ts";
export { receiveAskNotice, receivePaymentNotice } from "./receive-notice.ts";
export { hashContent } from "./request-hash.ts";
export { registerPaymentRoutes } from "./routes/index.ts";
export { sharesProperties } from "./routes/schemas.ts";
export { attemptReference, notifyUrl } from "./send-attempt.ts";
export type {
  AccountChoice,
  AskedShare,
  AskedSharing,
  ChannelAccounts,
  PaymentServices,
  PaymentSettings,
  PaymentSharing,
  WorkerKicks,
} from "./services.ts";
export { addToRefunds, addToShares, loadPayments, lockPayments } from "./store.ts";
