import { defineErrors } from "../../kit/error.ts";

export const userErrors = defineErrors({
  "user.credentials_wrong": {
    type: "authentication_error",
    status: 401,
    message: "Email and password do not belong together. Check both, or ask the operator for a new password.",
    retryable: false,
    outcome: "none",
  },
  "user.not_signed_in": {
    type: "authentication_error",
    status: 401,
    message: "Nobody is signed in, or the session is over. Sign in.",
    retryable: false,
    outcome: "none",
  },
  "user.email_taken": {
    type: "conflict_error",
    status: 409,
    message: "There is a user with this email already. Take another one, or give that user a new password.",
    retryable: false,
    outcome: "none",
  },
  "user.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no user with this email. Check its spelling.",
    retryable: false,
    outcome: "none",
  },
  "user.not_operator": {
    type: "permission_error",
    status: 403,
    message: "Only an active operator may do this. Sign in as one, or name the email of one.",
    retryable: false,
    outcome: "none",
  },
  "user.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
});
