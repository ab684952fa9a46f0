/** One try of one delivery: sign, send, and decide what comes next. */
import type { KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Clock } from "../../kit/clock.ts";
import type { Envelope } from "../../kit/crypto.ts";
import { publicId } from "../../kit/id.ts";
import type { Logger } from "../../kit/log.ts";
import type { Random } from "../../kit/random.ts";
import type { Secret } from "../../kit/secret.ts";
import { nextTryDelay, tryDelays_ms } from "./delivery.ts";
import type { ClaimedDelivery, TryResult } from "./delivery-store.ts";
import { renderEvent } from "./event.ts";
import type { SendResult, WebhookSender } from "./send-webhook.ts";
import { signWebhook, webhookKey } from "./sign-webhook.ts";
import { endpointSecretContext } from "./webhook-endpoint.ts";

/** What a try needs besides the delivery. */
export interface DeliverOptions {
  envelope: Envelope;
  clock: Clock;
  random: Random;
  log: Logger;
  sender: WebhookSender;
  /** The secrets that sign what goes to a notify_url, the current one first. */
  loadAppWebhookSecrets(merchant_id: string, app_id: string): Promise<readonly Secret[]>;
}

const OPENED_MAX = 5_000;
/** A secret of an app that was rotated goes on signing this long at most. */
const APP_KEY_TTL_MS = 1_000;

/** Gives the function that tries a claimed delivery once and says what to record. */
export function createDeliver(options: DeliverOptions): (delivery: ClaimedDelivery) => Promise<TryResult> {
  const loadKeys = createKeyLoader(options);
  return async (delivery) => {
    const canceled = cancelReason(delivery);
    if (canceled !== undefined) return concluded(delivery, "canceled", canceled, options.clock.now());
    if (delivery.attempt_count > tryDelays_ms.length) {
      // The last try was cut short by a crash; its outcome was never learned.
      return concluded(delivery, "failed", "The last try did not end.", options.clock.now());
    }
    const url = delivery.endpoint_url ?? delivery.url;
    const started = options.clock.now();
    let keys: KeyObject[];
    try {
      keys = await loadKeys(delivery);
    } catch (error) {
      // A master key that is missing, say: it may be back before the schedule ends.
      options.log.error({ err: error, delivery_id: delivery.id }, "a webhook could not be signed");
      return judge(delivery, url, { kind: "failed", reason: UNSIGNED }, started, options);
    }
    const body = renderEvent({ ...delivery, id: delivery.event_id, created_at: delivery.event_created_at });
    const headers = signWebhook(publicId("event", delivery.event_id), options.clock.now(), body, keys);
    const sent = await options.sender.send({ url, livemode: delivery.livemode, headers, body });
    return judge(delivery, url, sent, started, options);
  };
}

const UNSIGNED = "The platform could not sign the event just now.";

function cancelReason(delivery: ClaimedDelivery): string | undefined {
  if (delivery.endpoint_id === null) return undefined;
  if (delivery.endpoint_status === null) return "The endpoint was deleted.";
  return delivery.endpoint_status === "disabled" ? "The endpoint is disabled." : undefined;
}

function concluded(delivery: ClaimedDelivery, status: "canceled" | "failed", error: string, at_ms: number): TryResult {
  const untried = { status_code: null, duration_ms: null, due_at_ms: null, disabled_reason: null };
  return { delivery, status, url: delivery.url, error, at_ms, ...untried };
}

/** 2xx delivers, 410 ends it for good, anything else waits for the next try. */
function judge(
  delivery: ClaimedDelivery,
  url: string,
  sent: SendResult,
  started: number,
  { clock, random }: DeliverOptions,
): TryResult {
  const now = clock.now();
  const status_code = sent.kind === "answered" ? sent.status_code : null;
  const tried = { delivery, url, status_code, duration_ms: now - started, at_ms: now, disabled_reason: null };
  if (status_code !== null && status_code >= 200 && status_code < 300) {
    return { ...tried, status: "delivered", error: null, due_at_ms: null };
  }
  if (status_code === 410) {
    const error = "The receiver answered 410 Gone.";
    const disabled_reason = delivery.endpoint_id === null ? null : error;
    return { ...tried, status: "canceled", error, due_at_ms: null, disabled_reason };
  }
  const error = sent.kind === "failed" ? sent.reason : answerSentence(sent.status_code);
  const retryAfter = sent.kind === "answered" ? readRetryAfter(sent.retry_after, now) : undefined;
  const delay = nextTryDelay(delivery.attempt_count, random, retryAfter);
  if (delay === undefined) return { ...tried, status: "failed", error, due_at_ms: null };
  return { ...tried, status: "pending", error, due_at_ms: now + delay };
}

function answerSentence(status_code: number): string {
  if (status_code >= 300 && status_code < 400) {
    return `The receiver answered ${status_code}. Redirects are not followed; give the final address.`;
  }
  return `The receiver answered ${status_code}.`;
}

/** `Retry-After` as seconds or as an HTTP date (RFC 9110, section 10.2.3), in milliseconds from now. */
function readRetryAfter(text: string | undefined, now_ms: number): number | undefined {
  if (text === undefined) return undefined;
  const delay = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now_ms;
  return Number.isFinite(delay) && delay > 0 ? delay : undefined;
}

/** Opens secrets, keeping the opened ones: an envelope costs more than a signature. */
function createKeyLoader(options: DeliverOptions): (delivery: ClaimedDelivery) => Promise<KeyObject[]> {
  // Keyed by the sealed bytes, so that a rotated secret can never be taken for the new one.
  const opened = new LRUCache<string, KeyObject>({ max: OPENED_MAX });
  const appKeys = new LRUCache<string, Promise<KeyObject[]>>({
    max: OPENED_MAX,
    ttl: APP_KEY_TTL_MS,
    perf: options.clock,
  });

  function open(sealed: Buffer, endpoint_id: string): KeyObject {
    const name = sealed.toString("base64");
    const known = opened.get(name);
    if (known) return known;
    const key = webhookKey(options.envelope.open(sealed, endpointSecretContext(endpoint_id)));
    opened.set(name, key);
    return key;
  }

  function loadAppKeys(merchant_id: string, app_id: string): Promise<KeyObject[]> {
    const name = `${merchant_id} ${app_id}`;
    const known = appKeys.get(name);
    if (known) return known;
    const loading = options.loadAppWebhookSecrets(merchant_id, app_id).then((secrets) => secrets.map(webhookKey));
    loading.catch(() => appKeys.delete(name));
    appKeys.set(name, loading);
    return loading;
  }

  return async (delivery) => {
    const { endpoint_id, secret_sealed, previous_secret_sealed, previous_secret_until } = delivery;
    if (endpoint_id === null || !secret_sealed) return loadAppKeys(delivery.merchant_id, delivery.app_id);
    const keys = [open(secret_sealed, endpoint_id)];
    if (previous_secret_sealed && (previous_secret_until ?? 0) > options.clock.now()) {
      keys.push(open(previous_secret_sealed, endpoint_id));
    }
    return keys;
  };
}
