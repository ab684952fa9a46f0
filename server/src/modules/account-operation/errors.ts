import { defineErrors } from "../../kit/error.ts";

export const accountErrors = defineErrors({
  "account.credit_frozen": {
    type: "permission_error",
    status: 403,
    message: "This merchant's {currency} account is frozen for money that comes in. Ask the operator of the platform.",
    retryable: false,
    outcome: "none",
  },
  "account.debit_frozen": {
    type: "permission_error",
    status: 403,
    message: "This merchant's {currency} account is frozen for money that goes out. Ask the operator of the platform.",
    retryable: false,
    outcome: "none",
  },
  "account.closed": {
    type: "permission_error",
    status: 403,
    message: "This merchant's {currency} account is closed. Ask the operator of the platform to open it again.",
    retryable: false,
    outcome: "none",
  },
});
