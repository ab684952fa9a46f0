import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Attempt, Payment } from "../payment/index.ts";
import type { Dispute } from "./dispute.ts";

/** A dispute as the API and events show it, with the numbers of its payment. */
export function presentDispute(
  dispute: Dispute,
  payment: Pick<Payment, "out_trade_no">,
  attempt: Pick<Attempt, "serial_no" | "channel_trade_no">,
) {
  return {
    id: publicId("dispute", dispute.id),
    object: "dispute" as const,
    livemode: dispute.livemode,
    status: dispute.status,
    amount: Number(dispute.amount),
    currency: dispute.currency,
    reason: dispute.reason,
    respond_by: dispute.respond_by === null ? null : toRfc3339(dispute.respond_by),
    payment: publicId("payment", dispute.payment_id),
    out_trade_no: payment.out_trade_no,
    serial_no: attempt.serial_no,
    channel_trade_no: attempt.channel_trade_no,
    channel: dispute.channel,
    channel_dispute_no: dispute.channel_dispute_no,
    stated_at: toRfc3339(dispute.stated_at),
    created_at: toRfc3339(dispute.created_at),
    updated_at: toRfc3339(dispute.updated_at),
  };
}
