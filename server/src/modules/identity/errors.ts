import { defineErrors } from "../../kit/error.ts";

export const identityErrors = defineErrors({
  "identity.key_missing": {
    type: "authentication_error",
    status: 401,
    message: "No API key was sent. Send the header Authorization: Bearer sk_test_… or sk_live_….",
    retryable: false,
    outcome: "none",
  },
  "identity.key_invalid": {
    type: "authentication_error",
    status: 401,
    message: "This API key is not valid. Check that it was copied whole and belongs to this server.",
    retryable: false,
    outcome: "none",
  },
  "identity.key_revoked": {
    type: "authentication_error",
    status: 401,
    message: "This API key was revoked. Use another key of the app, or create one.",
    retryable: false,
    outcome: "none",
  },
  "identity.key_expired": {
    type: "authentication_error",
    status: 401,
    message: "This API key has expired after a rotation. Use its successor.",
    retryable: false,
    outcome: "none",
  },
  "identity.merchant_inactive": {
    type: "permission_error",
    status: 403,
    message: "This merchant is suspended or closed and cannot call the API. Ask the operator of the platform.",
    retryable: false,
    outcome: "none",
  },
  "identity.app_disabled": {
    type: "permission_error",
    status: 403,
    message: "This app is disabled and cannot call the API. Enable it, or use a key of another app.",
    retryable: false,
    outcome: "none",
  },
  "identity.address_refused": {
    type: "permission_error",
    status: 403,
    message:
      "This API key may not be used from this address. Call from one of its networks, or let the operator add yours.",
    retryable: false,
    outcome: "none",
  },
  "identity.networks_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "Give addresses or networks such as 203.0.113.7 or 203.0.113.0/24. {problem}",
    retryable: false,
    outcome: "none",
  },
  "identity.api_key_not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such API key of this merchant. Check the id; it begins with key_.",
    retryable: false,
    outcome: "none",
  },
  "identity.api_key_ended": {
    type: "conflict_error",
    status: 409,
    message: "This API key was revoked or has expired, so it cannot be rotated. Create a new key.",
    retryable: false,
    outcome: "none",
  },
});
