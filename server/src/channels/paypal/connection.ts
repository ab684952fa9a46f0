/** Trying an account: a token, and then an order that cannot exist. Both credentials have to be good. */
import type { ConnectionOutcome, Conversation } from "../contract.ts";
import { interpretRefusal } from "../refusal.ts";
import { callPaypal } from "./client.ts";
import { connectionRefusals } from "./errors.ts";

/** Of PayPal's form, and nobody's: its own numbers are random. */
const ORDER_ID = "00000000000000000";

export const checkConnection: Conversation<Record<string, never>, ConnectionOutcome> = {
  async converse(context, _input, send) {
    const answer = await callPaypal(context, send, ({ orders }) => orders.getOrder({ id: ORDER_ID }));
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "accepted") return { kind: "connected" };
    const outcome = interpretRefusal(connectionRefusals, answer);
    return outcome.kind === "not_found" ? { kind: "connected" } : outcome;
  },
};
