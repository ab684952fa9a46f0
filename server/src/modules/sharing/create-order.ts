/** Creates sharing orders: intent with the money set aside first, and only then are receivers and channels told. */
import type { TributaryError } from "../../kit/error.ts";
import type { Caller } from "../../kit/http/api.ts";
import { brokenConstraint, type Transaction } from "../../kit/sql/database.ts";
import { claimIdempotencyKey, type IdempotencyKey, idempotencyErrors, rerunAfterRace } from "../idempotency/index.ts";
import {
  type AskedShare,
  type Attempt,
  hashContent,
  lockPayments,
  type Payment,
  type PlannedShare,
} from "../payment/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { claimParts, writeParts } from "./claim-parts.ts";
import { driveOrder } from "./drive-order.ts";
import { sharingErrors } from "./errors.ts";
import { orderEvent } from "./events.ts";
import { CALL_LEASE_MS, newOrder, placeOrder, requireWinner } from "./new-order.ts";
import { insertOrder, loadOrder, loadOrderByNumber } from "./order-store.ts";
import { planParts } from "./plan-parts.ts";
import { resolveAsked } from "./resolve-shares.ts";
import { loadPolicy } from "./rule-store.ts";
import type { SharingServices } from "./services.ts";
import type { RefundPolicy, SharingOrder } from "./sharing.ts";

export interface CreateOrderInput {
  out_sharing_no: string;
  receivers: readonly AskedShare[] | undefined;
  group: string | undefined;
  release: boolean | undefined;
  refund_policy: RefundPolicy | undefined;
}

/**
 * Throws what `resolveAsked` and `claimParts` do, sharing.payment_not_succeeded, sharing.out_sharing_no_conflict and
 * idempotency.key_reused.
 * @param payment a payment of the caller, as loaded.
 */
export async function createOrder(
  services: SharingServices,
  caller: Caller,
  payment: Payment,
  input: CreateOrderInput,
  idempotency: IdempotencyKey | undefined,
): Promise<{ order: SharingOrder; created: boolean }> {
  const request_hash = hashContent({ payment: payment.id, ...input });
  const write = () => writeOrder(services, caller, payment, input, { request_hash, idempotency });
  const written = await rerunAfterRace(
    write,
    (error) => brokenConstraint(error) === "sharing_orders_merchant_id_app_id_livemode_out_sharing_no_key",
  );
  if (!written.created) return written;
  services.kick.webhooks();
  await driveOrder(services, written.order);
  return { order: (await loadOrder(services.db, written.order))!, created: true };
}

async function writeOrder(
  services: SharingServices,
  caller: Caller,
  { id: payment_id }: Payment,
  input: CreateOrderInput,
  { request_hash, idempotency }: { request_hash: Buffer; idempotency: IdempotencyKey | undefined },
): Promise<{ order: SharingOrder; created: boolean }> {
  const { merchant_id, app_id, livemode } = caller;
  return services.db.transaction(async (tx) => {
    const payment = (await lockPayments(tx, [{ merchant_id, id: payment_id }])).get(payment_id)!;
    const id = services.ids.uuid();
    const now = services.clock.now();
    if (idempotency) {
      const made = { object_type: "sharing_order", object_id: id, created_at: now };
      const state = await claimIdempotencyKey(tx, { merchant_id, app_id, livemode, ...idempotency, ...made });
      if (state.kind === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
      if (state.kind === "replay") {
        return { order: (await loadOrder(tx, { merchant_id, id: state.object_id }))!, created: false };
      }
    }
    const earlier = await loadOrderByNumber(tx, caller, input.out_sharing_no);
    if (earlier) return { order: sameOrder(earlier, request_hash), created: false };
    const attempt = await requireWinner(tx, payment);
    const shares = await resolveAsked(tx, caller, input);
    if (shares.length === 0) throw nobody();
    const order = newOrder(
      { payment, attempt, id, app_id, now },
      {
        out_sharing_no: input.out_sharing_no,
        ...{ request_hash, release_rest: input.release ?? false },
        refund_policy: input.refund_policy ?? (await loadPolicy(tx, caller)),
      },
    );
    await startOrder(services, tx, { payment, attempt, order, shares, automatic: false });
    return { order, created: true };
  });
}

function nobody(): TributaryError {
  return sharingErrors["sharing.shares_invalid"]({
    param: "receivers",
    values: { problem: "name receivers, a group or both" },
  });
}

function sameOrder(order: SharingOrder, request_hash: Buffer): SharingOrder {
  if (order.request_hash?.equals(request_hash)) return order;
  const values = { out_sharing_no: order.out_sharing_no! };
  throw sharingErrors["sharing.out_sharing_no_conflict"]({ param: "out_sharing_no", values });
}

async function startOrder(
  services: SharingServices,
  tx: Transaction,
  facts: {
    payment: Payment;
    attempt: Attempt;
    order: SharingOrder;
    shares: readonly PlannedShare[];
    automatic: boolean;
  },
): Promise<void> {
  const { payment, attempt, order, shares, automatic } = facts;
  const planned = planParts(payment.amount, shares, automatic);
  const parts = await claimParts(services, tx, { payment, attempt, order, planned });
  placeOrder(services, order, payment, parts);
  await insertOrder(tx, order, services.clock.now() + CALL_LEASE_MS);
  await writeParts(tx, payment, parts);
  await recordEvents(tx, [orderEvent(services, "sharing_order.created", payment, order, parts)]);
}
