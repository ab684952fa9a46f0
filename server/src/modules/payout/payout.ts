/** Types and state table of payouts. Pure. */
import type { Action } from "../../channels/contract.ts";
import type { Transitions } from "../../kit/state-machine.ts";

/**
 * `created` is accepted, its money held; what keeps it from being paid is looked at next. `in_review` waits for a person.
 * `pending` may be paid and nobody was told. `sent` is intent on disk: from then on only the channel, or for a bank a
 * person, can say what became of it. `succeeded` may still come back: a bank returns a remittance days later.
 */
export const payoutTransitions = {
  created: ["in_review", "pending", "failed", "cancelled"],
  in_review: ["pending", "failed", "cancelled"],
  pending: ["sent", "failed", "cancelled"],
  sent: ["unknown", "succeeded", "failed"],
  unknown: ["sent", "succeeded", "failed"],
  succeeded: ["returned"],
  failed: [],
  returned: [],
  cancelled: [],
} as const satisfies Transitions<PayoutStatus>;
export type PayoutStatus =
  | "created"
  | "in_review"
  | "pending"
  | "sent"
  | "unknown"
  | "succeeded"
  | "failed"
  | "returned"
  | "cancelled";
export const payoutStatuses = Object.keys(payoutTransitions) as PayoutStatus[];

/** Its money is on its way: nobody but who was told to pay can say whether it left. */
export function isUnderWay({ status }: Pick<Payout, "status">): boolean {
  return status === "sent" || status === "unknown";
}

/** Nobody was told to pay yet. */
export function isUntold({ status }: Pick<Payout, "status">): boolean {
  return status === "created" || status === "in_review" || status === "pending";
}

/** The payer that is no channel: our bank, told by a file. */
export const BANK = "bank";

/** What a payout waits for before anybody is told: an account's cooling, that its book may pay out, somebody who can pay. */
export type WaitsFor = "cooling" | "refused" | "no_channel";

/** A payout as stored. Amounts in minor units of `currency`, instants in epoch milliseconds. */
export interface Payout {
  merchant_id: string;
  id: string;
  livemode: boolean;
  /** Null when the platform made it by itself after a settlement; then `out_payout_no` is null too. */
  app_id: string | null;
  out_payout_no: string | null;
  request_hash: Buffer | null;
  status: PayoutStatus;
  currency: string;
  /** What was asked for. */
  amount: bigint;
  /** What the beneficiary gets. */
  transfer_amount: bigint;
  fee_amount: bigint;
  fee_returns: boolean;
  cost_amount: bigint;
  beneficiary_id: string;
  beneficiary_version: number;
  title: string | null;
  metadata: Record<string, string>;
  batch_id: string | null;
  batch_line: number | null;
  settlement_id: string | null;
  approval_id: string | null;
  channel: string | null;
  channel_account_id: string | null;
  bank_file_id: string | null;
  transfer_no: string;
  channel_transfer_no: string | null;
  action: Action | null;
  waits_for: WaitsFor | null;
  failure_code: string | null;
  failure_message: string | null;
  unknown_reason: string | null;
  recorded_by: string | null;
  created_at: number;
  sent_at: number | null;
  succeeded_at: number | null;
  finished_at: number | null;
  call_count: number;
  query_count: number;
}

/** A payout as the ledger's templates take it. */
export function bookedPayout(payout: Payout, now: number) {
  return {
    merchant_id: payout.merchant_id,
    livemode: payout.livemode,
    payout_id: payout.id,
    amount: { amount: payout.transfer_amount, currency: payout.currency },
    fee: payout.fee_amount,
    cost: payout.cost_amount,
    channel_account_id: payout.channel_account_id,
    fee_returns: payout.fee_returns,
    occurred_at: now,
  };
}
