import { defineErrors } from "../../kit/error.ts";

const refusal = { type: "conflict_error", status: 409, retryable: false, outcome: "none" } as const;

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
  "account.operation_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "account_operation.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such account operation. Check the id; it begins with aop_.",
    retryable: false,
    outcome: "none",
  },
  "account.unchanged": {
    ...refusal,
    message: "The account is so already, so there is nothing to do. Read its controls.",
  },
  "account.insufficient": {
    ...refusal,
    message: "The account holds too little {account}: {balance} would be left. Read its balances.",
  },
  "account.not_zero": {
    ...refusal,
    message: "The account is not empty, so it cannot be closed: {accounts}. Settle, pay out or release it first.",
  },
  "account.release_too_high": {
    ...refusal,
    message: "Only {left} of that frozen amount are left. Release that much at most.",
  },
  "account.not_reversible": {
    ...refusal,
    message: "This transaction cannot be taken back: {problem}.",
  },
});
