/** Reading payouts, always within one book of a merchant: its apps share them, as they share what is available. */
import { parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
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
