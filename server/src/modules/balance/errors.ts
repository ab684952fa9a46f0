import { defineErrors } from "../../kit/error.ts";

export const balanceErrors = defineErrors({
  "balance.instant_invalid": {
    type: "invalid_request_error",
    status: 400,
    message:
      "at must be an instant that has passed, such as 2026-11-20T12:00:00+08:00. Leave it out for the balance now.",
    retryable: false,
    outcome: "none",
  },
});
