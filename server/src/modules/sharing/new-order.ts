/** What is common to all ways in which an order begins. */
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { type Attempt, loadAttempts, type Payment } from "../payment/index.ts";
import { sharingErrors } from "./errors.ts";
import type { SharingServices } from "./services.ts";
import { BOOKS, type SharingOrder, type SharingPart } from "./sharing.ts";

/** How long a call may take before a worker believes that its process died. */
export const CALL_LEASE_MS = 30_000;

/** The attempt that won the payment. Throws sharing.payment_not_succeeded. */
export async function requireWinner(tx: Transaction, payment: Payment): Promise<Attempt> {
  const { merchant_id, succeeded_attempt_id: id, status } = payment;
  const attempt = id === null ? undefined : (await loadAttempts(tx, [{ merchant_id, id }])).get(id);
  if (!attempt) throw sharingErrors["sharing.payment_not_succeeded"]({ param: "payment", values: { status } });
  return attempt;
}

export interface OrderFacts {
  payment: Payment;
  attempt: Attempt;
  id: string;
  app_id: string;
  now: number;
}

/** An order of a payment. Its lane and earliest time are known when its parts are. */
export function newOrder(
  { payment, attempt, id, app_id, now }: OrderFacts,
  more: Pick<SharingOrder, "out_sharing_no" | "request_hash" | "release_rest" | "refund_policy">,
): SharingOrder {
  const { channel, channel_account_id, funding_mode } = attempt;
  return {
    ...{ merchant_id: payment.merchant_id, id, app_id, livemode: payment.livemode, payment_id: payment.id },
    ...{ attempt_id: attempt.id, lane: channel, channel, channel_account_id, funding_mode, ...more },
    ...{ status: "created", currency: payment.currency, plan: null, sharing_no: encodeUuid(id), sent_at: null },
    ...{ channel_sharing_no: null, failure_code: null, failure_message: null, unknown_reason: null },
    ...{ created_at: now, ready_at: now, finished_at: null, query_count: 0 },
  };
}

/** Where an order is worked on, and from when on: a channel takes it only some time after the payment. */
export function placeOrder(
  services: Pick<SharingServices, "getChannel">,
  order: SharingOrder,
  payment: Pick<Payment, "succeeded_at">,
  parts: readonly SharingPart[],
): void {
  const byChannel = parts.some(({ mode }) => mode === "channel");
  order.lane = byChannel ? order.channel : BOOKS;
  if (!byChannel) return;
  const { delay_ms } = services.getChannel(order.channel)!.sharing!.limits;
  order.ready_at = Math.max(order.ready_at, payment.succeeded_at! + delay_ms + CLOCKS_DIFFER_MS);
}

/** The channel counts by a clock of its own. */
const CLOCKS_DIFFER_MS = 2_000;
