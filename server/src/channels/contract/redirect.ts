/** Refunds that the payer's account did not take, and that go another way. */
import type { ChannelFailure, RefundInput, RefundOutcome, Unknown } from "../contract.ts";

/** Where the money of a refund goes that the payer's account did not take. */
export type RefundDestination =
  /** The merchant's own bank account: the merchant then pays the payer by other means. */
  | { readonly kind: "merchant" }
  /** A bank card of the payer's. Personal data: encrypted on the wire, never logged. */
  | { readonly kind: "card"; readonly bank: string; readonly account: string; readonly name: string };

export interface RedirectInput {
  readonly refund: RefundInput;
  readonly to: RefundDestination;
}

export type RedirectOutcome =
  /** The refund as it stands now: under way again, or over. */
  | { readonly kind: "redirected"; readonly outcome: RefundOutcome }
  /** Nothing happened; the refund waits as before. */
  | { readonly kind: "failed"; readonly failure: ChannelFailure }
  | Unknown;
