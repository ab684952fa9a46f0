/** Events and webhooks: the only door of this module. */
export { webhookErrors } from "./errors.ts";
export { type EventType, type EventView, eventTypes, type NewEvent, presentEvent, type StoredEvent } from "./event.ts";
export { createWebhookWorker, type WebhookWorkerOptions } from "./jobs.ts";
export type { Lookup, ReceiverPolicy } from "./receiver-address.ts";
export { recordEvents } from "./record-events.ts";
export { registerWebhookRoutes } from "./routes/index.ts";
export { refuseReceiverUrl, type WebhookServices } from "./service.ts";
