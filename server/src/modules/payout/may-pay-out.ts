import type { Sql } from "../../kit/sql/database.ts";
import { getMerchant } from "../merchant/index.ts";
import type { Book, PayoutServices } from "./services.ts";

/**
 * The one place that says whether money may leave a book: asked when a payout is made, and again before anybody is told to
 * pay. Gives the reason why not, in words for the merchant.
 */
export async function refusalOf(
  { refuseDebit }: Pick<PayoutServices, "refuseDebit">,
  sql: Sql,
  { merchant_id, livemode }: Book,
  currency: string,
): Promise<string | undefined> {
  const { status } = await getMerchant(sql, merchant_id);
  if (status !== "active") return `the merchant is ${status}`;
  return refuseDebit?.(sql, { merchant_id, livemode }, currency);
}
