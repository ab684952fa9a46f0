import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import type { IdSource } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { brokenConstraint, type Sql } from "../../kit/sql/database.ts";
import { checkName } from "./create-merchant.ts";
import { merchantErrors } from "./errors.ts";
import { type App, webhookSecretContext } from "./merchant.ts";
import { insertApp } from "./store.ts";

const WEBHOOK_SECRET_BYTES = 32;

/** A new secret as Standard Webhooks 1.0 writes it: `whsec_` and 24 to 64 random bytes in base64. */
export function createWebhookSecret(random: Random): Secret {
  return new Secret(`whsec_${random.bytes(WEBHOOK_SECRET_BYTES).toString("base64")}`);
}

/**
 * Creates an app. Its webhook secret is returned here and by `loadWebhookSecrets`, never by the API.
 * @throws merchant.not_found, merchant.invalid
 */
export async function createApp(
  services: { sql: Sql; clock: Clock; ids: IdSource; random: Random; envelope: Envelope },
  input: { merchant_id: string; name: string },
): Promise<{ app: App; webhook_secret: Secret }> {
  const app: App = {
    merchant_id: input.merchant_id,
    id: services.ids.uuid(),
    name: checkName(input.name),
    status: "active",
    created_at: services.clock.now(),
  };
  const webhook_secret = createWebhookSecret(services.random);
  try {
    await insertApp(services.sql, app, services.envelope.seal(webhook_secret, webhookSecretContext(app.id)));
  } catch (error) {
    if (brokenConstraint(error) === "apps_merchant_id_fkey") throw merchantErrors["merchant.not_found"]();
    throw error;
  }
  return { app, webhook_secret };
}
