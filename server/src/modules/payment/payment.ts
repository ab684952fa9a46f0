/** Types and state tables of payments and attempts. Pure. */
import type { Action, BarcodeRules, Method } from "../../channels/contract.ts";
import type { Transitions } from "../../kit/state-machine.ts";
import type { StoredCommission } from "../../ledger/index.ts";
import type { RoutingDecision } from "../routing/index.ts";

/** `closed` and `failed` may still become `succeeded`: the channel's later word that the payer paid is booked. */
export const paymentTransitions = {
  created: ["processing", "succeeded", "closed", "failed"],
  // An unknown channel answer stays here.
  processing: ["succeeded", "closed", "failed"],
  // Refunds are records of their own.
  succeeded: [],
  closed: ["succeeded"],
  failed: ["succeeded"],
} as const satisfies Transitions<PaymentStatus>;
export type PaymentStatus = "created" | "processing" | "succeeded" | "closed" | "failed";

/**
 * `created` is intent on disk before the channel is called; `sent` means that the channel took the order; `unknown`
 * that its answer is not known. A notice may overtake the answer, so `created` may succeed at once.
 */
export const attemptTransitions = {
  created: ["sent", "unknown", "succeeded", "failed", "closed"],
  sent: ["unknown", "succeeded", "failed", "closed"],
  unknown: ["sent", "succeeded", "failed", "closed"],
  succeeded: [],
  failed: ["succeeded"],
  closed: ["succeeded"],
} as const satisfies Transitions<AttemptStatus>;
export type AttemptStatus = "created" | "sent" | "unknown" | "succeeded" | "failed" | "closed";

/** An attempt whose money may still come. */
export function isOpenAttempt(attempt: Pick<Attempt, "status">): boolean {
  return attempt.status === "created" || attempt.status === "sent" || attempt.status === "unknown";
}

/** The `unknown_reason` of an attempt whose order is cancelled whatever its state, until the channel says that it is. */
export const CANCELLING = "cancelling";

export function isBeingCancelled(attempt: Pick<Attempt, "status" | "unknown_reason">): boolean {
  return attempt.status === "unknown" && attempt.unknown_reason === CANCELLING;
}

/** A payment that the payer may still pay. */
export function isOpenPayment(payment: Pick<Payment, "status">): boolean {
  return payment.status === "created" || payment.status === "processing";
}

/** A payment as stored. Amounts in minor units of `currency`, instants in epoch milliseconds. */
export interface Payment {
  merchant_id: string;
  id: string;
  app_id: string;
  livemode: boolean;
  out_trade_no: string;
  request_hash: Buffer;
  status: PaymentStatus;
  amount: bigint;
  currency: string;
  subject: string;
  description: string | null;
  /** Null where the payer chooses (`cashier`). */
  method: Method | null;
  notify_url: string | null;
  return_url: string | null;
  store: string | null;
  metadata: Record<string, string>;
  expires_at: number;
  created_at: number;
  succeeded_at: number | null;
  closed_at: number | null;
  close_requested: boolean;
  succeeded_attempt_id: string | null;
  channel_trade_no: string | null;
  refunded_amount: bigint;
  refunding_amount: bigint;
  /** What is to be shared of it once it is paid; null where nothing is. */
  sharing: SharingPlan | null;
  /** What receivers got or are about to get of it, less what they gave back. */
  shared_amount: bigint;
}

/** What is to be shared of a payment, as the sharing module has checked it. */
export interface SharingPlan {
  /** Whether the channel is asked to hold the money back until it is shared or released. */
  hold: boolean;
  /** Whom to share with as soon as it is paid; empty where that is decided later. */
  shares: readonly PlannedShare[];
  /** Whether the rest is released at the channel once all have got theirs. */
  release: boolean;
}

/** One receiver of a plan: a fixed amount, or a part of the payment in parts per million. */
export interface PlannedShare {
  /** UUID. */
  receiver_id: string;
  /** Decimal text of minor units. */
  amount?: string;
  ratio_ppm?: number;
  description?: string;
}

/** What the payer gave for an attempt. Personal data. */
export interface Payer {
  openid?: string;
  buyer_id?: string;
  user_id?: string;
  ip?: string;
  /** The code on the payer's phone. It lives in memory until the channel has it, and is never stored. */
  auth_code?: string;
}

/** An attempt as stored. */
export interface Attempt {
  merchant_id: string;
  id: string;
  payment_id: string;
  app_id: string;
  livemode: boolean;
  serial_no: string;
  channel_account_id: string;
  channel: string;
  funding_mode: "direct" | "pooled";
  method: Method;
  status: AttemptStatus;
  amount: bigint;
  currency: string;
  payer: Payer;
  action: Action | null;
  channel_trade_no: string | null;
  /** The channel's number of the order before it is paid, where it is asked by that. */
  channel_order_no: string | null;
  channel_payer: string | null;
  failure_code: string | null;
  failure_message: string | null;
  unknown_reason: string | null;
  close_requested: boolean;
  duplicate: boolean;
  fee_rule_id: string | null;
  fee_amount: bigint;
  fee_returns: boolean;
  cost_amount: bigint;
  cost_returns: boolean;
  /** Where a promotion priced it: the period in whose quota it has a place while it is open, and once it has won. */
  quota_period: string | null;
  /** What agents earn of the fee, the topmost first; null is nobody. */
  commissions: readonly StoredCommission[] | null;
  expires_at: number;
  created_at: number;
  sent_at: number | null;
  finished_at: number | null;
  query_count: number;
  /** How its account was chosen; null for one made before that was kept. */
  routing: RoutingDecision | null;
}

/** Whether an attempt has a place in its promotion's quota: while it may still win, and once it has. */
export function holdsQuota({ quota_period, status, duplicate }: Attempt): boolean {
  if (quota_period === null || duplicate) return false;
  return status === "succeeded" || isOpenAttempt({ status });
}

const QUERY_DELAYS_S = [5, 30, 60, 180, 300, 600, 1800];
const QUERY_DELAY_LAST_S = 3600;

/**
 * How long to wait before asking the channel again, by how often it was asked. After the last, hourly: an open attempt
 * is never dropped silently.
 * @param query_count how often the channel was asked before.
 */
/**
 * The same for an order made by the payer's code, by its age: at the channel's pace while the payer may confirm, and ever
 * longer once it ought to be cancelled and the channel does not answer.
 */
export function barcodeDelay_ms(rules: BarcodeRules, age_ms: number): number {
  const beyond_ms = Math.max(0, age_ms - rules.query_for_ms);
  return Math.min(QUERY_DELAY_LAST_S * 1000, Math.max(rules.query_interval_ms, Math.floor(beyond_ms / 2)));
}

/** The wait before the question after `query_count` others. */
export function queryDelay_ms(query_count: number): number {
  return (QUERY_DELAYS_S[query_count] ?? QUERY_DELAY_LAST_S) * 1000;
}
