/** Types and state table of refunds. Pure. */
import type { Transitions } from "../../kit/state-machine.ts";
import type { StoredCommission } from "../../ledger/index.ts";

/**
 * `returning` waits for receivers of shares to give back first; its amount is claimed, and nothing is held in the books. `created` is intent on disk, and the amount claimed; `sent` means that the channel took it; `unknown` that its answer
 * is not known: the claim stays until the channel answers.
 */
export const refundTransitions = {
  returning: ["created", "failed"],
  created: ["sent", "unknown", "succeeded", "failed"],
  sent: ["unknown", "succeeded", "failed"],
  unknown: ["sent", "succeeded", "failed"],
  succeeded: [],
  failed: [],
} as const satisfies Transitions<RefundStatus>;
export type RefundStatus = "returning" | "created" | "sent" | "unknown" | "succeeded" | "failed";

/** A refund that the channel may have to be told of, or asked about. */
export function isOpenRefund(refund: Pick<Refund, "status">): boolean {
  return refund.status === "created" || refund.status === "sent" || refund.status === "unknown";
}

/** A refund as stored. Amounts in minor units of `currency`, instants in epoch milliseconds. */
export interface Refund {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  payment_id: string;
  attempt_id: string;
  /** Null for a refund that the platform started by itself. */
  /** The attempt's channel. */
  channel: string;
  out_refund_no: string | null;
  request_hash: Buffer | null;
  refund_no: string;
  status: RefundStatus;
  amount: bigint;
  currency: string;
  reason: string | null;
  /** Parts of the attempt's fee and cost that come back. */
  fee_amount: bigint;
  cost_amount: bigint;
  /** What agents give back of their parts of the fee; null is nothing. */
  commissions: readonly StoredCommission[] | null;
  /** What the settled balance pays, because too little is pending. */
  from_available: bigint;
  /** What the reserve pays, because both are too little. */
  from_reserve: bigint;
  /** Whether its money was set aside in the books. */
  held: boolean;
  /** What receivers of shares give back within the channel's refund. */
  from_receivers: bigint;
  channel_refund_no: string | null;
  failure_code: string | null;
  failure_message: string | null;
  unknown_reason: string | null;
  created_at: number;
  sent_at: number | null;
  finished_at: number | null;
  query_count: number;
}

/** The platform's own refund of a second success. It touches neither the payment's amounts nor the merchant's balance. */
export function isAutomatic(refund: Pick<Refund, "out_refund_no">): boolean {
  return refund.out_refund_no === null;
}
