/** Trying an account's key: reading its balance, which every key that can collect may do. */
import type { ChannelContext, ConnectionOutcome, Conversation, Send } from "../contract.ts";
import { unknown } from "../refusal.ts";
import { askStripe } from "./client.ts";
import type { StripeConfig } from "./config.ts";

/** The endpoint's secret cannot be tried: the first event tells. */
export const checkConnection: Conversation<Record<string, never>, ConnectionOutcome> = {
  async converse(context, _input, send) {
    const { account_id, connected_account_id } = context.account.config as StripeConfig;
    const answer = await askStripe(context, send, (stripe) => stripe.balance.retrieve());
    if (answer.kind === "unknown") return answer;
    if (answer.kind === "refused") {
      const field = answer.status === 403 && connected_account_id ? "connected_account_id or secret_key" : "secret_key";
      return failed(answer.code, `${field}: ${answer.message}`);
    }
    const { object, livemode } = answer.value;
    if (object !== "balance") return unknown("unreadable", "no balance");
    if (livemode !== context.account.livemode) {
      return failed("livemode", `secret_key is of ${livemode ? "live" : "test"} mode`);
    }
    // A connected account's number was tried with the first call.
    const named = connected_account_id === undefined ? account_id : undefined;
    return named === undefined ? { kind: "connected" } : compareAccount(context, named, send);
  },
};

async function compareAccount(context: ChannelContext, account_id: string, send: Send): Promise<ConnectionOutcome> {
  const answer = await askStripe(context, send, (stripe) => stripe.accounts.retrieveCurrent());
  if (answer.kind === "unknown") return answer;
  if (answer.kind === "refused") return failed(answer.code, `secret_key may not read its account: ${answer.message}`);
  if (answer.value.id === account_id) return { kind: "connected" };
  return failed("account_id", `secret_key is of ${answer.value.id}, not of account_id ${account_id}`);
}

function failed(code: string, message: string): ConnectionOutcome {
  return { kind: "failed", failure: { code, message: message.slice(0, 500) } };
}
