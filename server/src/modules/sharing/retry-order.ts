/** Tries the parts of an order that failed once more, as parts of their own under another number at the channel. */
import type { Caller } from "../../kit/http/api.ts";
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { lockPayments } from "../payment/index.ts";
import { claimParts, writeParts } from "./claim-parts.ts";
import { driveOrder } from "./drive-order.ts";
import { sharingErrors } from "./errors.ts";
import { CALL_LEASE_MS, placeOrder, requireWinner } from "./new-order.ts";
import { loadOrder, loadPartsOfOrders, moveOrder, moveParts } from "./order-store.ts";
import { findOrder } from "./read-sharings.ts";
import type { SharingServices } from "./services.ts";
import { BOOKS, type SharingOrder } from "./sharing.ts";

/** Throws sharing_order.not_found, sharing.nothing_to_retry, and what `claimParts` does. */
export async function retryOrder(services: SharingServices, caller: Caller, public_id: string): Promise<SharingOrder> {
  const { merchant_id, id, payment_id } = await findOrder(services.db, caller, public_id);
  await services.db.transaction(async (tx) => {
    await lockPayments(tx, [{ merchant_id, id: payment_id }]);
    await startAgain(services, tx, (await loadOrder(tx, { merchant_id, id }))!);
  });
  await driveOrder(services, { merchant_id, id });
  return (await loadOrder(services.db, { merchant_id, id }))!;
}

async function startAgain(services: SharingServices, tx: Transaction, order: SharingOrder): Promise<void> {
  const { merchant_id, payment_id, status } = order;
  if (status !== "failed" && status !== "partially_succeeded") {
    throw sharingErrors["sharing.nothing_to_retry"]({ values: { status } });
  }
  const now = services.clock.now();
  const noFailure = { failure_code: null, failure_message: null, unknown_reason: null, finished_at: null };
  const again: SharingOrder = {
    ...{ ...order, ...noFailure, sharing_no: encodeUuid(services.ids.uuid()), sent_at: null },
    ...{ query_count: 0, ready_at: now },
  };
  const parts = await loadPartsOfOrders(tx, merchant_id, [order.id]);
  if (parts.length === 0) {
    await moveOrder(tx, { ...again, status: "scheduled", lane: BOOKS }, status, now + CALL_LEASE_MS);
    return;
  }
  const failed = parts.filter((part) => part.status === "failed" && !part.retried);
  const payment = (await lockPayments(tx, [{ merchant_id, id: payment_id }])).get(payment_id)!;
  const attempt = await requireWinner(tx, payment);
  await moveParts(
    tx,
    failed.map((part) => ({ part: { ...part, retried: true }, expected: "failed" })),
  );
  const processing: SharingOrder = { ...again, status: "processing" };
  const claimed = await claimParts(services, tx, { payment, attempt, order: processing, planned: failed });
  placeOrder(services, processing, payment, claimed);
  await moveOrder(tx, processing, status, now + CALL_LEASE_MS);
  await writeParts(tx, payment, claimed);
}
