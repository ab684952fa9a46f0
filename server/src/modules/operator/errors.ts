import { defineErrors } from "../../kit/error.ts";

export const operatorErrors = defineErrors({
  "operator.origin_refused": {
    type: "permission_error",
    status: 403,
    message:
      "A request that changes something and carries the session's cookie must come from a page of this server. Send it from the console, or send the token as Authorization: Bearer.",
    retryable: false,
    outcome: "none",
  },
});
