/** Types and state tables of sharings, their parts, returns and releases. Pure. */
import type { Transitions } from "../../kit/state-machine.ts";
import type { SharingPlan } from "../payment/index.ts";

/**
 * An order `scheduled` by a payment has claimed nothing yet. `created` has its parts' money set aside; `processing` means that
 * some are under way. What failed may be tried again with parts of its own.
 */
export const orderTransitions = {
  scheduled: ["created", "failed"],
  created: ["processing", "succeeded", "partially_succeeded", "failed"],
  processing: ["succeeded", "partially_succeeded", "failed"],
  succeeded: [],
  partially_succeeded: ["processing"],
  failed: ["scheduled", "processing"],
} as const satisfies Transitions<OrderStatus>;
export type OrderStatus = "scheduled" | "created" | "processing" | "succeeded" | "partially_succeeded" | "failed";

/** Of parts, returns and releases: as of refunds. */
export const moveTransitions = {
  created: ["sent", "unknown", "succeeded", "failed"],
  sent: ["unknown", "succeeded", "failed"],
  unknown: ["sent", "succeeded", "failed"],
  succeeded: [],
  failed: [],
} as const satisfies Transitions<MoveStatus>;
export type MoveStatus = "created" | "sent" | "unknown" | "succeeded" | "failed";

/** Whether its end is still to come. */
export function isOpen({ status }: { status: MoveStatus }): boolean {
  return status === "created" || status === "sent" || status === "unknown";
}

/** What a refund does that is larger than what is left: receivers give back first, it is refused, or the merchant pays. */
export const refundPolicies = ["return", "refuse", "merchant"] as const;
export type RefundPolicy = (typeof refundPolicies)[number];

/** The lane of what no channel takes part in. */
export const BOOKS = "books";

interface Failure {
  failure_code: string | null;
  failure_message: string | null;
}

interface Asked {
  unknown_reason: string | null;
  query_count: number;
}

/** A sharing of one payment as stored. Instants in epoch milliseconds. */
export interface SharingOrder extends Failure, Asked {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  payment_id: string;
  attempt_id: string;
  /** Whose worker looks after it: the channel's, or that of the books. */
  lane: string;
  channel: string;
  channel_account_id: string;
  funding_mode: "direct" | "pooled";
  /** Null for one that the payment itself asked for. */
  out_sharing_no: string | null;
  request_hash: Buffer | null;
  status: OrderStatus;
  currency: string;
  plan: SharingPlan | null;
  /** Whether the rest is released at the channel once every part has succeeded. */
  release_rest: boolean;
  refund_policy: RefundPolicy;
  /** Our number at the channel of what is under way or was the last. */
  sharing_no: string;
  /** When the channel may have been told of `sharing_no`; null while it certainly was not. */
  sent_at: number | null;
  channel_sharing_no: string | null;
  created_at: number;
  /** The channel takes it no sooner. */
  ready_at: number;
  finished_at: number | null;
}

/** What one receiver gets. Amounts in minor units. */
export interface SharingPart extends Failure {
  merchant_id: string;
  id: string;
  order_id: string;
  payment_id: string;
  livemode: boolean;
  receiver_id: string;
  mode: "books" | "channel";
  receiver_merchant_id: string | null;
  sharing_no: string;
  status: MoveStatus;
  amount: bigint;
  currency: string;
  description: string;
  from_available: bigint;
  returned_amount: bigint;
  /** Claimed by returns whose result is not known. */
  returning_amount: bigint;
  /** Claimed by refunds that take it back themselves. */
  refunding_amount: bigint;
  /** It failed, and another part took its place. */
  retried: boolean;
  created_at: number;
  finished_at: number | null;
}

/** What a receiver gives back of its part. */
export interface SharingReturn extends Failure, Asked {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  order_id: string;
  part_id: string;
  payment_id: string;
  lane: string;
  /** Null for one that a refund asked for. */
  out_return_no: string | null;
  request_hash: Buffer | null;
  refund_id: string | null;
  /** The channel takes it back with the refund. */
  carried: boolean;
  return_no: string;
  status: MoveStatus;
  amount: bigint;
  currency: string;
  /** In the books: what the receiver's settled balance paid. */
  from_available: bigint;
  created_at: number;
  finished_at: number | null;
}

/** The end of sharing a payment at its channel. */
export interface SharingRelease extends Failure, Asked {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  payment_id: string;
  attempt_id: string;
  channel: string;
  release_no: string;
  status: MoveStatus;
  created_at: number;
  finished_at: number | null;
}

/** What a receiver has of a part: as good as gone while its result is not known, and back only when it is. */
export function heldByReceiver(part: SharingPart): bigint {
  return part.status === "failed" ? 0n : part.amount - part.returned_amount - part.refunding_amount;
}

/** What may still be asked back of a part. */
export function returnable(part: SharingPart): bigint {
  if (part.status !== "succeeded") return 0n;
  return part.amount - part.returned_amount - part.returning_amount - part.refunding_amount;
}

/** Where an order stands by its parts. */
export function statusByParts(parts: readonly SharingPart[]): OrderStatus {
  const current = parts.filter(({ retried }) => !retried);
  if (current.some(isOpen)) return "processing";
  const succeeded = current.filter(({ status }) => status === "succeeded").length;
  if (succeeded === current.length) return "succeeded";
  return succeeded === 0 ? "failed" : "partially_succeeded";
}
