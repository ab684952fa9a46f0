import { defineErrors } from "../../kit/error.ts";

export const agentPortalErrors = defineErrors({
  "agent.not_agent": {
    type: "permission_error",
    status: 403,
    message: "Only people of an agent enter here. Sign in as one, or ask the operator for an account.",
    retryable: false,
    outcome: "none",
  },
  "agent.origin_refused": {
    type: "permission_error",
    status: 403,
    message:
      "A request that changes something and carries the session's cookie must come from a page of this server. Send it from the console, or send the token as Authorization: Bearer.",
    retryable: false,
    outcome: "none",
  },
  "agent.not_directly_below": {
    type: "permission_error",
    status: 403,
    message: "You set the prices of agents directly below you. This one's are set by the agent above it.",
    retryable: false,
    outcome: "none",
  },
});
