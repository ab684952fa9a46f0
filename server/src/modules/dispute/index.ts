/** Disputes. The only door of the module. */
export { disputeErrors } from "./errors.ts";
export { receiveDisputeNotice } from "./receive-notice.ts";
export { registerDisputeRoutes } from "./routes/index.ts";
export type { DisputeServices } from "./services.ts";
