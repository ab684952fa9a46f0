import { defineErrors } from "../../kit/error.ts";

export const reserveErrors = defineErrors({
  "reserve.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such reserve. Check the id, and that the key is of the reserve's mode (test or live).",
    retryable: false,
    outcome: "none",
  },
  "reserve.settings_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "reserve.amount_exceeds_held": {
    type: "invalid_request_error",
    status: 409,
    message: "Of this reserve {held} are held, less than is to be released. Release what is held, or nothing.",
    retryable: false,
    outcome: "none",
  },
});
