/** Takes a return on from wherever it stands on disk: in the receiver's book, or at the channel. */
import type { SharingMoveOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { accountOf, lockBalance, post, readTransaction, shareReturnedPosting } from "../../ledger/index.ts";
import { findStops } from "../account-operation/index.ts";
import { lockPayments, queryDelay_ms } from "../payment/index.ts";
import { openReceiver } from "./create-receiver.ts";
import { CALL_LEASE_MS } from "./new-order.ts";
import { openSharingChannel, paidAttempt } from "./open-channel.ts";
import { loadOrder, loadPartsOfOrders } from "./order-store.ts";
import { loadReceivers } from "./receiver-store.ts";
import { recordReturn } from "./record-return.ts";
import { loadReturn, moveReturn } from "./return-store.ts";
import type { SharingServices } from "./services.ts";
import { isOpen, type SharingPart, type SharingReturn } from "./sharing.ts";

/** Does what is left to do for a return; one that a refund carries ends with the refund. */
export async function driveReturn(services: SharingServices, key: TenantKey): Promise<void> {
  const made = await loadReturn(services.db, key);
  if (!made || made.carried || !isOpen(made)) return;
  const parts = await loadPartsOfOrders(services.db, made.merchant_id, [made.order_id]);
  const part = parts.find(({ id }) => id === made.part_id);
  invariant(part, "a return has its part");
  await (part.mode === "books" ? returnInBooks(services, made, part) : returnAtChannel(services, made, part));
}

const shortOfBalance = {
  code: "INSUFFICIENT_BALANCE",
  message: "The receiver's balance does not cover what it is to give back, or is frozen.",
};

/**
 * The receiver's book first, and once: killed afterwards, what stands there is found and this book follows. Two may be at it:
 * what stands in the receiver's book when the end is written is the end, whatever one of them has found before.
 */
async function returnInBooks(services: SharingServices, made: SharingReturn, part: SharingPart): Promise<void> {
  await services.db.transaction((tx) => takeBack(services, tx, made, part));
  await recordReturn(services, made, async (tx) => {
    const key = { merchant_id: part.receiver_merchant_id!, source_id: made.id, kind: "share_returned" } as const;
    const written = await readTransaction(tx, key);
    if (written.length === 0) return { status: "failed", failure: shortOfBalance };
    const settled = written.filter(({ kind }) => kind === "merchant_available");
    return { status: "succeeded", from_available: settled.reduce((sum, { amount }) => sum + amount, 0n) };
  });
}

/** Takes an open return out of the receiver's book, where its balance covers it and is not frozen. */
async function takeBack(
  { clock }: SharingServices,
  tx: Transaction,
  { merchant_id: to, id: return_id, payment_id, amount, livemode, currency }: SharingReturn,
  { receiver_merchant_id }: SharingPart,
): Promise<void> {
  await lockPayments(tx, [{ merchant_id: to, id: payment_id }]);
  const made = await loadReturn(tx, { merchant_id: to, id: return_id });
  if (!made || !isOpen(made)) return;
  const merchant_id = receiver_merchant_id!;
  const stops = await findStops(tx, [{ merchant_id, livemode, currency }], "debit");
  if (stops.size > 0) return;
  const pending = await lockBalance(tx, { merchant_id, livemode }, accountOf("merchant_pending", currency));
  if ((await readTransaction(tx, { merchant_id, source_id: return_id, kind: "share_returned" })).length > 0) return;
  const spare = pending > 0n ? pending : 0n;
  const from_available = amount > spare ? amount - spare : 0n;
  const now = clock.now();
  const returned = { merchant_id, livemode, return_id, amount: { amount, currency }, from_available, occurred_at: now };
  await post(tx, [shareReturnedPosting(returned)], now);
}

async function returnAtChannel(services: SharingServices, made: SharingReturn, part: SharingPart): Promise<void> {
  const order = (await loadOrder(services.db, { merchant_id: made.merchant_id, id: made.order_id }))!;
  const { channel, sharing, account } = await openSharingChannel(services, order);
  const { returnShare, queryReturn } = sharing;
  const isFirst = made.status === "created";
  invariant(returnShare && queryReturn, `${channel.id} takes nothing back by itself`);
  const receivers = await loadReceivers(services.db, made.merchant_id, [part.receiver_id]);
  const { reference } = await paidAttempt(services, order);
  const input = {
    ...{ attempt: reference, sharing_no: part.sharing_no, return_no: made.return_no, created_at: made.created_at },
    ...{ receiver: openReceiver(services, receivers.get(part.receiver_id)!) },
    amount: { amount: made.amount, currency: made.currency },
  };
  const run = (name: string, operation: typeof returnShare) =>
    services.channels.run(`${channel.id}.${name}`, account, operation, input) as Promise<SharingMoveOutcome>;
  if (isFirst) {
    // From here on the channel may have been told: whoever finds it so asks before anything else.
    const due_at = services.clock.now() + CALL_LEASE_MS;
    const told = { ...made, status: "sent" } as const;
    if (!(await services.db.transaction((tx) => moveReturn(tx, told, "created", due_at)))) return;
  }
  const asked = isFirst ? undefined : await run("share_query", queryReturn);
  if (asked && asked.kind !== "not_found") return record(services, made, asked, true);
  return record(services, made, await run("share", returnShare), isFirst);
}

/** @param isFinal whether a failure ends it: a repetition's refusal may be the effect of the first request. */
async function record(
  services: SharingServices,
  made: SharingReturn,
  outcome: SharingMoveOutcome,
  isFinal: boolean,
): Promise<void> {
  const wait = { due_at: services.clock.now() + queryDelay_ms(made.query_count) };
  switch (outcome.kind) {
    case "succeeded":
      return recordReturn(services, made, { status: "succeeded", from_available: 0n });
    case "failed":
      if (isFinal || made.failure_code !== null) {
        return recordReturn(services, made, { status: "failed", failure: outcome.failure });
      }
      return recordReturn(services, made, {
        ...{ status: "unknown", unknown_reason: "refused", failure: outcome.failure, ...wait },
      });
    case "pending":
      return recordReturn(services, made, { status: "sent", unknown_reason: null, ...wait });
    case "not_found":
      return recordReturn(services, made, { status: "unknown", unknown_reason: "unreadable", ...wait });
    case "unknown":
      return recordReturn(services, made, { status: "unknown", unknown_reason: outcome.reason, ...wait });
  }
}
