/** Trying an account's key: reading its balance, which every key that can collect may do. */
import type { ConnectionOutcome, Conversation } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { askStripe } from "./client.ts";

/** The endpoint's secret cannot be tried: the first event tells. */
export const checkConnection: Conversation<Record<string, never>, ConnectionOutcome> = {
  async converse(context, _input, send) {
    const answer = await askStripe(context, send, (stripe) => stripe.balance.retrieve());
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") {
      const field =
        answer.status === 403 && context.account.config.account_id ? "account_id or secret_key" : "secret_key";
      return { kind: "failed", failure: { code: answer.code, message: `${field}: ${answer.message}`.slice(0, 500) } };
    }
    const { object, livemode } = answer.value;
    if (object !== "balance") return unknown("unreadable", "no balance");
    if (livemode === context.account.livemode) return { kind: "connected" };
    const message = `secret_key is of ${livemode ? "live" : "test"} mode`;
    return { kind: "failed", failure: { code: "livemode", message } };
  },
};
