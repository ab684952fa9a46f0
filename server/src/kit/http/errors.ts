import { defineErrors } from "../error.ts";

/** What the door itself refuses, before any use case is asked. */
export const doorErrors = defineErrors({
  "request.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "request.malformed": {
    type: "invalid_request_error",
    status: 400,
    message: "The request is not valid HTTP. Check the request line, the headers and the Content-Length.",
    retryable: false,
    outcome: "none",
  },
  "request.malformed_json": {
    type: "invalid_request_error",
    status: 400,
    message: "The body is not valid JSON. Send one JSON object in UTF-8.",
    retryable: false,
    outcome: "none",
  },
  "request.unsupported_media_type": {
    type: "invalid_request_error",
    status: 415,
    message: "The body's type is not accepted here. Send JSON with the header Content-Type: application/json.",
    retryable: false,
    outcome: "none",
  },
  "request.body_too_large": {
    type: "invalid_request_error",
    status: 413,
    message: "The body is larger than this server accepts. Send less; metadata is for references, not for documents.",
    retryable: false,
    outcome: "none",
  },
  "request.uri_too_long": {
    type: "invalid_request_error",
    status: 414,
    message: "A part of the path is longer than any identifier of ours. Check the id in the path.",
    retryable: false,
    outcome: "none",
  },
  "request.headers_too_large": {
    type: "invalid_request_error",
    status: 431,
    message: "The request's headers are larger than this server accepts. Send fewer or shorter headers and cookies.",
    retryable: false,
    outcome: "none",
  },
  "request.timeout": {
    type: "invalid_request_error",
    status: 408,
    message: "The request did not arrive completely in time. Send it again.",
    retryable: true,
    outcome: "none",
  },
  "request.route_not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is nothing at this address. Compare the path with the API reference at /docs.",
    retryable: false,
    outcome: "none",
  },
  "request.method_not_allowed": {
    type: "invalid_request_error",
    status: 405,
    message: "This address does not answer {method}. Use {allowed}.",
    retryable: false,
    outcome: "none",
  },
  "request.rate_limited": {
    type: "rate_limit_error",
    status: 429,
    message: "Too many requests. Wait the seconds given in Retry-After, then send the same request again.",
    retryable: true,
    outcome: "none",
  },
  "request.idempotency_key_invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "Idempotency-Key must be 1 to 255 visible ASCII characters. A UUID is a good choice.",
    retryable: false,
    outcome: "none",
  },
  "request.cursor_not_found": {
    type: "invalid_request_error",
    status: 400,
    message: "{param} must be the id of an object of this list. Take it from an earlier page.",
    retryable: false,
    outcome: "none",
  },
  "api.internal": {
    type: "api_error",
    status: 500,
    message:
      "Something went wrong on our side. Ask for the object's state before you try again, and tell support the request id.",
    retryable: true,
    outcome: "unknown",
  },
  "api.unavailable": {
    type: "api_error",
    status: 503,
    message:
      "The service cannot answer at the moment. Wait the seconds given in Retry-After and send the same request again, with the same Idempotency-Key or number.",
    retryable: true,
    outcome: "unknown",
  },
});
