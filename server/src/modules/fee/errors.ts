import { defineErrors } from "../../kit/error.ts";

export const feeErrors = defineErrors({
  "fee.invalid_rule": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "fee.rule_not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such fee rule. Check the id, and whose rule it is.",
    retryable: false,
    outcome: "none",
  },
  "fee.rule_ended": {
    type: "invalid_request_error",
    status: 409,
    message: "This rule ends by then already: an end can only be moved to an earlier moment.",
    retryable: false,
    outcome: "none",
  },
});
