/**
 * Where a payment goes on when an account refuses it for a reason of the channel's or the account's own: to the next
 * account, within the same request. Only an attempt that was sent once and refused, or never sent at all, is followed by
 * another; one whose outcome is unknown may have been charged, and never is.
 */
import type { ChannelFailure, PayOutcome } from "../../channels/contract.ts";
import { publicId } from "../../kit/id.ts";
import { type AttemptRoute, findRoute, newAttempt } from "./new-attempt.ts";
import { openChannel } from "./open-channel.ts";
import { type Attempt, isOpenAttempt, isOpenPayment, type Payment } from "./payment.ts";
import type { AccountChoice, PaymentServices } from "./services.ts";

/** Accounts that one request tries. */
const ACCOUNTS_MAX = 3;
/** No other account is tried later than this after the first: with the last call's own limit the caller waits 15 s at most. */
const FAIL_OVER_MS_MAX = 5_000;

/** What a request has tried so far. */
export interface Tries {
  /** UUIDs of the accounts that refused. */
  readonly accounts: readonly string[];
  /** When the first attempt was made. */
  readonly since: number;
}

const keptBack = {
  breaker: {
    code: "CHANNEL_UNAVAILABLE",
    message: "Nothing was sent: the channel account met trouble lately and is left alone for a while.",
  },
  bulkhead: {
    code: "CHANNEL_BUSY",
    message: "Nothing was sent: too many payments wait for the channel account.",
  },
} as const;

const unusable = {
  code: "CHANNEL_ACCOUNT_UNUSABLE",
  message: "Nothing was sent: no request could be made with the channel account's credentials.",
};

/**
 * The failure of an attempt that another account may take instead: no money has moved, and none will.
 * @param outcome of the only call that was ever made for the attempt.
 */
export function refusalOf(outcome: PayOutcome): ChannelFailure | undefined {
  if (outcome.kind === "failed") return outcome.failure.elsewhere ? outcome.failure : undefined;
  if (outcome.kind !== "unknown" || outcome.reason !== "not_sent") return undefined;
  return outcome.held_back ? keptBack[outcome.held_back] : unusable;
}

/** An attempt at the next account, not written yet; undefined when there is none, or no time. */
export async function nextAttempt(
  services: PaymentServices,
  payment: Payment,
  refused: Attempt,
  tries: Tries,
): Promise<Attempt | undefined> {
  if (tries.accounts.length >= ACCOUNTS_MAX || services.clock.now() - tries.since > FAIL_OVER_MS_MAX) return undefined;
  const route = await findNextRoute(services, payment, refused, tries.accounts);
  if (!route) return undefined;
  const { method, payer } = refused;
  const decision = { ...route.decision, instead_of: publicId("attempt", refused.id) };
  const choice = { method, payer, route: { account: route.account, decision } };
  // The latest attempt stands for the payment, and ids of one millisecond are in no order.
  let next = newAttempt(services, payment, choice);
  while (next.id < refused.id) next = newAttempt(services, payment, choice);
  return next;
}

async function findNextRoute(
  services: PaymentServices,
  payment: Payment,
  refused: Attempt,
  tried: readonly string[],
): Promise<AttemptRoute | undefined> {
  const { method, payer } = refused;
  const { account, decision } = await findRoute(services, payment, { method, payer, tried });
  const chosen = decision.candidates.find((candidate) => candidate.account === decision.account);
  // Whom nobody else could replace was good enough for a first try, not for a second.
  if (!account || chosen?.refusal) return undefined;
  if (await knowsPayer(services, refused, account)) return { account, decision };
  return findNextRoute(services, payment, refused, [...tried, account.id]);
}

/** An openid names its payer under one application only: an account of another one would refuse it, or not mean the payer. */
async function knowsPayer(
  services: PaymentServices,
  refused: Attempt,
  { id, channel }: AccountChoice,
): Promise<boolean> {
  if (refused.payer.openid === undefined) return true;
  const [from, to] = await Promise.all([
    openChannel(services, refused),
    openChannel(services, { channel, channel_account_id: id }),
  ]);
  const appOf = ({ channel: of, account }: typeof from) => of.identify(account, refused.method).app;
  return appOf(from) === appOf(to);
}

/** Whether a refused attempt may be followed by another, as both are under the payment's lock. */
export function mayFollow(payment: Payment, refused: Attempt, now: number): boolean {
  const wanted = isOpenPayment(payment) && !payment.close_requested && payment.expires_at > now;
  return wanted && isOpenAttempt(refused) && !refused.close_requested;
}

/** The attempt that took the place of one that was refused, at the end of the chain; the attempt itself if none did. */
export function followRefusals(attempts: readonly Attempt[], attempt: Attempt): Attempt {
  const name = publicId("attempt", attempt.id);
  const next = attempts.find((other) => other.routing?.instead_of === name);
  return next ? followRefusals(attempts, next) : attempt;
}
