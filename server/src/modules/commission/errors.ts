import { defineErrors } from "../../kit/error.ts";

export const commissionErrors = defineErrors({
  "commission.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such settlement of commission. Check the id; it begins with cms_.",
    retryable: false,
    outcome: "none",
  },
});
