import { defineErrors } from "../../kit/error.ts";

export const feeErrors = defineErrors({
  "fee.invalid_rule": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
});
