import { type Money, money } from "../kit/money.ts";
import type { AttemptReference, Channel, ChannelAccount, ChannelPayment, ChannelRefund } from "./contract.ts";

/** What a channel must echo for an answer to be about our order. */
export interface ExpectedPayment {
  readonly serial_no: string;
  readonly amount: Money;
  readonly merchant: string | undefined;
  readonly app: string | undefined;
}

export interface ExpectedRefund {
  readonly refund_no: string;
  readonly serial_no: string;
  readonly amount: Money;
}

/** The echo that an attempt through this account must have. */
export function expectPayment(
  channel: Channel,
  account: ChannelAccount,
  attempt: Pick<AttemptReference, "serial_no" | "amount" | "method">,
): ExpectedPayment {
  return { serial_no: attempt.serial_no, amount: attempt.amount, ...channel.identify(account, attempt.method) };
}

/**
 * Compares what a channel states about a payment with what was asked: number, amount, currency, merchant and app. What
 * the channel does not echo (undefined) is not compared. Answers a sentence per difference; none when all agree. The
 * sentences carry no data of the payer.
 */
export function checkIntegrity(expected: ExpectedPayment, echoed: ChannelPayment): string[] {
  return [
    ...differenceOf("serial_no", expected.serial_no, echoed.serial_no),
    ...differenceOf("amount", showMoney(expected.amount), showMoney(echoed.amount)),
    ...differenceOf("merchant", expected.merchant, echoed.merchant),
    ...differenceOf("app", expected.app, echoed.app),
  ];
}

/** The same for a refund. */
export function checkRefundIntegrity(expected: ExpectedRefund, echoed: ChannelRefund): string[] {
  const amount = echoed.amount && showMoney(echoed.amount);
  return [
    ...differenceOf("refund_no", expected.refund_no, echoed.refund_no),
    ...differenceOf("serial_no", expected.serial_no, echoed.serial_no),
    ...differenceOf("amount", showMoney(expected.amount), amount),
  ];
}

/** A sentence when both are known and differ. Adapters use it for answers that carry a number but no payment. */
export function differenceOf(field: string, expected: string | undefined, echoed: string | undefined): string[] {
  if (expected === undefined || echoed === undefined || expected === echoed) return [];
  return [`${field} is ${expected} but the channel echoes ${echoed}`];
}

function showMoney({ amount, currency }: Money): string {
  return `${amount} ${currency}`;
}

/** Money as a channel echoes it, or undefined when the currency is none: an echo may be anything. */
export function echoedMoney(amount: bigint | undefined, currency: string): Money | undefined {
  if (amount === undefined) return undefined;
  try {
    return money(amount, currency);
  } catch {
    return undefined;
  }
}
