import { defineErrors } from "../../kit/error.ts";

export const approvalErrors = defineErrors({
  "approval.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such approval. Check the id; it begins with apv_.",
    retryable: false,
    outcome: "none",
  },
  "approval.not_pending": {
    type: "conflict_error",
    status: 409,
    message: "This approval is {status} already, so nothing was changed. Read it to see who decided.",
    retryable: false,
    outcome: "none",
  },
  "approval.own_request": {
    type: "permission_error",
    status: 403,
    message: "Nobody decides what they asked for themselves. Let another operator decide, or cancel it.",
    retryable: false,
    outcome: "none",
  },
  "approval.not_maker": {
    type: "permission_error",
    status: 403,
    message: "Only the operator who asked for it cancels it. Reject it instead.",
    retryable: false,
    outcome: "none",
  },
  "approval.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
});
