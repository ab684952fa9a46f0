import { defineErrors } from "../../kit/error.ts";

export const channelAccountErrors = defineErrors({
  "channel_account.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such channel account. Check the id; it begins with ca_.",
    retryable: false,
    outcome: "none",
  },
  "channel_account.channel_unknown": {
    type: "invalid_request_error",
    status: 400,
    message: "There is no channel of that name. Choose one of those that the documentation lists.",
    retryable: false,
    outcome: "none",
  },
  "channel_account.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "The channel account cannot be used as it is: {problem}",
    retryable: false,
    outcome: "none",
  },
  "channel_account.not_connected": {
    type: "channel_error",
    status: 422,
    message: "The channel account was not saved, because its connection does not work: {problem}",
    retryable: true,
    outcome: "none",
  },
  "channel_account.identity_fixed": {
    type: "invalid_request_error",
    status: 400,
    message: "The numbers by which the channel knows an account cannot change. Create a new account for other numbers.",
    retryable: false,
    outcome: "none",
  },
  "channel_account.binding_refused": {
    type: "permission_error",
    status: 403,
    message: "A direct channel account collects for its owner alone and cannot be bound to another merchant.",
    retryable: false,
    outcome: "none",
  },
});
