/** Calls the channel for an attempt whose intent is on disk, and records what came of it. */

import { barcodeRulesOf, isBarcode } from "../../channels/auth-code.ts";
import type { AttemptReference, BarcodeRules, PayInput, PayOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { encodeCashierToken } from "./cashier-token.ts";
import type { AttemptOutcome } from "./decide-outcome.ts";
import { nextAttempt, refusalOf, type Tries } from "./fail-over.ts";
import { CALL_LEASE_MS } from "./new-attempt.ts";
import { openChannel } from "./open-channel.ts";
import { type Attempt, isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";
import type { PaymentServices } from "./services.ts";

export interface SentAttempt {
  payment: Payment;
  attempt: Attempt;
}

/** Calls of this process that are under way: an identical request waits for the same answer. */
const underWay = new WeakMap<PaymentServices, Map<string, Promise<SentAttempt>>>();

/**
 * Sends an attempt that was just made, and records the outcome; where its account refuses, goes on to the next. Whatever
 * the channel does is an outcome, never an error; when the database cannot record it, the worker asks the channel later.
 * @returns the last attempt that was made.
 */
export function sendAttempt(
  services: PaymentServices,
  payment: Payment,
  attempt: Attempt,
  return_url?: string,
): Promise<SentAttempt> {
  const tries = { accounts: [attempt.channel_account_id], since: attempt.created_at };
  return track(services, attempt, () => sendFirst(services, payment, attempt, { return_url, tries }));
}

function track(services: PaymentServices, { id }: Attempt, send: () => Promise<SentAttempt>): Promise<SentAttempt> {
  const calls = underWay.get(services) ?? new Map<string, Promise<SentAttempt>>();
  underWay.set(services, calls);
  const call = send().finally(() => calls.delete(id));
  calls.set(id, call);
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
  return track(services, attempt, async () => {
    const { outcome, rules } = await callChannel(services, payment, attempt);
    return record(services, attempt, attemptOutcome(outcome, rules));
  });
}

/** How long the charge of a payer's code may take; it must be over before the earliest cancellation. */
const CHARGE_MS_MAX = 12_000;

/** This process was held up between the intent and the call: another may be cancelling the order already. */
const notSentInTime = { code: "NOT_SENT_IN_TIME", message: "The charge was not sent in time. Scan a new code." };

/** Never for an attempt that may have been sent before: only the answer to a first call proves that nothing else was. */
async function sendFirst(
  services: PaymentServices,
  payment: Payment,
  attempt: Attempt,
  { return_url, tries }: { return_url: string | undefined; tries: Tries },
): Promise<SentAttempt> {
  const { outcome, rules } = await callChannel(services, payment, attempt, return_url);
  const failure = refusalOf(outcome);
  if (!failure) return record(services, attempt, attemptOutcome(outcome, rules));
  const next = await nextAttempt(services, payment, attempt, tries).catch((error: unknown) => {
    // The refusal is worth more than the next account: it is recorded all the same.
    services.log.warn({ serial_no: attempt.serial_no, error }, "no next account could be looked for");
    return undefined;
  });
  // Credentials can be mended, and then the same attempt is sent: without another account it waits for that.
  const waits = !next && outcome.kind === "unknown" && !outcome.held_back;
  if (waits) return record(services, attempt, attemptOutcome(outcome, rules));
  const recorded = await record(services, attempt, { kind: "failed", failure }, next);
  if (!recorded.next) return recorded;
  const { next: started } = recorded;
  const tried = { ...tries, accounts: [...tries.accounts, started.channel_account_id] };
  return track(services, started, () => sendFirst(services, recorded.payment, started, { return_url, tries: tried }));
}

async function callChannel(
  services: PaymentServices,
  payment: Payment,
  attempt: Attempt,
  return_url?: string,
): Promise<{ outcome: PayOutcome; rules: BarcodeRules | undefined }> {
  const { channel, account } = await openChannel(services, attempt);
  const rules = barcodeRulesOf(channel, attempt.method);
  const late = rules && services.clock.now() - attempt.created_at > rules.cancel_after_ms - CHARGE_MS_MAX;
  const outcome: PayOutcome = late
    ? { kind: "failed", failure: notSentInTime }
    : await services.channels.pay(channel, account, payInput(services, payment, attempt, return_url));
  return { outcome, rules };
}

/** @param next takes the place of an attempt that was refused; it is given back when it was written. */
async function record(
  services: PaymentServices,
  { merchant_id, payment_id, id }: Attempt,
  outcome: AttemptOutcome,
  next?: Attempt,
): Promise<SentAttempt & { next: Attempt | undefined }> {
  const item = { merchant_id, payment_id, attempt_id: id, outcome, next };
  const recorded = await services.groups.recordOutcome(item);
  invariant(recorded.payment && recorded.attempt, "an attempt vanished while its channel was called");
  return { payment: recorded.payment, attempt: recorded.attempt, next: recorded.next };
}

/** @param rules of an order by the payer's code: it is asked about sooner. */
function attemptOutcome(outcome: PayOutcome, rules: BarcodeRules | undefined): AttemptOutcome {
  const ask_in_ms = rules?.query_interval_ms;
  if (outcome.kind === "pending") return { ...outcome, kind: "sent", ask_in_ms };
  if (outcome.kind === "unknown") return { ...outcome, ask_in_ms };
  return outcome.kind === "succeeded" && rules ? { ...outcome, unless_cancelled: true } : outcome;
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
    ...(payment.sharing?.hold && { sharing: true }),
  };
}
