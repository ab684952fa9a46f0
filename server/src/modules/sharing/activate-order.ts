/** An order that a payment has scheduled takes its parts, or fails with the reason; the payment is not touched by either. */
import { TributaryError } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { lockPayments, type Payment } from "../payment/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { claimParts, writeParts } from "./claim-parts.ts";
import { sharingErrors } from "./errors.ts";
import { orderEvent } from "./events.ts";
import { CALL_LEASE_MS, placeOrder, requireWinner } from "./new-order.ts";
import { loadOrder, moveOrder } from "./order-store.ts";
import { planParts } from "./plan-parts.ts";
import type { SharingServices } from "./services.ts";
import { BOOKS, type SharingOrder } from "./sharing.ts";

/** True when its parts are claimed. */
export async function activateOrder(services: SharingServices, order: SharingOrder): Promise<boolean> {
  try {
    await services.db.transaction((tx) => activate(services, tx, order));
    return true;
  } catch (error) {
    if (!(error instanceof TributaryError)) throw error;
    await services.db.transaction((tx) => fail(services, tx, order, error));
    return false;
  } finally {
    services.kick.webhooks();
    services.kick.sharings();
  }
}

/** Both as they are under the payment's lock; undefined when somebody else was faster. */
async function lockScheduled(
  tx: Transaction,
  { merchant_id, payment_id, id }: SharingOrder,
): Promise<{ payment: Payment; order: SharingOrder } | undefined> {
  const payment = (await lockPayments(tx, [{ merchant_id, id: payment_id }])).get(payment_id)!;
  const order = (await loadOrder(tx, { merchant_id, id }))!;
  return order.status === "scheduled" ? { payment, order } : undefined;
}

async function activate(services: SharingServices, tx: Transaction, scheduled: SharingOrder): Promise<void> {
  const locked = await lockScheduled(tx, scheduled);
  if (!locked) return;
  const { payment } = locked;
  const attempt = await requireWinner(tx, payment);
  const planned = planParts(payment.amount, locked.order.plan?.shares ?? [], true);
  if (planned.length === 0) {
    const problem = "no receiver's part is a minor unit of the currency or more";
    throw sharingErrors["sharing.shares_invalid"]({ values: { problem } });
  }
  const order: SharingOrder = { ...locked.order, status: "created", failure_code: null, failure_message: null };
  const parts = await claimParts(services, tx, { payment, attempt, order, planned });
  placeOrder(services, order, payment, parts);
  // A channel's part is its own worker's: a channel that does not answer holds up no other.
  const now = services.clock.now();
  const due_at = order.lane === BOOKS ? now + CALL_LEASE_MS : now;
  await moveOrder(tx, order, "scheduled", due_at);
  await writeParts(tx, payment, parts);
  await recordEvents(tx, [orderEvent(services, "sharing_order.created", payment, order, parts)]);
}

async function fail(
  services: SharingServices,
  tx: Transaction,
  scheduled: SharingOrder,
  error: TributaryError,
): Promise<void> {
  const locked = await lockScheduled(tx, scheduled);
  if (!locked) return;
  const failure = { failure_code: error.code, failure_message: error.message };
  const order: SharingOrder = { ...locked.order, status: "failed", ...failure, finished_at: services.clock.now() };
  await moveOrder(tx, order, "scheduled", null);
  await recordEvents(tx, [orderEvent(services, "sharing_order.failed", locked.payment, order, [])]);
}
