import { defineErrors } from "../../kit/error.ts";

export const routingErrors = defineErrors({
  "routing.rule_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "routing.limit_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "routing.rule_not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such routing rule of this merchant. Check the id; it begins with rt_.",
    retryable: false,
    outcome: "none",
  },
  "routing.account_not_bound": {
    type: "invalid_request_error",
    status: 400,
    message: "{account} is not bound to this merchant in this mode. Bind it first, or name another.",
    retryable: false,
    outcome: "none",
  },
});
