/** A delivery: one event on its way to one receiver, over several tries. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Random } from "../../kit/random.ts";
import type { Transitions } from "../../kit/state-machine.ts";
import type { StoredDelivery } from "./delivery-store.ts";

export type DeliveryStatus = "pending" | "delivered" | "failed" | "canceled";

/** The state table; each comment says when a delivery is in that state. */
export const deliveryTransitions = {
  // Waits for its next try, or is being tried.
  pending: ["pending", "delivered", "failed", "canceled"],
  // The receiver answered 2xx.
  delivered: [],
  // Every try was used up. A resend makes a new delivery.
  failed: [],
  // The endpoint was disabled or deleted, or a notify_url answered 410.
  canceled: [],
} as const satisfies Transitions<DeliveryStatus>;

/**
 * Milliseconds to wait before each try, counted from the end of the one before: eleven tries over almost three days.
 * Close together at first, for receivers that restart; a day apart at last, for those that somebody must repair.
 */
export const tryDelays_ms = [
  0,
  5_000,
  30_000,
  2 * 60_000,
  10 * 60_000,
  30 * 60_000,
  2 * 3_600_000,
  6 * 3_600_000,
  12 * 3_600_000,
  24 * 3_600_000,
  24 * 3_600_000,
] as const;

/** A receiver may ask for more patience than the schedule has, up to this. */
export const RETRY_AFTER_MAX_MS = 24 * 3_600_000;

/** Tries that failed together are spread by this part of their delay, so that they do not return together. */
const JITTER = 0.1;

/**
 * Milliseconds until the next try after `attempt_count` tries, or undefined when there is none left. A `Retry-After`
 * can only make it later than the schedule.
 */
export function nextTryDelay(
  attempt_count: number,
  random: Random,
  retry_after_ms: number | undefined,
): number | undefined {
  const delay = tryDelays_ms[attempt_count];
  if (delay === undefined) return undefined;
  const jittered = Math.round(delay * (1 - JITTER + 2 * JITTER * random.unit()));
  return Math.max(jittered, Math.min(retry_after_ms ?? 0, RETRY_AFTER_MAX_MS));
}

/** A delivery as the API shows it. */
export interface DeliveryView {
  id: string;
  object: "webhook_delivery";
  event: string;
  livemode: boolean;
  /** Null for a payment's own notify_url. */
  webhook_endpoint: string | null;
  url: string;
  status: DeliveryStatus;
  attempt_count: number;
  last_error: string | null;
  last_status_code: number | null;
  last_duration_ms: number | null;
  created_at: string;
  delivered_at: string | null;
  next_attempt_at: string | null;
}

/** The delivery as the API shows it. */
export function presentDelivery(delivery: StoredDelivery): DeliveryView {
  const { endpoint_id, url, status, attempt_count, last_error, last_status_code, last_duration_ms } = delivery;
  return {
    id: publicId("webhook_delivery", delivery.id),
    object: "webhook_delivery",
    event: publicId("event", delivery.event_id),
    livemode: delivery.livemode,
    webhook_endpoint: endpoint_id === null ? null : publicId("webhook_endpoint", endpoint_id),
    ...{ url, status, attempt_count, last_error, last_status_code, last_duration_ms },
    created_at: toRfc3339(delivery.created_at),
    delivered_at: delivery.delivered_at === null ? null : toRfc3339(delivery.delivered_at),
    next_attempt_at: delivery.due_at === null ? null : toRfc3339(delivery.due_at),
  };
}
