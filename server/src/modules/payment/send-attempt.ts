/** Calls the channel for an attempt whose intent is on disk, and records what came of it. */

import { barcodeRulesOf, isBarcode } from "../../channels/auth-code.ts";
import type {
  AttemptReference,
  BarcodeRules,
  Channel,
  ChannelAccount,
  PayInput,
  PayOutcome,
} from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { encodeCashierToken } from "./cashier-token.ts";
import type { AttemptOutcome } from "./decide-outcome.ts";
import { CALL_LEASE_MS } from "./new-attempt.ts";
import { type Attempt, isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";
import type { PaymentServices } from "./services.ts";

export interface SentAttempt {
  payment: Payment;
  attempt: Attempt;
}

/** Calls of this process that are under way: an identical request waits for the same answer. */
const underWay = new WeakMap<PaymentServices, Map<string, Promise<SentAttempt>>>();

/**
 * Sends the attempt and records the outcome. Whatever the channel does is an outcome, never an error; when the database
 * cannot record it, the worker asks the channel later.
 */
export function sendAttempt(
  services: PaymentServices,
  payment: Payment,
  attempt: Attempt,
  return_url?: string,
): Promise<SentAttempt> {
  const calls = underWay.get(services) ?? new Map<string, Promise<SentAttempt>>();
  underWay.set(services, calls);
  const call = callAndRecord(services, payment, attempt, return_url).finally(() => calls.delete(attempt.id));
  calls.set(attempt.id, call);
  return call;
}

/**
 * The same request again: waits for a call under way; sends an attempt again whose answer was lost (the channel knows
 * the number, so it is the same order); else gives the attempt as it is.
 */
export async function continueAttempt(
  services: PaymentServices,
  payment: Payment,
  attempt: Attempt,
): Promise<SentAttempt> {
  const running = underWay.get(services)?.get(attempt.id);
  if (running) return running;
  // The code is gone, and it may have been charged: only asking tells.
  if (isBarcode(attempt.method)) return { payment, attempt };
  if (!isOpenPayment(payment) || payment.close_requested || attempt.close_requested) return { payment, attempt };
  const now = services.clock.now();
  const callOver = attempt.status === "unknown" || now - attempt.created_at > CALL_LEASE_MS;
  const answerLost = attempt.action === null && isOpenAttempt(attempt) && callOver;
  if (!answerLost || payment.expires_at <= now) return { payment, attempt };
  return sendAttempt(services, payment, attempt);
}

/** How long the charge of a payer's code may take; it must be over before the earliest cancellation. */
const CHARGE_MS_MAX = 12_000;

/** This process was held up between the intent and the call: another may be cancelling the order already. */
const notSentInTime = { code: "NOT_SENT_IN_TIME", message: "The charge was not sent in time. Scan a new code." };

async function callAndRecord(
  services: PaymentServices,
  payment: Payment,
  attempt: Attempt,
  return_url?: string,
): Promise<SentAttempt> {
  const { channel, account } = await openChannel(services, attempt);
  const rules = barcodeRulesOf(channel, attempt.method);
  const late = rules && services.clock.now() - attempt.created_at > rules.cancel_after_ms - CHARGE_MS_MAX;
  const outcome: PayOutcome = late
    ? { kind: "failed", failure: notSentInTime }
    : await services.channels.pay(channel, account, payInput(services, payment, attempt, return_url));
  const recorded = await services.groups.recordOutcome({
    merchant_id: attempt.merchant_id,
    payment_id: attempt.payment_id,
    attempt_id: attempt.id,
    outcome: attemptOutcome(outcome, rules),
  });
  invariant(recorded.payment && recorded.attempt, "an attempt vanished while its channel was called");
  return { payment: recorded.payment, attempt: recorded.attempt };
}

/** @param rules of an order by the payer's code: it is asked about sooner. */
function attemptOutcome(outcome: PayOutcome, rules: BarcodeRules | undefined): AttemptOutcome {
  const ask_in_ms = rules?.query_interval_ms;
  if (outcome.kind === "pending") return { ...outcome, kind: "sent", ask_in_ms };
  if (outcome.kind === "unknown") return { ...outcome, ask_in_ms };
  return outcome.kind === "succeeded" && rules ? { ...outcome, unless_cancelled: true } : outcome;
}

export async function openChannel(
  services: PaymentServices,
  attempt: Pick<Attempt, "channel" | "channel_account_id">,
): Promise<{ channel: Channel; account: ChannelAccount }> {
  const channel = services.getChannel(attempt.channel);
  const account = await services.accounts.open(attempt.channel_account_id);
  invariant(channel && account, `channel account ${attempt.channel_account_id} of an attempt is missing`);
  return { channel, account };
}

/** What identifies an attempt towards its channel. */
export function attemptReference(attempt: Attempt): AttemptReference {
  return {
    serial_no: attempt.serial_no,
    method: attempt.method,
    amount: { amount: attempt.amount, currency: attempt.currency },
    channel_trade_no: attempt.channel_trade_no ?? undefined,
    channel_order_no: attempt.channel_order_no ?? undefined,
    created_at: attempt.created_at,
  };
}

/** Where a channel sends its notices. The merchant is part of it, so that the attempt is found on one shard. */
export function notifyUrl(
  services: { settings: { public_url: string } },
  attempt: Pick<Attempt, "channel" | "channel_account_id" | "merchant_id">,
): string {
  return `${services.settings.public_url}/notify/${attempt.channel}/${attempt.channel_account_id}/${attempt.merchant_id}`;
}

function payInput(services: PaymentServices, payment: Payment, attempt: Attempt, return_url?: string): PayInput {
  return {
    ...attemptReference(attempt),
    subject: payment.subject,
    description: payment.description ?? undefined,
    notify_url: notifyUrl(services, attempt),
    owner: attempt.merchant_id,
    return_url: return_url ?? payment.return_url ?? `${services.settings.public_url}/c/${encodeCashierToken(payment)}`,
    expires_at: attempt.expires_at,
    payer: attempt.payer,
  };
}
