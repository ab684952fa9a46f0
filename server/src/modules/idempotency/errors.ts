import { defineErrors } from "../../kit/error.ts";

export const idempotencyErrors = defineErrors({
  "idempotency.key_reused": {
    type: "conflict_error",
    status: 409,
    message:
      "This Idempotency-Key was used for another request. Use a new key for a new request, or repeat the first request unchanged.",
    retryable: false,
    outcome: "none",
  },
});
