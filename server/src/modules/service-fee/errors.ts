import { defineErrors } from "../../kit/error.ts";

export const serviceFeeErrors = defineErrors({
  "service_fee_invoice.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such invoice. Check the id, and that the key is of the invoice's mode (test or live).",
    retryable: false,
    outcome: "none",
  },
  "service_fee.billing_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "service_fee.billing_missing": {
    type: "invalid_request_error",
    status: 409,
    message: "This merchant is not billed in {currency} in this mode: set how first.",
    retryable: false,
    outcome: "none",
  },
  "service_fee.invoice_state": {
    type: "conflict_error",
    status: 409,
    message: "The invoice is {status}, so this cannot be done with it.",
    retryable: false,
    outcome: "none",
  },
  "service_fee.amount_exceeds_due": {
    type: "invalid_request_error",
    status: 409,
    message: "{due} of the invoice is due, in minor units: record that much at most, and the rest as a top-up.",
    retryable: false,
    outcome: "none",
  },
  "service_fee.reference_used": {
    type: "conflict_error",
    status: 409,
    message: "The reference {reference} was recorded already with another amount. Check the bank's statement.",
    retryable: false,
    outcome: "none",
  },
  "service_fee.prepaid_insufficient": {
    type: "invalid_request_error",
    status: 409,
    message:
      "Less than that is left of the prepaid balance, in minor units: {left}, once fees that are due are taken off.",
    retryable: false,
    outcome: "none",
  },
});
