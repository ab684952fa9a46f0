/** Service fees of direct mode: invoices, prepaid balances, and what stops when they run out. The only door of the module. */
export { type Billing, type BillingCycle, billingCycles } from "./billing.ts";
export { serviceFeeErrors } from "./errors.ts";
export type { BillingKey, Deposit, FeePayment, FeeSource, Invoice, InvoiceStatus } from "./invoice.ts";
export { invoiceTransitions } from "./invoice.ts";
export { listInvoices } from "./invoice-store.ts";
export { createServiceFeeWorkers } from "./jobs.ts";
export { billNow } from "./make-invoice.ts";
export { issueInvoice, voidInvoice } from "./manage-invoice.ts";
export { type DepositInput, readStanding } from "./prepay.ts";
export { presentInvoice } from "./present.ts";
export { requestBankPayment, requestDeposit, serviceFeeApprovalHandlers } from "./request-money.ts";
export { registerServiceFeeOperatorRoutes, registerServiceFeeRoutes } from "./routes/index.ts";
export type { ServiceFeeServices } from "./services.ts";
export { type BillingInput, setBilling } from "./set-billing.ts";
export { createStops, type Stops } from "./stops.ts";
export { listBilling } from "./store.ts";
