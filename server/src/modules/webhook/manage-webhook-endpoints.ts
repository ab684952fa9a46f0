/** Reading, changing and deleting endpoints. */
import { cutPage, type Page } from "../../kit/http/pagination.ts";
import { webhookErrors } from "./errors.ts";
import { checkEndpointUrl, type Scope, type WebhookServices } from "./service.ts";
import { changeEndpoint, type EndpointChange, listEndpointRows, loadEndpoint, removeEndpoint } from "./store.ts";
import { type EndpointView, presentEndpoint } from "./webhook-endpoint.ts";

/** @throws webhook_endpoint.not_found, for another app's or book's endpoint too. */
export async function getWebhookEndpoint(services: WebhookServices, scope: Scope, id: string): Promise<EndpointView> {
  const endpoint = await loadEndpoint(services.db, scope, id);
  if (!endpoint) throw webhookErrors["webhook_endpoint.not_found"]();
  return presentEndpoint(endpoint);
}

/** A page of the endpoints of an app in one book, disabled ones included. */
export async function listWebhookEndpoints(
  services: WebhookServices,
  scope: Scope,
  page: Page,
): Promise<{ views: EndpointView[]; has_more: boolean }> {
  const { rows, has_more } = cutPage(page, await listEndpointRows(services.db, scope, page));
  return { views: rows.map(presentEndpoint), has_more };
}

/**
 * Changes what is given. A new URL holds for tries that are still to come, a new choice of types for events that are
 * still to happen. A delivery that comes due while its endpoint is disabled is canceled.
 * @throws webhook.url_refused, webhook_endpoint.not_found
 */
export async function updateWebhookEndpoint(
  services: WebhookServices,
  scope: Scope,
  id: string,
  change: EndpointChange,
): Promise<EndpointView> {
  const url = change.url === undefined ? undefined : await checkEndpointUrl(change.url, scope.livemode, services);
  const event_types = change.event_types && [...new Set(change.event_types)];
  const endpoint = await changeEndpoint(services.db, scope, id, { ...change, url, event_types });
  if (!endpoint) throw webhookErrors["webhook_endpoint.not_found"]();
  return presentEndpoint(endpoint);
}

/**
 * Deletes an endpoint with its secrets; its deliveries stay as a record, and those still pending are canceled.
 * @throws webhook_endpoint.not_found
 */
export async function deleteWebhookEndpoint(services: WebhookServices, scope: Scope, id: string): Promise<void> {
  if (!(await removeEndpoint(services.db, scope, id))) throw webhookErrors["webhook_endpoint.not_found"]();
}
