/** Takes a return on from wherever it stands on disk: in the receiver's book, or at the channel. */
import type { SharingMoveOutcome } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { accountOf, lockBalance, post, readTransaction, shareReturnedPosting } from "../../ledger/index.ts";
import { findStops } from "../account-operation/index.ts";
import { queryDelay_ms } from "../payment/index.ts";
import { openReceiver } from "./create-receiver.ts";
import { openSharingChannel, paidAttempt } from "./open-channel.ts";
import { loadOrder, loadPartsOfOrders } from "./order-store.ts";
import { loadReceivers } from "./receiver-store.ts";
import { recordReturn } from "./record-return.ts";
import { loadReturn } from "./return-store.ts";
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

/** The receiver's book first, and once: killed afterwards, what stands there is found and this book follows. */
async function returnInBooks(services: SharingServices, made: SharingReturn, part: SharingPart): Promise<void> {
  const from_available = await takeBack(services, made, part);
  const end =
    from_available === undefined
      ? ({ status: "failed", failure: shortOfBalance } as const)
      : ({ status: "succeeded", from_available } as const);
  await recordReturn(services, made, end);
}

/** What the receiver's settled balance paid; undefined where its balance does not cover it. */
async function takeBack(
  services: SharingServices,
  made: SharingReturn,
  part: SharingPart,
): Promise<bigint | undefined> {
  const { id: return_id, livemode, currency } = made;
  const merchant_id = part.receiver_merchant_id!;
  const now = services.clock.now();
  return services.db.transaction(async (tx) => {
    const stops = await findStops(tx, [{ merchant_id, livemode, currency }], "debit");
    const pending = await lockBalance(tx, { merchant_id, livemode }, accountOf("merchant_pending", currency));
    const written = await readTransaction(tx, { merchant_id, source_id: return_id, kind: "share_returned" });
    if (written.length > 0) {
      return written.reduce((sum, line) => (line.kind === "merchant_available" ? sum + line.amount : sum), 0n);
    }
    if (stops.size > 0) return undefined;
    const spare = pending > 0n ? pending : 0n;
    const from_available = made.amount > spare ? made.amount - spare : 0n;
    const amount = { amount: made.amount, currency };
    const posting = shareReturnedPosting({
      merchant_id,
      livemode,
      return_id,
      amount,
      from_available,
      occurred_at: now,
    });
    const [result] = await post(tx, [posting], now);
    return result?.kind === "posted" ? from_available : undefined;
  });
}

async function returnAtChannel(services: SharingServices, made: SharingReturn, part: SharingPart): Promise<void> {
  const order = (await loadOrder(services.db, { merchant_id: made.merchant_id, id: made.order_id }))!;
  const { channel, sharing, account } = await openSharingChannel(services, order);
  const { returnShare, queryReturn } = sharing;
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
  const asked = made.query_count > 0 ? await run("share_query", queryReturn) : undefined;
  if (asked && asked.kind !== "not_found") return record(services, made, asked, true);
  return record(services, made, await run("share", returnShare), made.query_count === 0);
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
