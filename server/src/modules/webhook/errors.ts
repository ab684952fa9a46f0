import { defineErrors } from "../../kit/error.ts";

/** What this module refuses. */
export const webhookErrors = defineErrors({
  "webhook.url_refused": {
    type: "invalid_request_error",
    status: 400,
    message: "This address cannot receive webhooks: {reason}.",
    retryable: false,
    outcome: "none",
  },
  "webhook_endpoint.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such webhook endpoint. Check the id, and that the key belongs to its app and mode.",
    retryable: false,
    outcome: "none",
  },
  "webhook_endpoint.limit_reached": {
    type: "conflict_error",
    status: 409,
    message: "The app has {limit} webhook endpoints, which is the most it can have. Delete one that is no longer used.",
    retryable: false,
    outcome: "none",
  },
  "webhook_endpoint.disabled": {
    type: "conflict_error",
    status: 409,
    message: "The webhook endpoint is disabled. Set its status to enabled, then try again.",
    retryable: false,
    outcome: "none",
  },
  "event.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such event. Check the id, and that the key belongs to the app and mode it happened in.",
    retryable: false,
    outcome: "none",
  },
  "event.no_receiver": {
    type: "conflict_error",
    status: 409,
    message: "Nobody would receive this event: create or enable a webhook endpoint for its type, or name one.",
    retryable: false,
    outcome: "none",
  },
});
