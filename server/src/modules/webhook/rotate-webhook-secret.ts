import type { IdempotencyKey } from "../idempotency/index.ts";
import { showWithSecret } from "./create-webhook-endpoint.ts";
import { webhookErrors } from "./errors.ts";
import { runOnce, type Scope, type WebhookServices } from "./service.ts";
import { createWebhookSecret } from "./sign-webhook.ts";
import { swapSecret } from "./store.ts";
import { type EndpointView, endpointSecretContext } from "./webhook-endpoint.ts";

/**
 * Gives an endpoint a new secret. For `overlap_s` seconds the old one signs too, so that a receiver can change over
 * without refusing anything; 0 stops the old one at once. A rotation during another ends the oldest secret.
 * @throws webhook_endpoint.not_found, idempotency.key_reused
 */
export async function rotateWebhookSecret(
  services: WebhookServices,
  scope: Scope,
  id: string,
  overlap_s: number,
  idempotency: IdempotencyKey | undefined,
): Promise<{ view: EndpointView; replayed: boolean }> {
  const sealed = services.envelope.seal(createWebhookSecret(services.random), endpointSecretContext(id));
  const until = overlap_s === 0 ? null : services.clock.now() + overlap_s * 1000;
  const outcome = await runOnce(services, scope, idempotency, { type: "webhook_endpoint", id }, async (tx) => {
    if (!(await swapSecret(tx, scope, id, sealed, until))) throw webhookErrors["webhook_endpoint.not_found"]();
  });
  return { view: await showWithSecret(services, scope, outcome.object_id), replayed: outcome.replayed };
}
