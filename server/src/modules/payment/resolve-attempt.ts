/** Asks the channel about an attempt, closes it at the channel where it must end, and records the answer. */
import { barcodeRulesOf } from "../../channels/auth-code.ts";
import type { CloseOutcome, QueryOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import { askAboutBarcode } from "./ask-barcode.ts";
import type { AttemptOutcome } from "./decide-outcome.ts";
import { openChannel } from "./open-channel.ts";
import { type Attempt, isOpenAttempt, type Payment } from "./payment.ts";
import { attemptReference } from "./send-attempt.ts";
import type { PaymentServices } from "./services.ts";

export interface ResolvedAttempt {
  payment: Payment;
  attempt: Attempt;
}

/**
 * Asks first, always: the payer may have paid. Only an attempt that must end (superseded, its payment closing or
 * expired) is then closed at the channel.
 */
export async function resolveAttempt(
  services: PaymentServices,
  attempt: Attempt,
  must_end: boolean,
): Promise<ResolvedAttempt> {
  const outcome = await askChannel(services, attempt, must_end);
  const recorded = await services.groups.recordOutcome({
    merchant_id: attempt.merchant_id,
    payment_id: attempt.payment_id,
    attempt_id: attempt.id,
    outcome,
    must_end,
  });
  invariant(recorded.payment && recorded.attempt, "an attempt vanished while its channel was asked");
  return { payment: recorded.payment, attempt: recorded.attempt };
}

/** Whether an attempt has no future: it has ended, it is superseded, or its payment closes or has expired. */
export function mustEnd(attempt: Attempt, now: number): boolean {
  return !isOpenAttempt(attempt) || attempt.close_requested || attempt.expires_at <= now;
}

async function askChannel(services: PaymentServices, attempt: Attempt, must_end: boolean): Promise<AttemptOutcome> {
  const { channel, account } = await openChannel(services, attempt);
  if (services.clock.now() - attempt.created_at > channel.limits.query_window_ms) {
    services.log.error(
      { serial_no: attempt.serial_no },
      "an attempt is unknown and its channel can no longer be asked",
    );
    return { kind: "out_of_reach" };
  }
  const rules = barcodeRulesOf(channel, attempt.method);
  if (rules) return askAboutBarcode(services, attempt, { channel, account, rules }, must_end);
  const reference = { ...attemptReference(attempt), ending: must_end };
  const answer = await services.channels.query(channel, account, reference);
  if (answer.kind !== "pending" && answer.kind !== "not_found") return answer;
  if (must_end && channel.close) {
    return afterClose(services, attempt, await services.channels.close(channel, account, reference), answer);
  }
  // A channel that closes nothing lets the payer pay until the order's own expiry, which we set: nothing ends it sooner.
  const over = must_end && attempt.expires_at <= services.clock.now();
  if (answer.kind === "pending") return over ? { kind: "abandoned" } : { ...answer, kind: "still_unpaid" };
  return afterNotFound(services, attempt, over);
}

async function afterClose(
  services: PaymentServices,
  attempt: Attempt,
  closed: CloseOutcome,
  asked: QueryOutcome,
): Promise<AttemptOutcome> {
  switch (closed.kind) {
    case "closed":
      return { kind: "closed" };
    case "already_paid": {
      const { channel, account } = await openChannel(services, attempt);
      const paid = await services.channels.query(channel, account, attemptReference(attempt));
      if (paid.kind === "succeeded" || paid.kind === "closed" || paid.kind === "failed") return paid;
      return { kind: "unknown", reason: "system_error", detail: "the channel says paid, its query does not yet" };
    }
    case "not_found":
      return afterNotFound(services, attempt, true);
    case "failed":
      return asked.kind === "not_found"
        ? afterNotFound(services, attempt, true)
        : { kind: "unknown", reason: "system_error", detail: `close refused: ${closed.failure.code}` };
    case "unknown":
      return closed;
  }
}

/** How long after an attempt's creation its create call may still be on its way. */
const NOT_FOUND_GRACE_MS = 60_000;

/**
 * The channel does not have the order. A QR that nobody scanned is unknown to Alipay, and a create request may still be
 * on its way; so this ends an attempt only once it has no future and its create call must be over.
 */
function afterNotFound(services: PaymentServices, attempt: Attempt, must_end: boolean): AttemptOutcome {
  // The answer of the create call gave the action.
  const taken = attempt.action !== null;
  const callOver = services.clock.now() - attempt.created_at > NOT_FOUND_GRACE_MS;
  if (must_end && (taken || callOver)) return { kind: "abandoned" };
  if (taken) return { kind: "still_unpaid" };
  return { kind: "unknown", reason: "unreadable", detail: "the channel does not have the order yet" };
}
