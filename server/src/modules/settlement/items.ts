/**
 * What a batch is listed and added up by. Every kind of transaction has its place here, so that a new one cannot be
 * forgotten: the types ask for it, and a test holds it against the guide's worked examples.
 */
import type { TransactionKind } from "../../ledger/index.ts";

export const itemTypes = ["payment", "refund", "share", "freeze", "adjustment"] as const;
export type ItemType = (typeof itemTypes)[number];

/** Under what a transaction that moves `merchant_pending` is listed; null for one that never moves it. */
export const itemTypeOfKind: Readonly<Record<TransactionKind, ItemType | null>> = {
  payment_succeeded: "payment",
  duplicate_payment_succeeded: null,
  refund_initiated: "refund",
  refund_succeeded: null,
  refund_failed: "refund",
  duplicate_refund_succeeded: null,
  // What a range is settled by; left out of it.
  settlement_created: null,
  reserve_released: null,
  funds_frozen: "freeze",
  funds_released: "freeze",
  adjustment_made: "adjustment",
  // Of what is available.
  payout_initiated: null,
  payout_succeeded: null,
  payout_failed: null,
  payout_cancelled: null,
  payout_returned: null,
  commission_settled: null,
  commission_received: null,
  sharing_initiated: "share",
  sharing_succeeded: null,
  sharing_failed: "share",
  share_received: "share",
  sharing_return_succeeded: "share",
  share_returned: "share",
  channel_settled: null,
  channel_fee_adjusted: null,
  difference_suspended: null,
  difference_recovered: null,
  difference_written_off: null,
  difference_adjusted: "adjustment",
  service_fee_topped_up: null,
  service_fee_returned: null,
  service_fee_paid: null,
  service_fee_deducted: null,
  service_fee_collected: null,
  reversal: "adjustment",
};
