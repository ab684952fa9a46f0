import type { Transaction } from "../../kit/sql/database.ts";
import { accountOf, lockBalances, post, refundInitiatedPosting } from "../../ledger/index.ts";
import type { Attempt } from "../payment/index.ts";
import { drawOnReserve, readReserveCover } from "../reserve/index.ts";
import { bookedRefund } from "./booked-refund.ts";
import type { Refund } from "./refund.ts";

/**
 * After a settlement little is pending: what is there pays first, then the settled balance, and what both are short of the
 * reserve, where it may.
 */
export async function drawOnSettled(
  tx: Transaction,
  { refund, attempt }: { refund: Refund; attempt: Attempt },
  now: number,
): Promise<boolean> {
  const { merchant_id, livemode, currency, id: refund_id } = refund;
  const accounts = (["merchant_pending", "merchant_available"] as const).map((kind) => accountOf(kind, currency));
  const balances = await lockBalances(
    tx,
    accounts.map((account) => ({ merchant_id, livemode, account })),
  );
  const [pending, available] = balances.map((balance) => (balance > 0n ? balance : 0n));
  const missing = refund.amount - refund.fee_amount - refund.from_receivers - pending!;
  const short = missing - available!;
  if (short > 0n) {
    if ((await readReserveCover(tx, refund, now)) < short) return false;
    refund.from_reserve = short;
  }
  refund.from_available = missing - refund.from_reserve;
  const [result] = await post(tx, [refundInitiatedPosting(bookedRefund(refund, attempt, now))]);
  if (result?.kind !== "posted") return false;
  if (short > 0n) await drawOnReserve(tx, { merchant_id, livemode, currency, refund_id, amount: short });
  return true;
}
