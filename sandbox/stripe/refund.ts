/** Refunds of a payment intent: at once, pending and then done or failed, never more than was paid. */
import type { Sandbox } from "../context.ts";
import type { Fault } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import { integerOf, metadataOf, refuse, refuseMissing, refuseUnknown, type StripeCall, textOf } from "./answer.ts";
import { announce } from "./notice.ts";
import { showCharge, showList, showRefund } from "./objects.ts";
import { readPage } from "./session.ts";
import type { StripeAccount, StripeRefund, StripeTrade } from "./state.ts";

const reasons = ["duplicate", "fraudulent", "requested_by_customer"];

function findPaid(sandbox: Sandbox, account: StripeAccount, id: string, what: string): StripeTrade {
  const trade =
    what === "payment_intent"
      ? sandbox.stripe.by_payment_intent.get(id)
      : [...sandbox.stripe.trades.values()].find(({ charge }) => charge === id);
  if (trade === undefined || trade.account_id !== account.account_id) refuseMissing(what, id, what);
  return trade;
}

/** The trade of a payment intent of this account. Throws 404. */
export function findPayment(sandbox: Sandbox, { account }: StripeCall, id: string): StripeTrade {
  return findPaid(sandbox, account, id, "payment_intent");
}

function tradeOf(sandbox: Sandbox, { account, parameters }: StripeCall): StripeTrade {
  const payment_intent = textOf(parameters, "payment_intent");
  if (payment_intent !== undefined) return findPaid(sandbox, account, payment_intent, "payment_intent");
  const charge =
    textOf(parameters, "charge") ?? refuse("One of the following params should be provided: payment_intent or charge.");
  return findPaid(sandbox, account, charge, "charge");
}

export function createRefund(sandbox: Sandbox, call: StripeCall): Fields {
  const { parameters, fault } = call;
  refuseUnknown(parameters, ["payment_intent", "charge", "amount", "reason", "metadata", "expand"]);
  const trade = tradeOf(sandbox, call);
  if (trade.paid_at_ms === undefined) {
    refuse(`This PaymentIntent (${trade.payment_intent}) does not have a successful charge to refund.`);
  }
  const claimed = trade.refunds.reduce((sum, { status, amount }) => (status === "failed" ? sum : sum + amount), 0n);
  const left = trade.total - claimed;
  const amount = integerOf(parameters, "amount") ?? left;
  const reason = textOf(parameters, "reason");
  if (reason !== undefined && !reasons.includes(reason))
    refuse(`Invalid reason: must be one of ${reasons.join(", ")}`, "reason");
  if (left === 0n) refuse(`Charge ${trade.charge} has already been refunded.`, undefined, "charge_already_refunded");
  if (amount < 1n) refuse("Invalid positive integer", "amount", "parameter_invalid_integer");
  if (amount > left)
    refuse(`Refund amount (${amount}) is greater than unrefunded amount on charge (${left})`, "amount");
  if (trade.disputes.some(({ status }) => status !== "won")) {
    refuse(`Charge ${trade.charge} has been charged back; cannot issue a refund.`, undefined, "charge_disputed");
  }
  if (fault?.fault === "not_enough") {
    refuse("Insufficient funds in your Stripe balance to refund this amount.", undefined, "balance_insufficient");
  }
  const refund: StripeRefund = {
    id: `re_${sandbox.random.token(24)}`,
    amount,
    status: "pending",
    ...(reason === undefined ? {} : { reason }),
    metadata: metadataOf(parameters),
    created_at_ms: sandbox.clock.now(),
  };
  trade.refunds.push(refund);
  decideOutcome(sandbox, trade, refund, fault);
  return showRefund(trade, refund);
}

const later_ms = 5_000;

/** Done at once, unless a fault or the card delays or fails it; a failure shows only later, as at Stripe. */
function decideOutcome(sandbox: Sandbox, trade: StripeTrade, refund: StripeRefund, fault: Fault | undefined): void {
  const end = (success: boolean) => void finishRefund(sandbox, trade, refund, success);
  const later = (ms: number, success: boolean) => sandbox.clock.schedule(sandbox.clock.now() + ms, () => end(success));
  sandbox.changed();
  if (fault?.fault === "refund_processing") {
    if (fault.delay_ms !== undefined) later(fault.delay_ms, true);
  } else if (fault?.fault === "refund_closed") setImmediate(() => end(false));
  else if (trade.refund_behaviour === "pending") later(later_ms, true);
  else if (trade.refund_behaviour === "fails") later(later_ms, false);
  else refund.status = "succeeded";
  announce(sandbox, trade, "refund.created", { object: showRefund(trade, refund), refund });
  if (refund.status === "succeeded") announce(sandbox, trade, "charge.refunded", { object: showCharge(trade), refund });
}

/** Ends a pending refund and tells of it. False when it has ended already. */
export function finishRefund(sandbox: Sandbox, trade: StripeTrade, refund: StripeRefund, success: boolean): boolean {
  if (refund.status !== "pending") return false;
  refund.status = success ? "succeeded" : "failed";
  if (!success) refund.failure_reason = "expired_or_canceled_card";
  announce(sandbox, trade, "refund.updated", { object: showRefund(trade, refund), refund });
  if (!success) announce(sandbox, trade, "refund.failed", { object: showRefund(trade, refund), refund });
  sandbox.changed();
  return true;
}

export function readRefund(sandbox: Sandbox, { account }: StripeCall, id: string): Fields {
  for (const trade of sandbox.stripe.trades.values()) {
    const refund = trade.refunds.find((item) => item.id === id);
    if (refund !== undefined && trade.account_id === account.account_id) return showRefund(trade, refund);
  }
  return refuseMissing("refund", id);
}

/** Of a payment intent or a charge, newest first; of the whole account where neither is named. */
export function listRefunds(sandbox: Sandbox, call: StripeCall): Fields {
  const { account, parameters } = call;
  refuseUnknown(parameters, ["payment_intent", "charge", "limit", "starting_after", "expand"]);
  const named = "payment_intent" in parameters || "charge" in parameters;
  const trades = named
    ? [tradeOf(sandbox, call)]
    : [...sandbox.stripe.trades.values()].filter((trade) => trade.account_id === account.account_id);
  const rows = trades
    .flatMap((trade) => trade.refunds.map((refund) => ({ trade, refund })))
    .reverse()
    .map(({ trade, refund }) => showRefund(trade, refund));
  const { limit, starting_after } = readPage(parameters);
  return showList("/v1/refunds", rows, limit, starting_after);
}
