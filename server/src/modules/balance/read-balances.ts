import { type Balance, getBalances, getBalancesAt } from "../../ledger/index.ts";
import { shownKinds } from "./account.ts";
import { balanceErrors } from "./errors.ts";
import type { BalanceServices } from "./services.ts";

/**
 * What a book holds, or held at an instant (epoch milliseconds) that is not ahead.
 * @throws balance.instant_invalid
 */
export async function readBalances(
  { db, clock }: BalanceServices,
  book: { merchant_id: string; livemode: boolean },
  at: number | undefined,
): Promise<Pick<Balance, "kind" | "currency" | "balance">[]> {
  if (at === undefined) return getBalances(db, book);
  // Nothing was booked before the epoch, nor is known of what will be.
  if (!(at >= 0 && at <= clock.now())) throw balanceErrors["balance.instant_invalid"]({ param: "at" });
  return getBalancesAt(db, book, at, shownKinds);
}
