/** A channel's notice that something happened to a transfer: who sent it is proved, and what became of it is asked. */
import { decodeUuid } from "../../kit/id.ts";
import type { PayoutServices } from "./services.ts";
import { hurryPayout, loadPayouts } from "./store.ts";

/** Has the channel asked about a transfer of this merchant through this account, and says whether to acknowledge the notice. */
export async function receiveTransferNotice(
  { db, clock, kick }: PayoutServices,
  merchant_id: string,
  channel_account_id: string,
  transfer_no: string,
): Promise<"recorded" | "unknown_number"> {
  const id = decodeUuid(transfer_no);
  const payout = id && (await loadPayouts(db, [{ merchant_id, id }])).get(id);
  if (!payout || payout.channel_account_id !== channel_account_id) return "unknown_number";
  await hurryPayout(db, payout, clock.now());
  kick.payouts();
  return "recorded";
}
