import { defineErrors } from "../../kit/error.ts";

export const disputeErrors = defineErrors({
  "dispute.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such dispute. Check the id, and that the key belongs to the app that created the payment.",
    retryable: false,
    outcome: "none",
  },
});
