import { defineErrors } from "../../kit/error.ts";

export const statementErrors = defineErrors({
  "statement.not_found": {
    type: "not_found_error",
    status: 404,
    message:
      "There is no statement of such a day. Give a day that has begun where the merchant is, written like 2026-11-20.",
    retryable: false,
    outcome: "none",
  },
});
