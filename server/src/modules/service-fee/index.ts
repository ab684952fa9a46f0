/** Service fees of direct mode: invoices, prepaid balances, and what stops when they run out. The only door of the module. */
export { type Billing, type BillingCycle, billingCycles } from "./billing.ts";
export { serviceFeeErrors } from "./errors.ts";
export type { BillingKey, Deposit, FeePayment, FeeSource, Invoice, InvoiceStatus } from "./invoice.ts";
export { invoiceTransitions } from "./invoice.ts";
export { listInvoices } from "./invoice-store.ts";
export { createServiceFeeWorkers } from "./jobs.ts";
export { billNow } from "./make-invoice.ts";
export { issueInvoice, payInvoice, voidInvoice } from "./manage-invoice.ts";
export { type DepositInput, readStanding, recordDeposit } from "./prepay.ts";
export { presentDeposit, presentInvoice } from "./present.ts";
export { registerServiceFeeRoutes } from "./routes/index.ts";
export type { ServiceFeeServices } from "./services.ts";
export { type BillingInput, setBilling } from "./set-billing.ts";
export { createStops, type Stops } from "./stops.ts";
export { listBilling } from "./store.ts";
