import type { IdempotencyKey } from "../idempotency/index.ts";
import { webhookErrors } from "./errors.ts";
import type { EventType } from "./event.ts";
import { checkEndpointUrl, runOnce, type Scope, type WebhookServices } from "./service.ts";
import { createWebhookSecret } from "./sign-webhook.ts";
import { addEndpoint, loadEndpoint } from "./store.ts";
import { type EndpointView, endpointSecretContext, presentEndpoint, type WebhookEndpoint } from "./webhook-endpoint.ts";

/** What a merchant says of a new endpoint. */
export interface EndpointInput {
  url: string;
  /** Empty or absent means all. */
  event_types?: EventType[] | undefined;
  description?: string | null | undefined;
}

/** Endpoints of an app in one of its books. Each event is delivered to every one that wants it. */
export const ENDPOINTS_MAX = 20;

/**
 * Creates an endpoint with a new secret, which only this answer (and its replay) shows.
 * @throws webhook.url_refused, webhook_endpoint.limit_reached, idempotency.key_reused
 */
export async function createWebhookEndpoint(
  services: WebhookServices,
  scope: Scope,
  input: EndpointInput,
  idempotency: IdempotencyKey | undefined,
): Promise<{ view: EndpointView; replayed: boolean }> {
  const url = await checkEndpointUrl(input.url, scope.livemode, services);
  const id = services.ids.uuid();
  const secret = createWebhookSecret(services.random);
  const { merchant_id, app_id, livemode } = scope;
  const endpoint: WebhookEndpoint = {
    ...{ merchant_id, app_id, livemode, id, url },
    description: input.description ?? null,
    event_types: [...new Set(input.event_types)],
    status: "enabled",
    disabled_reason: null,
    secret_sealed: services.envelope.seal(secret, endpointSecretContext(id)),
    previous_secret_sealed: null,
    previous_secret_until: null,
    created_at: services.clock.now(),
  };
  const outcome = await runOnce(services, scope, idempotency, { type: "webhook_endpoint", id }, async (tx) => {
    if (await addEndpoint(tx, endpoint, ENDPOINTS_MAX)) return;
    throw webhookErrors["webhook_endpoint.limit_reached"]({ values: { limit: ENDPOINTS_MAX } });
  });
  return { view: await showWithSecret(services, scope, outcome.object_id), replayed: outcome.replayed };
}

/**
 * The endpoint as it is now, with its secret: for the requests that made the secret and for their replays, whose first
 * answer may have been lost on the way.
 */
export async function showWithSecret(services: WebhookServices, scope: Scope, id: string): Promise<EndpointView> {
  const endpoint = await loadEndpoint(services.db, scope, id);
  if (!endpoint) throw webhookErrors["webhook_endpoint.not_found"]();
  const secret = services.envelope.open(endpoint.secret_sealed, endpointSecretContext(id));
  return { ...presentEndpoint(endpoint), secret: secret.reveal() };
}
