import { readCommissions } from "../../ledger/index.ts";
import type { Attempt } from "../payment/index.ts";
import type { Refund } from "./refund.ts";

/** A refund as the ledger's templates take it. */
export function bookedRefund(refund: Refund, attempt: Attempt, now: number) {
  return {
    merchant_id: refund.merchant_id,
    livemode: refund.livemode,
    refund_id: refund.id,
    channel_account_id: attempt.channel_account_id,
    funding_mode: attempt.funding_mode,
    amount: { amount: refund.amount, currency: refund.currency },
    fee: refund.fee_amount,
    cost: refund.cost_amount,
    commissions: readCommissions(refund.commissions),
    from_available: refund.from_available,
    from_reserve: refund.from_reserve,
    from_receivers: refund.from_receivers,
    occurred_at: now,
  };
}
