/** Signatures of Standard Webhooks 1.0 (standard-webhooks.com, specification, "Signature scheme"). */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Random } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";

const PREFIX = "whsec_";
/** The specification asks for 24 to 64 bytes. */
const KEY_BYTES = 32;

/** A new signing secret: `whsec_` and 32 random bytes in base64. */
export function createWebhookSecret(random: Random): Secret {
  return new Secret(PREFIX + random.bytes(KEY_BYTES).toString("base64"));
}

/** The HMAC key inside a secret of the form `whsec_…`. A key object signs in a quarter of the time that raw bytes take. */
export function webhookKey(secret: Secret): KeyObject {
  const text = secret.reveal();
  return createSecretKey(text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text, "base64");
}

/** The three headers of one try. Several keys give several signatures: a receiver accepts any that it can verify. */
export function signWebhook(
  message_id: string,
  at_ms: number,
  body: string,
  keys: readonly KeyObject[],
): Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string> {
  const timestamp = String(Math.floor(at_ms / 1000));
  const content = `${message_id}.${timestamp}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac("sha256", key).update(content).digest("base64")}`);
  return {
    "webhook-id": message_id,
    "webhook-timestamp": timestamp,
    "webhook-signature": signatures.join(" "),
  };
}
