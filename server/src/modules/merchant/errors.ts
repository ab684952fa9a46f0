import { defineErrors } from "../../kit/error.ts";

export const merchantErrors = defineErrors({
  "merchant.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such merchant. Check the id; it begins with mch_.",
    retryable: false,
    outcome: "none",
  },
  "merchant.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "app.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such app of this merchant. Check the id; it begins with app_.",
    retryable: false,
    outcome: "none",
  },
});
