/** Refunds. The only door of the module. */
export { askRefund } from "./ask-refund.ts";
export { createRefund } from "./create-refund.ts";
export { refundErrors } from "./errors.ts";
export { createRefundServices } from "./groups.ts";
export { createRefundWorkers } from "./jobs.ts";
export { receiveRefundNotice } from "./receive-notice.ts";
export { redirectRefund } from "./redirect-refund.ts";
export { type Refund, refundTransitions } from "./refund.ts";
export { registerRefundRoutes } from "./routes/index.ts";
export type { RefundServices, SharedRefundPlan, SharedRefunds, WantedRefund } from "./services.ts";
export { startAutomaticRefunds } from "./start-automatic-refunds.ts";
export { type ReturnedRefund, startReturnedRefund } from "./start-returned-refund.ts";
export { listWaitingRefunds, loadRefunds, loadRefundsOfPayments } from "./store.ts";
