import { toRfc3339 } from "../../kit/clock.ts";
import { publicId } from "../../kit/id.ts";
import type { Attempt, Payment } from "../payment/index.ts";
import { isAutomatic, type Refund } from "./refund.ts";

/** A refund as the API and events show it, with the numbers of its payment. */
export function presentRefund(
  refund: Refund,
  payment: Pick<Payment, "out_trade_no">,
  attempt: Pick<Attempt, "serial_no" | "channel" | "channel_trade_no">,
) {
  return {
    id: publicId("refund", refund.id),
    object: "refund" as const,
    livemode: refund.livemode,
    status: refund.status,
    amount: Number(refund.amount),
    currency: refund.currency,
    payment: publicId("payment", refund.payment_id),
    out_trade_no: payment.out_trade_no,
    serial_no: attempt.serial_no,
    channel_trade_no: attempt.channel_trade_no,
    out_refund_no: refund.out_refund_no,
    refund_no: refund.refund_no,
    channel_refund_no: refund.channel_refund_no,
    channel: attempt.channel,
    reason: refund.reason,
    automatic: isAutomatic(refund),
    from_receivers: Number(refund.from_receivers),
    fee_returned: Number(refund.fee_amount),
    failure: refund.failure_code === null ? null : { code: refund.failure_code, message: refund.failure_message ?? "" },
    created_at: toRfc3339(refund.created_at),
    finished_at: refund.finished_at === null ? null : toRfc3339(refund.finished_at),
  };
}
