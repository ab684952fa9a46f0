/** The payer at the checkout: a card is tried, challenged, declined or charged. The cards are Stripe's test cards. */
import type { Sandbox } from "../context.ts";
import { ControlError } from "../kit/input.ts";
import { openDispute } from "./dispute.ts";
import { announce } from "./notice.ts";
import { showCharge, showPaymentIntent, showSession } from "./objects.ts";
import { refreshTrade } from "./session.ts";
import type { Decline, StripeTrade } from "./state.ts";

export const good_card = "4242424242424242";
export const declined_card = "4000000000000002";

const declined = (decline_code: string): Decline => ({
  code: "card_declined",
  decline_code,
  message: "Your card was declined.",
});

/** Cards that are declined, and why. */
const declines: Readonly<Record<string, Decline>> = {
  [declined_card]: declined("generic_decline"),
  "4000000000009995": { ...declined("insufficient_funds"), message: "Your card has insufficient funds." },
  "4000000000009987": declined("lost_card"),
  "4000000000009979": declined("stolen_card"),
  "4000000000000069": { code: "expired_card", message: "Your card has expired." },
  "4000000000000127": { code: "incorrect_cvc", message: "Your card's security code is incorrect." },
  "4000000000000119": { code: "processing_error", message: "An error occurred while processing your card." },
};

/** Cards whose payer must authenticate first. The second is declined afterwards. */
const challenged_cards = ["4000002500003155", "4000002760003184", "4000000000003220", "4000008400001629"];
const declined_after_challenge = "4000008400001629";

/** Cards that are charged; the others' payments become disputes, or their refunds are late or fail. */
const disputed_card = "4000000000000259";
const late_refund_card = "4000000000007726";
const failing_refund_card = "4000000000005126";
const good_cards = [
  ...[good_card, "5555555555554444", "378282246310005", "4000001560000002", "6200000000000005"],
  ...[disputed_card, late_refund_card, failing_refund_card],
];

export type CardOutcome = "paid" | "declined" | "challenged";

export type CardPayment = { number: string; payer: string | undefined; notify: boolean };

/** Refuses what cannot be paid now, with a sentence. */
function checkPayable(sandbox: Sandbox, trade: StripeTrade): void {
  refreshTrade(sandbox, trade);
  if (trade.status === "complete") throw new ControlError(409, "The session has been paid already. 订单已支付");
  if (trade.status === "expired") throw new ControlError(409, "The session has expired. 会话已过期");
}

function luhn(number: string): boolean {
  const digits = [...number].reverse().map(Number);
  const sum = digits.reduce((total, digit, index) => {
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

function declineOf(number: string): Decline | undefined {
  const known = declines[number];
  if (known !== undefined || good_cards.includes(number) || challenged_cards.includes(number)) return known;
  if (!/^\d{12,19}$/.test(number) || !luhn(number)) {
    return { code: "incorrect_number", message: "Your card number is incorrect." };
  }
  return declined("test_mode_live_card");
}

/** Tries a card. Throws ControlError 409 when the session cannot be paid. */
export function tryCard(sandbox: Sandbox, trade: StripeTrade, payment: CardPayment): CardOutcome {
  checkPayable(sandbox, trade);
  if (trade.payment_intent === undefined) {
    trade.payment_intent = `pi_${sandbox.random.token(24)}`;
    sandbox.stripe.by_payment_intent.set(trade.payment_intent, trade);
  }
  trade.payer = emailOf(payment.payer);
  trade.card_last4 = payment.number.slice(-4);
  delete trade.challenged;
  delete trade.decline;
  sandbox.changed();
  const decline = declineOf(payment.number);
  if (decline !== undefined) return fail(sandbox, trade, decline, payment.notify);
  if (challenged_cards.includes(payment.number)) {
    trade.challenged = payment.number;
    return "challenged";
  }
  return charge(sandbox, trade, payment.number, payment.notify);
}

/** The payer's answer to the challenge. Throws ControlError 409 when there is none. */
export function answerChallenge(sandbox: Sandbox, trade: StripeTrade, passed: boolean): CardOutcome {
  checkPayable(sandbox, trade);
  const number = trade.challenged;
  if (number === undefined) throw new ControlError(409, "No authentication is waited for. 没有待完成的验证");
  delete trade.challenged;
  if (passed && number !== declined_after_challenge) return charge(sandbox, trade, number, true);
  const message =
    "We are unable to authenticate your payment method. Please choose a different payment method and try again.";
  const decline = passed ? declined("generic_decline") : { code: "payment_intent_authentication_failure", message };
  return fail(sandbox, trade, decline, true);
}

function fail(sandbox: Sandbox, trade: StripeTrade, decline: Decline, notify: boolean): CardOutcome {
  trade.decline = decline;
  announce(sandbox, trade, "payment_intent.payment_failed", { object: showPaymentIntent(trade), withheld: !notify });
  sandbox.changed();
  return "declined";
}

function charge(sandbox: Sandbox, trade: StripeTrade, number: string, notify: boolean): CardOutcome {
  trade.status = "complete";
  trade.paid_at_ms = sandbox.clock.now();
  trade.charge = `ch_${sandbox.random.token(24)}`;
  if (number === late_refund_card) trade.refund_behaviour = "pending";
  if (number === failing_refund_card) trade.refund_behaviour = "fails";
  const withheld = !notify;
  announce(sandbox, trade, "payment_intent.succeeded", { object: showPaymentIntent(trade), withheld });
  announce(sandbox, trade, "charge.succeeded", { object: showCharge(trade), withheld });
  announce(sandbox, trade, "checkout.session.completed", { object: showSession(sandbox, trade), withheld });
  if (number === disputed_card) openDispute(sandbox, trade, { reason: "fraudulent", amount: trade.total });
  sandbox.changed();
  return "paid";
}

/** A payer's name as an address of a mailbox that takes nothing. */
function emailOf(payer: string | undefined): string {
  const name = payer ?? "payer-1";
  return name.includes("@") ? name : `${name}@example.com`;
}
