/** A refund that waited for receivers of shares goes on, or ends. The caller holds the payment's lock. */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { post, refundInitiatedPosting } from "../../ledger/index.ts";
import { type Attempt, addToRefunds, type Payment } from "../payment/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { bookedRefund } from "./booked-refund.ts";
import { drawOnSettled } from "./draw-on-settled.ts";
import { presentRefund } from "./present-refund.ts";
import type { Refund } from "./refund.ts";
import type { RefundServices } from "./services.ts";
import { moveRefunds, startReturned } from "./store.ts";

/** What became of the returns that a refund waited for. */
export interface ReturnedRefund {
  payment: Payment;
  attempt: Attempt;
  refund: Refund;
  /** Why they failed; undefined when all that was asked for came back. */
  failure: { code: string; message: string } | undefined;
}

const shortOfBalance = {
  code: "INSUFFICIENT_BALANCE",
  message: "The merchant's balance did not cover the refund once receivers had given back.",
};

/** Holds the refund's money and has a worker send it (true), or fails it and gives its claim on the payment back. */
export async function startReturnedRefund(
  services: Pick<RefundServices, "ids">,
  tx: Transaction,
  { payment, attempt, refund, failure }: ReturnedRefund,
  now: number,
): Promise<boolean> {
  if (refund.status !== "returning") return true;
  const held = failure === undefined && (await hold(tx, refund, attempt, now));
  if (held) {
    invariant(await startReturned(tx, refund, now), "a refund changed under its payment's lock");
    return true;
  }
  await failReturned(services, tx, { payment, attempt, refund, failure: failure ?? shortOfBalance }, now);
  return false;
}

/** What is pending pays it, or what was settled and held back helps; false when all hold too little. */
async function hold(tx: Transaction, refund: Refund, attempt: Attempt, now: number): Promise<boolean> {
  const [result] = await post(tx, [refundInitiatedPosting(bookedRefund(refund, attempt, now))], now);
  return result?.kind === "posted" || (await drawOnSettled(tx, { refund, attempt }, now));
}

async function failReturned(
  { ids }: Pick<RefundServices, "ids">,
  tx: Transaction,
  { payment, attempt, refund, failure }: ReturnedRefund,
  now: number,
): Promise<void> {
  const { merchant_id, id, app_id, livemode } = refund;
  const failed: Refund = {
    ...{ ...refund, status: "failed", from_available: 0n, from_reserve: 0n, finished_at: now },
    ...{ failure_code: failure!.code, failure_message: failure!.message },
  };
  const moved = await moveRefunds(tx, [{ refund: failed, expected: "returning", due_at: null }]);
  invariant(moved.size === 1, "a refund changed under its payment's lock");
  await addToRefunds(tx, [{ merchant_id, id: payment.id, refunding: -refund.amount, refunded: 0n }]);
  const data = presentRefund(failed, payment, attempt);
  const event = { id: ids.uuid(), merchant_id, app_id, livemode, type: "refund.failed" as const, object_id: id, data };
  await recordEvents(tx, [{ ...event, created_at: now, notify_url: payment.notify_url }]);
}
