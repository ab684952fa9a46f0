/** Sharing. The only door of the module. */
export { createPaymentSharing } from "./automatic.ts";
export { createReceiver, disableReceiver, type NewReceiver, type ReceiverServices } from "./create-receiver.ts";
export { sharingErrors } from "./errors.ts";
export { createSharingWorkers } from "./jobs.ts";
export { loadSharedAttempts } from "./order-store.ts";
export { presentReceiver, presentShare } from "./present.ts";
export { listReceivers } from "./receiver-store.ts";
export { createSharedRefunds } from "./refund-shared.ts";
export { registerSharingRoutes } from "./routes/index.ts";
export { ALL_APPS, listRules as listSharingRules, type SharingRule, saveAgreement, savePolicy } from "./rule-store.ts";
export { createSharingRules, setSharingRule } from "./rules.ts";
export type { SharingServices } from "./services.ts";
export { moveTransitions, orderTransitions, type RefundPolicy, refundPolicies } from "./sharing.ts";
