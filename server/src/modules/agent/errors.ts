import { defineErrors } from "../../kit/error.ts";

export const agentErrors = defineErrors({
  "agent.not_found": {
    type: "not_found_error",
    status: 404,
    message: "There is no such agent, or it is not below you. Check the id; it begins with agt_.",
    retryable: false,
    outcome: "none",
  },
  "agent.invalid": {
    type: "invalid_request_error",
    status: 400,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "agent.price_out_of_range": {
    type: "invalid_request_error",
    status: 409,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
  "agent.move_refused": {
    type: "conflict_error",
    status: 409,
    message: "{problem}",
    retryable: false,
    outcome: "none",
  },
});
