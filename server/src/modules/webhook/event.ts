/** An event: a fact about a payment, a refund or a payout, immutable, and the body of every webhook that tells of it. */
import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";

/** Every event type. An endpoint chooses among them; an empty choice means all. */
export const eventTypes = [
  // The payer paid, and the money is in the merchant's book.
  "payment.succeeded",
  // Closed or expired without payment. A late notice may still make it succeed.
  "payment.closed",
  // The channel refused it for good.
  "payment.failed",
  // A second attempt of a paid payment was paid too; its money is being refunded by itself.
  "payment.duplicate_succeeded",
  // The money went back to the payer.
  "refund.succeeded",
  // The channel refused the refund; the amount may be refunded again.
  "refund.failed",
  // The payer asked the channel for the money back (chargeback).
  "dispute.created",
  // The channel said something new about it.
  "dispute.updated",
  // It ended: won, lost or withdrawn.
  "dispute.closed",
  // What was pending became available.
  "settlement.created",
  // A part of a settlement that was held back became available.
  "reserve.released",
  // The operator froze the account for money that comes in or goes out, or an amount of it.
  "account.frozen",
  // It is free again, or a part of it.
  "account.unfrozen",
  // What is available was set aside to be paid out.
  "payout.created",
  // A person of the platform looks at it first.
  "payout.in_review",
  // The channel or the bank has it; where the beneficiary must confirm, `action` says how.
  "payout.sent",
  // The beneficiary has the money.
  "payout.succeeded",
  // Nothing was paid; what was set aside is available again.
  "payout.failed",
  // The bank gave back what was paid; it is available again.
  "payout.returned",
  // It was taken back before anybody was told to pay.
  "payout.cancelled",
  // Parts of a payment are to go to receivers.
  "sharing_order.created",
  // All receivers got their parts.
  "sharing_order.succeeded",
  // Some did; the others' parts are the merchant's again, and may be tried once more.
  "sharing_order.partially_succeeded",
  // None did.
  "sharing_order.failed",
  // A receiver gave back.
  "sharing_return.succeeded",
  // A receiver did not give back.
  "sharing_return.failed",
  // A day of an account of the merchant's own with a channel is reconciled, for good.
  "reconciliation.day_closed",
  // The channel's bill of such an account and the books differ, and somebody must look.
  "reconciliation.case_opened",
  // Direct mode: an invoice of service fees is to be paid by its day.
  "service_fee_invoice.issued",
  // It was paid whole.
  "service_fee_invoice.paid",
  // It was not paid by its day.
  "service_fee_invoice.overdue",
  // What is left of the prepaid fees has fallen below the warning.
  "service_fee.balance_low",
  // It has fallen below the limit: no new payment in direct mode begins.
  "service_fee.stopped",
  // Enough was paid in advance: payments in direct mode go on.
  "service_fee.resumed",
  // A certificate or key of an account of the merchant's own with a channel expires soon, or has.
  "channel_account.credential_expiring",
  // Asked for by the merchant to try an endpoint.
  "webhook_endpoint.test",
] as const;
export type EventType = (typeof eventTypes)[number];

/** What a use case records in the transaction of its effect. */
export interface NewEvent {
  /** A UUIDv7; also the `webhook-id` by which receivers recognize a repetition. */
  id: string;
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  type: EventType;
  /** UUID of the object that the event is about. */
  object_id: string;
  /** The object as the API shows it, of JSON values only. */
  data: unknown;
  /** Epoch milliseconds. */
  created_at: number;
  /** The payment's own address, told besides the app's endpoints. Checked when the payment was created. */
  notify_url?: string | null;
}

/** An event as it is stored. `data_json` is the exact text that was recorded. */
export interface StoredEvent {
  merchant_id: string;
  app_id: string;
  livemode: boolean;
  id: string;
  type: string;
  data_json: string;
  created_at: number;
}

/** An event as the API shows it. */
export interface EventView {
  id: string;
  object: "event";
  type: string;
  created_at: string;
  livemode: boolean;
  data: { object: unknown };
}

/** The event as the API shows it; `renderEvent` gives the same content as text. */
export function presentEvent(event: StoredEvent): EventView {
  return {
    id: publicId("event", event.id),
    object: "event",
    type: event.type,
    created_at: toRfc3339(event.created_at),
    livemode: event.livemode,
    data: { object: JSON.parse(event.data_json) },
  };
}

/**
 * The body of a webhook. The recorded text goes in as it is, never parsed and written again, so that the body has the
 * same bytes on every try and number literals keep their form.
 */
export function renderEvent(event: Omit<StoredEvent, "merchant_id" | "app_id">): string {
  const head = JSON.stringify({
    id: publicId("event", event.id),
    object: "event",
    type: event.type,
    created_at: toRfc3339(event.created_at),
    livemode: event.livemode,
  });
  return `${head.slice(0, -1)},"data":{"object":${event.data_json}}}`;
}
