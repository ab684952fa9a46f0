import type { ApiServer } from "../../../kit/http/api.ts";
import type { WebhookServices } from "../service.ts";
import { registerCreateWebhookEndpoint } from "./create-webhook-endpoint/route.ts";
import { registerManageWebhookEndpoints } from "./manage-webhook-endpoints/route.ts";
import { registerReadEvents } from "./read-events/route.ts";
import { registerResendEvent } from "./resend-event/route.ts";
import { registerRotateWebhookSecret } from "./rotate-webhook-secret/route.ts";

/** Registers the routes of events and webhook endpoints. `request.caller` must have been set by authentication. */
export function registerWebhookRoutes(api: ApiServer, services: WebhookServices): void {
  registerCreateWebhookEndpoint(api, services);
  registerManageWebhookEndpoints(api, services);
  registerRotateWebhookSecret(api, services);
  registerReadEvents(api, services);
  registerResendEvent(api, services);
}
