import { defineErrors } from "../../kit/error.ts";

export const settlementErrors = defineErrors({
  "settlement.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such settlement. Check the id, and that the key is of the settlement's mode (test or live).",
    retryable: false,
    outcome: "none",
  },
  "settlement.settings_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "settlement.settings_missing": {
    type: "invalid_request_error",
    status: 409,
    message: "This merchant has no settlement settings for {currency} in this mode: set its cycle first.",
    retryable: false,
    outcome: "none",
  },
  "settlement.not_on_request": {
    type: "invalid_request_error",
    status: 409,
    message:
      "You are settled by the cycle {cycle}, without asking. Ask the platform for on_request if you want to ask.",
    retryable: false,
    outcome: "none",
  },
  "settlement.nothing_to_settle": {
    type: "invalid_request_error",
    status: 409,
    message: "There is nothing to settle, or less than the minimum of {minimum}. Ask again when more is pending.",
    retryable: true,
    outcome: "none",
  },
  "settlement.in_review": {
    type: "invalid_request_error",
    status: 409,
    message: "The settlement before this one waits for the platform's review. Wait for it: nothing overtakes it.",
    retryable: true,
    outcome: "none",
  },
  "settlement.nothing_left": {
    type: "invalid_request_error",
    status: 409,
    message: "Refunds have drawn all of this settlement since it was made: reject it, and its range goes to the next.",
    retryable: false,
    outcome: "none",
  },
  "settlement.calendar_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
});
