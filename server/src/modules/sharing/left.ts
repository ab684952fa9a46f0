/** What of a payment may still be shared. Pure. */
import type { Attempt, Payment } from "../payment/index.ts";
import type { Refund } from "../refund/index.ts";
import { heldByReceiver, type SharingPart } from "./sharing.ts";

/**
 * What was paid, less the fee, refunds and refunds under way with their parts of the fee, and what receivers have or are about
 * to get. Below zero where the merchant has refunded more than that.
 * @param refunds of the payment, those that failed and those of second successes left out.
 */
export function leftToShare(
  attempt: Pick<Attempt, "amount" | "fee_amount">,
  refunds: readonly Pick<Refund, "amount" | "fee_amount">[],
  parts: readonly SharingPart[],
): bigint {
  const refunded = refunds.reduce((sum, refund) => sum + refund.amount - refund.fee_amount, 0n);
  const shared = parts.reduce((sum, part) => sum + heldByReceiver(part), 0n);
  return attempt.amount - attempt.fee_amount - refunded - shared;
}

/** The refunds that count: not failed, and not of a second success. */
export function countedRefunds(refunds: readonly Refund[], payment: Pick<Payment, "succeeded_attempt_id">): Refund[] {
  return refunds.filter(({ status, attempt_id }) => status !== "failed" && attempt_id === payment.succeeded_attempt_id);
}

/** What channels have or are about to pass on of a payment. */
export function sharedByChannel(parts: readonly SharingPart[]): bigint {
  return parts.filter(({ mode }) => mode === "channel").reduce((sum, part) => sum + heldByReceiver(part), 0n);
}
