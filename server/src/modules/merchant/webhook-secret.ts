import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { Random } from "../../kit/random.ts";
import type { Secret } from "../../kit/secret.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { createWebhookSecret } from "./create-app.ts";
import { merchantErrors } from "./errors.ts";
import { webhookSecretContext } from "./merchant.ts";
import { loadApp, saveWebhookSecret } from "./store.ts";

const DAY_MS = 24 * 3600 * 1000;

/**
 * The secrets that sign deliveries to an app's `notify_url`s, the current one first; after a rotation there are two.
 * @throws app.not_found
 */
export async function loadWebhookSecrets(
  services: { sql: Sql; clock: Clock; envelope: Envelope },
  key: { merchant_id: string; app_id: string },
): Promise<Secret[]> {
  const app = await loadApp(services.sql, key.merchant_id, key.app_id);
  if (!app) throw merchantErrors["app.not_found"]();
  const context = webhookSecretContext(app.id);
  const sealed = [app.webhook_secret_sealed];
  const isOldValid = (app.previous_webhook_secret_until ?? 0) > services.clock.now();
  if (isOldValid && app.previous_webhook_secret_sealed) sealed.push(app.previous_webhook_secret_sealed);
  return sealed.map((bytes) => services.envelope.open(bytes, context));
}

/**
 * Gives an app a new webhook secret. The old one signs too for `overlap_ms` (a day unless given), so that a receiver can
 * change over without losing a delivery.
 * @throws app.not_found
 */
export async function rotateWebhookSecret(
  services: { sql: Sql; clock: Clock; random: Random; envelope: Envelope },
  input: { merchant_id: string; app_id: string; overlap_ms?: number },
): Promise<Secret> {
  const secret = createWebhookSecret(services.random);
  const sealed = services.envelope.seal(secret, webhookSecretContext(input.app_id));
  const until = services.clock.now() + (input.overlap_ms ?? DAY_MS);
  const key = { merchant_id: input.merchant_id, id: input.app_id };
  if (!(await saveWebhookSecret(services.sql, key, sealed, until))) throw merchantErrors["app.not_found"]();
  return secret;
}
