/** What becomes of a batch: confirmed, it is made into payouts; cancelled, nothing ever moves. */
import type { Caller } from "../../kit/http/api.ts";
import { parsePublicId, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { accountOf, lockBalance } from "../../ledger/index.ts";
import type { PayoutBatch } from "./batch.ts";
import { loadBatch, moveBatch } from "./batch-store.ts";
import { payoutErrors } from "./errors.ts";
import { refusalOf } from "./may-pay-out.ts";
import type { PayoutServices } from "./services.ts";

/** The batch of a public id. @throws payout_batch.not_found */
export async function findBatch(sql: Sql, caller: Caller, public_id: string): Promise<PayoutBatch> {
  const id = parsePublicId("payout_batch", public_id);
  const batch = id && (await loadBatch(sql, { merchant_id: caller.merchant_id, id }));
  if (!batch || batch.app_id !== caller.app_id || batch.livemode !== caller.livemode) {
    throw payoutErrors["payout_batch.not_found"]();
  }
  return batch;
}

function wrongStatus({ status }: PayoutBatch) {
  return payoutErrors["payout_batch.wrong_status"]({ values: { status } });
}

/**
 * Has a batch made into payouts; one that was confirmed before stays so. What is available must cover all of it.
 * @throws payout_batch.wrong_status, payout.insufficient_balance, payout.refused, account.debit_frozen, account.closed
 */
export async function confirmBatch(services: PayoutServices, caller: Caller, batch: PayoutBatch): Promise<PayoutBatch> {
  if (batch.status === "confirmed" || batch.status === "finished") return batch;
  if (batch.status !== "ready") throw wrongStatus(batch);
  const confirmed = await services.db.transaction(async (tx) => {
    const refusal = await refusalOf(tx, batch);
    if (refusal) throw refusal;
    const available = await lockBalance(tx, batch, accountOf("merchant_available", batch.currency));
    if (available < batch.transfer_amount + batch.fee_amount) throw payoutErrors["payout.insufficient_balance"]();
    const by = publicId("api_key", caller.key_id);
    return moveBatch(tx, batch, { expected: "ready", status: "confirmed", by, now: services.clock.now() });
  });
  services.kick.payouts();
  return confirmed ?? confirmBatch(services, caller, (await loadBatch(services.db, batch))!);
}

/** Drops a batch that was not confirmed. @throws payout_batch.wrong_status */
export async function cancelBatch({ db, clock }: PayoutServices, batch: PayoutBatch): Promise<PayoutBatch> {
  if (batch.status === "cancelled") return batch;
  if (batch.status !== "ready" && batch.status !== "invalid") throw wrongStatus(batch);
  const move = { expected: batch.status, status: "cancelled", by: null, now: clock.now() } as const;
  const cancelled = await moveBatch(db, batch, move);
  if (!cancelled) throw wrongStatus((await loadBatch(db, batch))!);
  return cancelled;
}
