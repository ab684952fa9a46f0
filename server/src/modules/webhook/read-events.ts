/** Reading events and their deliveries. */
import { cutPage, type Page } from "../../kit/http/pagination.ts";
import type { DeliveryView } from "./delivery.ts";
import { presentDelivery } from "./delivery.ts";
import { listDeliveryRows } from "./delivery-store.ts";
import { webhookErrors } from "./errors.ts";
import { type EventView, presentEvent, type StoredEvent } from "./event.ts";
import type { Scope, WebhookServices } from "./service.ts";
import { type EventFilter, listEventRows, loadEvent } from "./store.ts";

/** @throws event.not_found, for another app's or book's event too. */
export async function requireEvent(services: WebhookServices, scope: Scope, id: string): Promise<StoredEvent> {
  const event = await loadEvent(services.db, scope, id);
  if (!event) throw webhookErrors["event.not_found"]();
  return event;
}

/** A page of the events of an app in one book, the newest first. */
export async function listEvents(
  services: WebhookServices,
  scope: Scope,
  filter: EventFilter,
  page: Page,
): Promise<{ views: EventView[]; has_more: boolean }> {
  const { rows, has_more } = cutPage(page, await listEventRows(services.db, scope, filter, page));
  return { views: rows.map(presentEvent), has_more };
}

/** @throws event.not_found */
export async function listEventDeliveries(
  services: WebhookServices,
  scope: Scope,
  event_id: string,
  page: Page,
): Promise<{ views: DeliveryView[]; has_more: boolean }> {
  const event = await requireEvent(services, scope, event_id);
  const { rows, has_more } = cutPage(page, await listDeliveryRows(services.db, event.merchant_id, event.id, page));
  return { views: rows.map(presentDelivery), has_more };
}
