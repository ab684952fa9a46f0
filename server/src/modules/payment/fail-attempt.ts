/** A person says, for the channel, that an attempt brought no money. */
import type { ChannelFailure } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Attempt, Payment } from "./payment.ts";
import type { PaymentServices } from "./services.ts";

/**
 * Records it like any explicit refusal of a channel: the payment fails where the merchant fixed the method, else its payer
 * may choose again; money that arrives all the same makes it succeed late.
 */
export async function failAttempt(
  services: PaymentServices,
  attempt: Attempt,
  failure: ChannelFailure,
): Promise<{ payment: Payment; attempt: Attempt }> {
  const { merchant_id, payment_id, id: attempt_id } = attempt;
  const outcome = { kind: "failed", failure } as const;
  const recorded = await services.groups.recordOutcome({ merchant_id, payment_id, attempt_id, outcome });
  invariant(recorded.payment && recorded.attempt, "an attempt vanished while its failure was recorded");
  return { payment: recorded.payment, attempt: recorded.attempt };
}
