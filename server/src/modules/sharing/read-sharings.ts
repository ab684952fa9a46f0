/** Reading sharings, always within the caller's own app and book. */
import type { Caller } from "../../kit/http/api.ts";
import { parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { loadAttempts, loadPayments, type Payment } from "../payment/index.ts";
import { loadRefundsOfPayments } from "../refund/index.ts";
import { sharingErrors } from "./errors.ts";
import { countedRefunds, leftToShare } from "./left.ts";
import { listOrders, loadOrder, loadPartsOfOrders, loadPartsOfPayment, type OrderFilter } from "./order-store.ts";
import { presentOrder, presentPaymentSharing } from "./present.ts";
import { loadReleaseOf, loadReturn } from "./return-store.ts";
import type { SharingOrder, SharingPart, SharingReturn } from "./sharing.ts";

/** The order of a public id. Throws sharing_order.not_found. */
export async function findOrder(sql: Sql, caller: Caller, public_id: string): Promise<SharingOrder> {
  const id = parsePublicId("sharing_order", public_id);
  const order = id && (await loadOrder(sql, { merchant_id: caller.merchant_id, id }));
  if (!order || order.app_id !== caller.app_id || order.livemode !== caller.livemode) {
    throw sharingErrors["sharing_order.not_found"]();
  }
  return order;
}

/** Orders as the API shows them, with their parts and payments. */
export async function viewOrders(sql: Sql, orders: readonly SharingOrder[]) {
  if (orders.length === 0) return [];
  const { merchant_id } = orders[0]!;
  const payment_keys = orders.map(({ payment_id: id }) => ({ merchant_id, id }));
  const ids = orders.map(({ id }) => id);
  const [parts, payments] = await Promise.all([
    loadPartsOfOrders(sql, merchant_id, ids),
    loadPayments(sql, payment_keys),
  ]);
  const ofOrder = Map.groupBy(parts, ({ order_id }) => order_id);
  return orders.map((order) => presentOrder(order, ofOrder.get(order.id) ?? [], payments.get(order.payment_id)!));
}

/** A page of orders as the API shows them. */
export async function readOrders(sql: Sql, filter: OrderFilter): Promise<SharingOrder[]> {
  return listOrders(sql, filter);
}

/** The return of a public id with its part. Throws sharing_return.not_found. */
export async function findReturn(
  sql: Sql,
  caller: Caller,
  public_id: string,
): Promise<{ made: SharingReturn; part: SharingPart }> {
  const id = parsePublicId("sharing_return", public_id);
  const made = id && (await loadReturn(sql, { merchant_id: caller.merchant_id, id }));
  if (!made || made.app_id !== caller.app_id || made.livemode !== caller.livemode) {
    throw sharingErrors["sharing_return.not_found"]();
  }
  const parts = await loadPartsOfOrders(sql, made.merchant_id, [made.order_id]);
  return { made, part: parts.find((part) => part.id === made.part_id)! };
}

/** Where the sharing of a payment stands. */
export async function readPaymentSharing(sql: Sql, payment: Payment) {
  const { merchant_id, succeeded_attempt_id: id } = payment;
  const [attempts, parts, refunds, release] = await Promise.all([
    loadAttempts(sql, id === null ? [] : [{ merchant_id, id }]),
    loadPartsOfPayment(sql, payment),
    loadRefundsOfPayments(sql, [payment]),
    loadReleaseOf(sql, payment),
  ]);
  const attempt = id === null ? undefined : attempts.get(id);
  const left = attempt ? leftToShare(attempt, countedRefunds(refunds, payment), parts) : 0n;
  return presentPaymentSharing(payment, { left, parts, release });
}
