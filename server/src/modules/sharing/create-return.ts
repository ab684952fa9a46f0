/** Asks a receiver for all or some of its part back. */
import type { Caller } from "../../kit/http/api.ts";
import { encodeUuid, parsePublicId, publicId } from "../../kit/id.ts";
import { brokenConstraint, type Transaction } from "../../kit/sql/database.ts";
import { claimIdempotencyKey, type IdempotencyKey, idempotencyErrors, rerunAfterRace } from "../idempotency/index.ts";
import { hashContent, lockPayments } from "../payment/index.ts";
import { driveReturn } from "./drive-return.ts";
import { sharingErrors } from "./errors.ts";
import { CALL_LEASE_MS } from "./new-order.ts";
import { addToReturns, loadPartsOfOrders } from "./order-store.ts";
import type { Receiver } from "./receiver.ts";
import { loadReceivers } from "./receiver-store.ts";
import { insertReturn, loadReturn, loadReturnByNumber } from "./return-store.ts";
import type { SharingServices } from "./services.ts";
import { BOOKS, returnable, type SharingOrder, type SharingPart, type SharingReturn } from "./sharing.ts";

export interface CreateReturnInput {
  out_return_no: string;
  /** Public id. */
  receiver: string;
  amount: bigint;
}

/**
 * Throws sharing.out_return_no_conflict, receiver.not_found, sharing.cannot_return, sharing.return_exceeds_part and
 * idempotency.key_reused.
 */
export async function createReturn(
  services: SharingServices,
  caller: Caller,
  order: SharingOrder,
  input: CreateReturnInput,
  idempotency: IdempotencyKey | undefined,
): Promise<{ made: SharingReturn; created: boolean }> {
  const request_hash = hashContent({ order: order.id, ...input });
  const written = await rerunAfterRace(
    () => services.db.transaction((tx) => write(services, tx, caller, order, input, { request_hash, idempotency })),
    (error) => brokenConstraint(error) === "sharing_returns_merchant_id_app_id_livemode_out_return_no_key",
  );
  if (!written.created) return written;
  await driveReturn(services, written.made);
  return { made: (await loadReturn(services.db, written.made))!, created: true };
}

async function write(
  services: SharingServices,
  tx: Transaction,
  caller: Caller,
  order: SharingOrder,
  input: CreateReturnInput,
  { request_hash, idempotency }: { request_hash: Buffer; idempotency: IdempotencyKey | undefined },
): Promise<{ made: SharingReturn; created: boolean }> {
  const { merchant_id, app_id, livemode } = caller;
  await lockPayments(tx, [{ merchant_id, id: order.payment_id }]);
  const id = services.ids.uuid();
  const now = services.clock.now();
  if (idempotency) {
    const key = { object_type: "sharing_return", object_id: id, created_at: now };
    const state = await claimIdempotencyKey(tx, { merchant_id, app_id, livemode, ...idempotency, ...key });
    if (state.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
    if (state.kind === "replay") {
      return { made: (await loadReturn(tx, { merchant_id, id: state.object_id }))!, created: false };
    }
  }
  const earlier = await loadReturnByNumber(tx, caller, input.out_return_no);
  if (earlier) {
    if (earlier.request_hash?.equals(request_hash)) return { made: earlier, created: false };
    const values = { out_return_no: input.out_return_no };
    throw sharingErrors["sharing.out_return_no_conflict"]({ param: "out_return_no", values });
  }
  const { part, receiver } = await findPart(tx, order, input);
  refuseImpossible(services, order, part, receiver, input);
  const made = newReturn({ id, order, part, amount: input.amount, now }, { ...input, request_hash, refund_id: null });
  await insertReturn(tx, made, now + CALL_LEASE_MS);
  await addToReturns(tx, part, { returned: 0n, returning: made.amount, refunding: 0n });
  return { made, created: true };
}

/** The part that stands of a receiver: of one that was tried again, the last. */
async function findPart(
  tx: Transaction,
  order: SharingOrder,
  { receiver: public_id }: CreateReturnInput,
): Promise<{ part: SharingPart; receiver: Receiver }> {
  const id = parsePublicId("receiver", public_id);
  const parts = await loadPartsOfOrders(tx, order.merchant_id, [order.id]);
  const part = parts.find((one) => one.receiver_id === id && !one.retried);
  if (!part) throw sharingErrors["receiver.not_found"]({ param: "receiver", values: { receiver: public_id } });
  const receiver = (await loadReceivers(tx, order.merchant_id, [part.receiver_id])).get(part.receiver_id)!;
  return { part, receiver };
}

function refuseImpossible(
  services: Pick<SharingServices, "getChannel">,
  order: SharingOrder,
  part: SharingPart,
  { id, kind }: Receiver,
  { amount }: CreateReturnInput,
): void {
  const receiver = publicId("receiver", id);
  const cannot = (reason: string) =>
    sharingErrors["sharing.cannot_return"]({ param: "receiver", values: { receiver, reason } });
  if (part.mode === "channel") {
    const sharing = services.getChannel(order.channel)?.sharing;
    if (!sharing?.returnShare) throw cannot(`${order.channel} takes parts back with a refund, and in no other way`);
    const kinds: readonly string[] = sharing.returningKinds;
    if (!kinds.includes(kind)) throw cannot(`at ${order.channel} only ${kinds.join(", ")} gives back`);
  }
  const most = returnable(part);
  if (amount > most) {
    const values = { receiver, returnable: most };
    throw sharingErrors["sharing.return_exceeds_part"]({ param: "amount", values });
  }
}

/** A return of a part, before it is written. */
export function newReturn(
  facts: { id: string; order: SharingOrder; part: SharingPart; amount: bigint; now: number },
  more: { out_return_no?: string; request_hash?: Buffer; refund_id: string | null; carried?: boolean },
): SharingReturn {
  const { id, order, part, amount, now } = facts;
  const { merchant_id, app_id, livemode, id: order_id, payment_id, currency } = order;
  return {
    ...{ merchant_id, id, app_id, livemode, order_id, part_id: part.id, payment_id },
    lane: part.mode === "books" ? BOOKS : order.channel,
    ...{ out_return_no: more.out_return_no ?? null, request_hash: more.request_hash ?? null },
    ...{ refund_id: more.refund_id, carried: more.carried ?? false, return_no: encodeUuid(id), status: "created" },
    ...{ amount, currency, from_available: 0n, failure_code: null, failure_message: null, unknown_reason: null },
    ...{ created_at: now, finished_at: null, query_count: 0 },
  };
}
