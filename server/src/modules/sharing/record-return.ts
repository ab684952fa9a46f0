/**
 * Records what became of a return: its status, posting, the part's and the payment's amounts, its event, and the refund that
 * waits for it, in one transaction under the payment's lock.
 */
import type { ChannelFailure } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { post, sharingReturnedPosting } from "../../ledger/index.ts";
import { addToShares, loadAttempts, lockPayments, type Payment } from "../payment/index.ts";
import { loadRefunds, type Refund, startReturnedRefund } from "../refund/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { bookedReturn } from "./booked-share.ts";
import { returnEvent } from "./events.ts";
import { addToReturns, loadOrder, loadPartsOfOrders } from "./order-store.ts";
import { loadReturn, loadReturnsOfRefund, moveReturn } from "./return-store.ts";
import type { SharingServices } from "./services.ts";
import { isOpen, type SharingPart, type SharingReturn } from "./sharing.ts";

export type ReturnResult =
  | { status: "succeeded"; from_available: bigint }
  | { status: "failed"; failure: ChannelFailure }
  | { status: "sent" | "unknown"; unknown_reason: string | null; failure?: ChannelFailure; due_at: number };

/** Nothing changes for a return that has ended. @param finding what became of it, or how to find out under the payment's lock. */
export async function recordReturn(
  services: SharingServices,
  { merchant_id, id, payment_id }: SharingReturn,
  finding: ReturnResult | ((tx: Transaction) => Promise<ReturnResult>),
): Promise<void> {
  await services.db.transaction(async (tx) => {
    const payment = (await lockPayments(tx, [{ merchant_id, id: payment_id }])).get(payment_id)!;
    const made = (await loadReturn(tx, { merchant_id, id }))!;
    if (!isOpen(made)) return;
    const result = typeof finding === "function" ? await finding(tx) : finding;
    if ("due_at" in result) return postpone(tx, made, result);
    await endReturn(services, tx, payment, made, result);
    if (made.refund_id !== null) await continueRefund(services, tx, payment, made.refund_id);
  });
  services.kick.webhooks();
  services.kick.refunds();
}

async function postpone(
  tx: Transaction,
  made: SharingReturn,
  { status, unknown_reason, failure, due_at }: Extract<ReturnResult, { due_at: number }>,
): Promise<void> {
  const again: SharingReturn = {
    ...{ ...made, status, unknown_reason, query_count: made.query_count + 1 },
    ...{ failure_code: failure?.code ?? null, failure_message: failure?.message ?? null },
  };
  invariant(await moveReturn(tx, again, made.status, due_at), "a return changed under its payment's lock");
}

/** Writes the end of a return, of its own or with the refund that carries it. */
export async function endReturn(
  services: Pick<SharingServices, "clock" | "ids">,
  tx: Transaction,
  payment: Payment,
  made: SharingReturn,
  result: Extract<ReturnResult, { status: "succeeded" | "failed" }>,
): Promise<void> {
  const now = services.clock.now();
  const succeeded = result.status === "succeeded";
  const failure = result.status === "failed" ? result.failure : undefined;
  const ended: SharingReturn = {
    ...{ ...made, status: result.status, unknown_reason: null, finished_at: now },
    ...{ failure_code: failure?.code ?? null, failure_message: failure?.message ?? null },
    from_available: result.status === "succeeded" ? result.from_available : 0n,
  };
  invariant(await moveReturn(tx, ended, made.status, null), "a return changed under its payment's lock");
  const { merchant_id, part_id, order_id, amount, carried } = made;
  await addToReturns(
    tx,
    { merchant_id, id: part_id },
    {
      returned: succeeded ? amount : 0n,
      returning: carried ? 0n : -amount,
      refunding: carried ? -amount : 0n,
    },
  );
  if (succeeded) await addToShares(tx, payment, -amount);
  const part = await partOf(tx, made);
  if (succeeded && !carried) {
    const order = (await loadOrder(tx, { merchant_id, id: order_id }))!;
    const [posted] = await post(tx, [sharingReturnedPosting(bookedReturn(order, part, made, now))], now);
    invariant(posted?.kind === "posted", "the posting of a return was refused or existed already");
  }
  await recordEvents(tx, [returnEvent(services, payment, part, ended)]);
}

async function partOf(tx: Transaction, { merchant_id, order_id, part_id }: SharingReturn): Promise<SharingPart> {
  return (await loadPartsOfOrders(tx, merchant_id, [order_id])).find(({ id }) => id === part_id)!;
}

/** The refund goes on once every return that it waited for has ended; one that failed ends it. */
async function continueRefund(
  services: Pick<SharingServices, "ids" | "clock">,
  tx: Transaction,
  payment: Payment,
  refund_id: string,
): Promise<void> {
  const { merchant_id } = payment;
  const returns = await loadReturnsOfRefund(tx, { merchant_id, id: refund_id });
  if (returns.some((one) => !one.carried && isOpen(one))) return;
  const refund: Refund = (await loadRefunds(tx, [{ merchant_id, id: refund_id }])).get(refund_id)!;
  const attempt = (await loadAttempts(tx, [{ merchant_id, id: refund.attempt_id }])).get(refund.attempt_id)!;
  const failed = returns.find(({ status }) => status === "failed");
  const failure = failed && {
    code: "SHARE_NOT_RETURNED",
    message: `A receiver did not give back: ${failed.failure_code ?? ""} ${failed.failure_message ?? ""}`.trim(),
  };
  const now = services.clock.now();
  const goesOn = await startReturnedRefund(services, tx, { payment, attempt, refund, failure }, now);
  if (goesOn) return;
  for (const one of returns.filter(({ carried }) => carried)) {
    await endReturn(services, tx, payment, one, { status: "failed", failure: failure ?? notRefunded });
  }
}

const notRefunded = { code: "REFUND_FAILED", message: "The refund that was to take it back has failed." };
