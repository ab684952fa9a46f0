import { defineErrors } from "../../kit/error.ts";

export const paymentErrors = defineErrors({
  "payment.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such payment. Check the id, and that the key belongs to the app that created it.",
    retryable: false,
    outcome: "none",
  },
  "payment.out_trade_no_conflict": {
    type: "conflict_error",
    status: 409,
    message:
      "out_trade_no {out_trade_no} was used for another payment with other content. Use a new number, or repeat the same request.",
    retryable: false,
    outcome: "none",
  },
  "payment.not_open": {
    type: "conflict_error",
    status: 409,
    message: "The payment is {status} and takes no further attempt. Create a new payment with a new out_trade_no.",
    retryable: false,
    outcome: "none",
  },
  "payment.expired": {
    type: "conflict_error",
    status: 409,
    message: "The payment has expired. Create a new payment with a new out_trade_no.",
    retryable: false,
    outcome: "none",
  },
  "payment.already_succeeded": {
    type: "conflict_error",
    status: 409,
    message: "The payer has paid, so the payment cannot be closed. To give the money back, create a refund.",
    retryable: false,
    outcome: "none",
  },
  "payment.service_fee_unpaid": {
    type: "permission_error",
    status: 403,
    message:
      "No payment through your own channel accounts begins in {currency}: your prepaid service fees have run out. Pay some in advance, and repeat the request.",
    retryable: false,
    outcome: "none",
  },
  "payment.method_unavailable": {
    type: "invalid_request_error",
    status: 400,
    message:
      "No enabled channel account of this merchant collects {currency} by {method}. Add one, enable it, or choose another method.",
    retryable: false,
    outcome: "none",
  },
  "payment.account_ineligible": {
    type: "channel_error",
    status: 402,
    message:
      "No channel account of this merchant takes this payment by {method} now: {reasons}. Change the amount, choose another method, or try later.",
    retryable: true,
    outcome: "none",
  },
  "payment.payer_required": {
    type: "invalid_request_error",
    status: 400,
    message: "{method} needs {field}: the payer's identity towards the channel.",
    retryable: false,
    outcome: "none",
  },
  "payment.auth_code_unknown": {
    type: "invalid_request_error",
    status: 400,
    message:
      "No channel's payment codes look like payer.auth_code. Have the payer open the payment code in the wallet, and scan it again.",
    retryable: false,
    outcome: "none",
  },
  "payment.currency_unsupported": {
    type: "invalid_request_error",
    status: 400,
    message: "{currency} is not a currency that this platform knows. Use an ISO 4217 code such as CNY.",
    retryable: false,
    outcome: "none",
  },
  "payment.notify_url_refused": {
    type: "invalid_request_error",
    status: 400,
    message: "notify_url cannot be used: {reason}.",
    retryable: false,
    outcome: "none",
  },
  "payment.code_refused": {
    type: "invalid_request_error",
    status: 400,
    message:
      "The channel does not take this code: {reason}. Codes are good once, for minutes: get a new one and send it.",
    retryable: false,
    outcome: "none",
  },
  "payment.identity_unavailable": {
    type: "channel_error",
    status: 502,
    message: "The channel did not tell who the payer is: {reason}. Get a new code and send it.",
    retryable: false,
    outcome: "unknown",
  },
  "payment.identity_refused": {
    type: "channel_error",
    status: 402,
    message: "The channel did not tell who the payer is: {reason}. Open the payment page again.",
    retryable: true,
    outcome: "none",
  },
});
