/** Reading payouts. A merchant's apps share those of a book, as they share what is available; operators see all. */
import { decodeUuid, parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { loadOfAnyMerchant } from "./bank-file-store.ts";
import { payoutErrors } from "./errors.ts";
import type { Payout } from "./payout.ts";
import type { Book } from "./services.ts";
import { loadPayouts } from "./store.ts";

/** The payout of a public id. @throws payout.not_found */
export async function findPayout(sql: Sql, { merchant_id, livemode }: Book, public_id: string): Promise<Payout> {
  const id = parsePublicId("payout", public_id);
  const payout = id && (await loadPayouts(sql, [{ merchant_id, id }])).get(id);
  if (!payout || payout.livemode !== livemode) throw payoutErrors["payout.not_found"]();
  return payout;
}

/** A payout of any merchant by its id, or by the transfer number that the bank knows. @throws payout.not_found */
export async function findAnyPayout(sql: Sql, text: string): Promise<Payout> {
  const id = parsePublicId("payout", text) ?? decodeUuid(text.trim());
  const payout = id && (await loadOfAnyMerchant(sql, id));
  if (!payout) throw payoutErrors["payout.not_found"]();
  return payout;
}
