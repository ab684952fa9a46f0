/** Tells the channel of a refund whose intent is on disk, and records what came of it. */
import type { RefundInput, RefundOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { type Attempt, attemptReference, notifyUrl } from "../payment/index.ts";
import type { OutcomeSource } from "./record-refund-outcomes.ts";
import type { Refund } from "./refund.ts";
import type { RefundServices } from "./services.ts";

/** Leaves a call its time before the lease of the intent runs out. */
const SEND_WITHIN_MS = 15_000;

/** Sends, or sends again (`repetition`) with the same number, which is the same refund to the channel. */
export async function sendRefund(
  services: RefundServices,
  refund: Refund,
  attempt: Attempt,
  from: "request" | "repetition" = "request",
): Promise<Refund> {
  const { channel, account } = await openChannel(services, attempt);
  // Held up until a worker may be at it: the worker asks first.
  if (from === "request" && services.clock.now() - refund.created_at > SEND_WITHIN_MS) return refund;
  const outcome = await services.channels.refund(channel, account, await withShares(services, refund, attempt));
  return recordRefund(services, refund, outcome, from);
}

/** Asks the channel how a refund stands; one that it does not have is sent again. */
export async function resolveRefund(services: RefundServices, refund: Refund, attempt: Attempt): Promise<Refund> {
  const { channel, account } = await openChannel(services, attempt);
  const outcome = await services.channels.queryRefund(channel, account, refundInput(services, refund, attempt));
  return outcome.kind === "not_found"
    ? sendRefund(services, refund, attempt, "repetition")
    : recordRefund(services, refund, outcome, "channel");
}

/** Records what the channel says of a refund; gives the refund as it is then. */
export async function recordRefund(
  services: RefundServices,
  refund: Refund,
  outcome: RefundOutcome,
  from: OutcomeSource,
): Promise<Refund> {
  const { merchant_id, payment_id, id: refund_id } = refund;
  if (outcome.kind === "pending" && outcome.detail) {
    services.log.warn({ refund_id, detail: outcome.detail }, "a refund waits for a person");
  }
  const recorded = await services.groups.recordOutcome({ merchant_id, payment_id, refund_id, outcome, from });
  invariant(recorded.refund, "a refund vanished while its channel was called");
  return recorded.refund;
}

/** The channel and the account that a refund goes through. */
export async function openChannel(services: RefundServices, attempt: Attempt) {
  const channel = services.getChannel(attempt.channel);
  const account = await services.accounts.open(attempt.channel_account_id);
  invariant(channel && account, `channel account ${attempt.channel_account_id} of a refund is missing`);
  return { channel, account };
}

/** With what receivers give back within it. */
async function withShares(services: RefundServices, refund: Refund, attempt: Attempt): Promise<RefundInput> {
  const input = refundInput(services, refund, attempt);
  return refund.from_receivers === 0n ? input : { ...input, shared: await services.sharing.partsOf(refund) };
}

/** What identifies a refund towards its channel. */
export function refundInput(services: RefundServices, refund: Refund, attempt: Attempt): RefundInput {
  invariant(attempt.channel_trade_no, "a succeeded attempt has a channel_trade_no");
  return {
    attempt: { ...attemptReference(attempt), channel_trade_no: attempt.channel_trade_no },
    refund_no: refund.refund_no,
    amount: { amount: refund.amount, currency: refund.currency },
    created_at: refund.created_at,
    reason: refund.reason ?? undefined,
    notify_url: notifyUrl(services, attempt),
    owner: attempt.merchant_id,
  };
}
