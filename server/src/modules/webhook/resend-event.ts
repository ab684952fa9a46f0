import type { Transaction } from "../../kit/sql/database.ts";
import type { IdempotencyKey } from "../idempotency/index.ts";
import { addDeliveries } from "./delivery-store.ts";
import { webhookErrors } from "./errors.ts";
import { type EventView, presentEvent } from "./event.ts";
import { requireEvent } from "./read-events.ts";
import { runOnce, type Scope, type WebhookServices } from "./service.ts";
import { addEvent, loadEndpoint } from "./store.ts";
import { presentEndpoint, type WebhookEndpoint } from "./webhook-endpoint.ts";

/**
 * Delivers an event once more, under its own id, to one endpoint or to all that would receive it: enabled endpoints that
 * want its type, and its notify_url. Each gets a new delivery with the whole schedule of tries.
 * @throws event.not_found, event.no_receiver, webhook_endpoint.not_found, webhook_endpoint.disabled,
 * idempotency.key_reused
 */
export async function resendEvent(
  services: WebhookServices,
  scope: Scope,
  event_id: string,
  endpoint_id: string | null,
  idempotency: IdempotencyKey | undefined,
): Promise<{ view: EventView; replayed: boolean }> {
  const event = await requireEvent(services, scope, event_id);
  const outcome = await runOnce(services, scope, idempotency, { type: "event", id: event_id }, async (tx) => {
    if (endpoint_id !== null) await requireEnabledEndpoint(tx, scope, endpoint_id);
    const count = await addDeliveries(tx, event, endpoint_id, services.clock.now());
    if (count === 0) throw webhookErrors["event.no_receiver"]();
  });
  services.kickWebhookWorker?.();
  return { view: presentEvent(event), replayed: outcome.replayed };
}

/**
 * Sends an endpoint an event of type `webhook_endpoint.test`, whatever types it wants, to try it out.
 * @throws webhook_endpoint.not_found, webhook_endpoint.disabled, idempotency.key_reused
 */
export async function sendTestEvent(
  services: WebhookServices,
  scope: Scope,
  endpoint_id: string,
  idempotency: IdempotencyKey | undefined,
): Promise<{ view: EventView; replayed: boolean }> {
  const id = services.ids.uuid();
  const created_at = services.clock.now();
  const { merchant_id, app_id, livemode } = scope;
  const outcome = await runOnce(services, scope, idempotency, { type: "event", id }, async (tx) => {
    const endpoint = await requireEnabledEndpoint(tx, scope, endpoint_id);
    const data_json = JSON.stringify(presentEndpoint(endpoint));
    const event = { merchant_id, app_id, livemode, id, type: "webhook_endpoint.test", data_json, created_at };
    await addEvent(tx, { ...event, object_id: endpoint_id });
    await addDeliveries(tx, event, endpoint_id, created_at);
  });
  services.kickWebhookWorker?.();
  return {
    view: presentEvent(await requireEvent(services, scope, outcome.object_id)),
    replayed: outcome.replayed,
  };
}

async function requireEnabledEndpoint(tx: Transaction, scope: Scope, id: string): Promise<WebhookEndpoint> {
  const endpoint = await loadEndpoint(tx, scope, id);
  if (!endpoint) throw webhookErrors["webhook_endpoint.not_found"]();
  if (endpoint.status === "disabled") throw webhookErrors["webhook_endpoint.disabled"]();
  return endpoint;
}
