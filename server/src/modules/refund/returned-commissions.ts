import { readCommissions, type StoredCommission, sumCommissions, writeCommissions } from "../../ledger/index.ts";
import type { Attempt } from "../payment/index.ts";
import type { Refund } from "./refund.ts";

/**
 * What agents give back with a refund that returns `fee_amount`: their shares of all of the fee that has come back so far,
 * rounded down, less what they gave back already. So each gives back at most what it was given, and exactly that once the
 * whole fee has come back; a fee that stays leaves the commissions, too.
 * @param earlier the attempt's refunds that did not fail.
 */
export function returnedCommissions(
  attempt: Pick<Attempt, "fee_amount" | "commissions">,
  earlier: readonly Pick<Refund, "fee_amount" | "commissions">[],
  fee_amount: bigint,
): StoredCommission[] | null {
  if (attempt.commissions === null || fee_amount === 0n) return null;
  const fee = earlier.reduce((sum, refund) => sum + refund.fee_amount, fee_amount);
  const before = earlier.flatMap((refund) => readCommissions(refund.commissions));
  const parts = readCommissions(attempt.commissions).map(({ agent_id, amount }) => {
    const returned = sumCommissions(before.filter((part) => part.agent_id === agent_id));
    // After a refund that failed in between more may have come back than is due now; the next ones give less.
    return { agent_id, amount: (amount * fee) / attempt.fee_amount - returned };
  });
  return writeCommissions(parts);
}
