/** What a dispute is, and what a channel's statement changes. Pure. */
import type { ChannelDispute } from "../../channels/contract.ts";

export const disputeStatuses = ["needs_response", "under_review", "won", "lost", "closed"] as const;
export type DisputeStatus = (typeof disputeStatuses)[number];

/** A dispute as stored. Amounts in minor units of `currency`, instants in epoch milliseconds. */
export interface Dispute {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  payment_id: string;
  attempt_id: string;
  channel: string;
  channel_account_id: string;
  channel_dispute_no: string;
  status: DisputeStatus;
  amount: bigint;
  currency: string;
  /** The channel's own word. */
  reason: string;
  respond_by: number | null;
  /** When the channel said so. */
  stated_at: number;
  created_at: number;
  updated_at: number;
}

/** Whether nothing more is expected of the merchant or the channel. */
export function isEnded({ status }: Pick<Dispute, "status">): boolean {
  return status === "won" || status === "lost" || status === "closed";
}

/**
 * The dispute after a statement, or undefined when the statement changes nothing: it says what is known, or is older. Of
 * two statements of the same instant (channels count in seconds) the one that ends the dispute counts.
 */
export function takeStatement(dispute: Dispute, stated: ChannelDispute, now: number): Dispute | undefined {
  const { status, reason, stated_at } = stated;
  if (stated_at < dispute.stated_at) return undefined;
  if (stated_at === dispute.stated_at && isEnded(dispute)) return undefined;
  const { amount, currency } = stated.amount;
  const next: Dispute = {
    ...dispute,
    ...{ status, reason, stated_at, amount, currency },
    respond_by: stated.respond_by ?? null,
    updated_at: now,
  };
  const changed = (["status", "reason", "amount", "currency", "respond_by"] as const).some(
    (field) => next[field] !== dispute[field],
  );
  return changed ? next : undefined;
}
