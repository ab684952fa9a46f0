/** Takes an order on from wherever it stands on disk: the request that made it and workers do the same. */
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { post, readTransaction, shareReceivedPosting } from "../../ledger/index.ts";
import { type AccountKey, findStops } from "../account-operation/index.ts";
import { lockPayments } from "../payment/index.ts";
import { activateOrder } from "./activate-order.ts";
import { loadOrder, loadPartsOfOrders } from "./order-store.ts";
import { recordShares } from "./record-shares.ts";
import type { SharingServices } from "./services.ts";
import { shareAtChannel } from "./share-at-channel.ts";
import { BOOKS, isOpen, type SharingOrder, type SharingPart } from "./sharing.ts";

/** Does what is left to do for an order now; what cannot be done now has a time at which a worker tries. */
export async function driveOrder(services: SharingServices, key: TenantKey): Promise<void> {
  const found = await loadOrder(services.db, key);
  if (!found || (found.status === "scheduled" && !(await activateOrder(services, found)))) return;
  const order = found.status === "scheduled" ? (await loadOrder(services.db, key))! : found;
  if (order.status !== "created" && order.status !== "processing") return;
  if (found.status === "scheduled" && order.lane !== BOOKS) return;
  const open = (await loadPartsOfOrders(services.db, order.merchant_id, [order.id])).filter(isOpen);
  for (const part of open) if (part.mode === "books") await shareInBooks(services, order, part);
  const byChannel = open.filter(({ mode }) => mode === "channel");
  if (byChannel.length > 0) await shareAtChannel(services, order, byChannel);
}

/**
 * From one book to the other, in a transaction for each: the receiver's first, while the part is open. Killed in between, the
 * part is open and is taken up again; then the receiver's posting is there already, and is written once. Two may be at it: what
 * stands in the receiver's book when the end is written is the end, whatever one of them has found before.
 */
async function shareInBooks(services: SharingServices, order: SharingOrder, part: SharingPart): Promise<void> {
  const stop = await services.db.transaction((tx) => receive(services, tx, part));
  const { id: part_id, receiver_merchant_id } = part;
  await recordShares(services, order, async (tx) => {
    const received = { merchant_id: receiver_merchant_id!, source_id: part_id, kind: "share_received" } as const;
    if ((await readTransaction(tx, received)).length > 0)
      return { ended: new Map([[part_id, { status: "succeeded" }]]) };
    if (stop === undefined) return undefined;
    const failure = { code: stop, message: "The receiver's account takes no money at present." };
    return { ended: new Map([[part_id, { status: "failed", failure }]]) };
  });
}

/** Writes an open part into the receiver's book, once; or says what stands against it. */
async function receive({ clock }: SharingServices, tx: Transaction, part: SharingPart): Promise<string | undefined> {
  const { merchant_id: from, payment_id, order_id, id: part_id, livemode, currency } = part;
  await lockPayments(tx, [{ merchant_id: from, id: payment_id }]);
  const now = (await loadPartsOfOrders(tx, from, [order_id])).find(({ id }) => id === part_id);
  if (!now || !isOpen(now)) return undefined;
  const merchant_id = part.receiver_merchant_id!;
  const stop = await findStop(tx, { merchant_id, livemode, currency });
  if (stop !== undefined) return stop;
  const amount = { amount: part.amount, currency };
  const occurred_at = clock.now();
  await post(tx, [shareReceivedPosting({ merchant_id, livemode, part_id, amount, occurred_at })], occurred_at);
  return undefined;
}

/** Why nothing may enter the receiver's account, held until the transaction ends. */
async function findStop(tx: Transaction, account: AccountKey): Promise<string | undefined> {
  const [stop] = (await findStops(tx, [account], "credit")).values();
  return stop;
}
