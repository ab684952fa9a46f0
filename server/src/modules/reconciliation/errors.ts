import { defineErrors } from "../../kit/error.ts";

export const reconciliationErrors = defineErrors({
  "reconciliation.rules_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.day_not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such day of this channel account. Check the account's id and the day.",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.day_closed": {
    type: "conflict_error",
    status: 409,
    message: "{day} is closed and stays as it is. Give what is new to the first day that is open.",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.bill_refused": {
    type: "invalid_request_error",
    status: 400,
    message: "The bill is refused ({code}): {problem} Nothing of it was loaded.",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.bill_unreadable": {
    type: "invalid_request_error",
    status: 400,
    message: "Bills of the kind {kind} are not read for the channel {channel}.",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.cannot_close": {
    type: "conflict_error",
    status: 409,
    message: "The day cannot close: {problem}",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.case_not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such case. Check the id.",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.case_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "reconciliation.balance_too_low": {
    type: "conflict_error",
    status: 409,
    message:
      "The merchant's pending balance is too low to bear this: choose another action, or wait until it has grown.",
    retryable: true,
    outcome: "none",
  },
});
