import type { Attempt } from "../payment/index.ts";
import type { Refund } from "./refund.ts";

/**
 * The parts of an attempt's fee and cost that come back with a refund of `amount`: the share due for everything refunded
 * so far, rounded down, less what came back already. So the parts of any split sum to at most the whole, and to exactly
 * the whole once all is refunded.
 * @param earlier the attempt's refunds that did not fail.
 */
export function returnedShares(
  attempt: Pick<Attempt, "amount" | "fee_amount" | "fee_returns" | "cost_amount" | "cost_returns">,
  earlier: readonly Pick<Refund, "amount" | "fee_amount" | "cost_amount">[],
  amount: bigint,
): { fee_amount: bigint; cost_amount: bigint } {
  const refunded = earlier.reduce((sum, refund) => sum + refund.amount, amount);
  const share = (whole: bigint, returned: bigint): bigint => {
    const due = (whole * refunded) / attempt.amount - returned;
    // Refunds that failed in between may leave more due than this one moves; the next ones bring the rest.
    if (due > amount) return amount;
    return due > 0n ? due : 0n;
  };
  const returned = (pick: (refund: Pick<Refund, "fee_amount" | "cost_amount">) => bigint) =>
    earlier.reduce((sum, refund) => sum + pick(refund), 0n);
  return {
    fee_amount: attempt.fee_returns
      ? share(
          attempt.fee_amount,
          returned((refund) => refund.fee_amount),
        )
      : 0n,
    cost_amount: attempt.cost_returns
      ? share(
          attempt.cost_amount,
          returned((refund) => refund.cost_amount),
        )
      : 0n,
  };
}
