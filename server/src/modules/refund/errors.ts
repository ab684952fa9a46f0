import { defineErrors } from "../../kit/error.ts";

export const refundErrors = defineErrors({
  "refund.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such refund. Check the id, and that the key belongs to the app that created it.",
    retryable: false,
    outcome: "none",
  },
  "refund.out_refund_no_conflict": {
    type: "conflict_error",
    status: 409,
    message:
      "out_refund_no {out_refund_no} was used for another refund with other content. Use a new number, or repeat the same request.",
    retryable: false,
    outcome: "none",
  },
  "refund.payment_not_succeeded": {
    type: "conflict_error",
    status: 409,
    message: "The payment is {status}; only a payment that has succeeded can be refunded.",
    retryable: false,
    outcome: "none",
  },
  "refund.amount_exceeds_refundable": {
    type: "invalid_request_error",
    status: 400,
    message:
      "At most {refundable} can be refunded now: what was paid, less what is refunded or being refunded. Ask for that or less.",
    retryable: false,
    outcome: "none",
  },
  "refund.window_passed": {
    type: "invalid_request_error",
    status: 400,
    message:
      "The channel refunds within {days} days of the payment, and that time has passed. Pay the payer back another way.",
    retryable: false,
    outcome: "none",
  },
  "refund.too_many": {
    type: "invalid_request_error",
    status: 400,
    message:
      "The channel takes at most {count} refunds of one payment, and there were as many. Pay the payer back another way.",
    retryable: false,
    outcome: "none",
  },
  "refund.insufficient_balance": {
    type: "conflict_error",
    status: 409,
    message: "The merchant's balance does not cover this refund. Collect or deposit first, then ask again.",
    retryable: true,
    outcome: "none",
  },
  "refund.not_redirectable": {
    type: "conflict_error",
    status: 409,
    message: "This refund cannot be sent another way: {reason}. Look at it at the channel's portal.",
    retryable: false,
    outcome: "none",
  },
  "refund.redirect_unknown": {
    type: "channel_error",
    status: 502,
    message:
      "The channel did not say whether it sends the refund another way: {reason}. Repeat it: the channel is asked first.",
    retryable: true,
    outcome: "unknown",
  },
});
