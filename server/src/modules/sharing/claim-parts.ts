/**
 * Takes parts of a payment for receivers: under the payment's lock, checked against what is left and against what its channel
 * allows, and held in the books. So no concurrency can share more than there is.
 */
import type { Channel } from "../../channels/contract.ts";
import { publicId } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { accountOf, lockBalance, post, sharingInitiatedPosting } from "../../ledger/index.ts";
import { requireMayDebit } from "../account-operation/index.ts";
import { type Attempt, addToShares, type Payment } from "../payment/index.ts";
import { loadRefundsOfPayments } from "../refund/index.ts";
import { bookedShare } from "./booked-share.ts";
import { sharingErrors } from "./errors.ts";
import { countedRefunds, leftToShare, sharedByChannel } from "./left.ts";
import { insertParts, loadPartsOfPayment } from "./order-store.ts";
import type { PlannedPart } from "./plan-parts.ts";
import type { Receiver } from "./receiver.ts";
import { holdReceivers } from "./receiver-store.ts";
import { requireActive } from "./resolve-shares.ts";
import { loadReleaseOf } from "./return-store.ts";
import { loadAgreement } from "./rule-store.ts";
import type { SharingServices } from "./services.ts";
import type { SharingOrder, SharingPart } from "./sharing.ts";

export interface ClaimedParts {
  payment: Payment;
  attempt: Attempt;
  /** Not written yet, or moved to where it takes these parts. */
  order: SharingOrder;
  planned: readonly PlannedPart[];
}

/**
 * Checks and makes the parts, and holds their money. The order is written by the caller, before `writeParts`.
 * Throws account.debit_frozen, account.closed, receiver.not_found, receiver.disabled, sharing.amount_exceeds_left, sharing.insufficient_balance, and what the
 * channel does not allow; then nothing of the transaction may be kept.
 */
export async function claimParts(
  services: Pick<SharingServices, "clock" | "ids" | "getChannel">,
  tx: Transaction,
  { payment, attempt, order, planned }: ClaimedParts,
): Promise<SharingPart[]> {
  const ids = planned.map(({ receiver_id }) => receiver_id);
  const [receivers, earlier, refunds] = await Promise.all([
    holdReceivers(tx, payment.merchant_id, ids),
    loadPartsOfPayment(tx, payment),
    loadRefundsOfPayments(tx, [payment]),
  ]);
  // Controls are locked before the book, and after the payment.
  await requireMayDebit(tx, payment, payment.currency);
  const now = services.clock.now();
  const parts = planned.map((part) => {
    const receiver = requireActive(receivers.get(part.receiver_id), payment, publicId("receiver", part.receiver_id));
    return newPart(services, order, receiver, part, now);
  });
  const asked = parts.reduce((sum, { amount }) => sum + amount, 0n);
  const left = leftToShare(attempt, countedRefunds(refunds, payment), earlier);
  if (asked > left) {
    const values = { left: left > 0n ? left : 0n };
    throw sharingErrors["sharing.amount_exceeds_left"]({ param: "receivers", values });
  }
  checkReceivers(attempt, parts, receivers);
  const byChannel = parts.filter(({ mode }) => mode === "channel");
  if (byChannel.length > 0) {
    await checkChannel(services, tx, { payment, attempt }, byChannel, sharedByChannel(earlier));
  }
  await hold(tx, order, parts, now);
  return parts;
}

/** Writes the parts, and that the payment has so much less. */
export async function writeParts(tx: Transaction, payment: Payment, parts: readonly SharingPart[]): Promise<void> {
  await insertParts(tx, parts);
  const shared = parts.reduce((sum, { amount }) => sum + amount, 0n);
  await addToShares(tx, payment, shared);
  payment.shared_amount += shared;
}

function newPart(
  { ids }: Pick<SharingServices, "ids">,
  order: SharingOrder,
  receiver: Receiver,
  { amount, description }: PlannedPart,
  now: number,
): SharingPart {
  const { merchant_id, payment_id, livemode, sharing_no, currency } = order;
  return {
    ...{ merchant_id, id: ids.uuid(), order_id: order.id, payment_id, livemode, receiver_id: receiver.id },
    mode: receiver.kind === "merchant" ? "books" : "channel",
    ...{ receiver_merchant_id: receiver.receiver_merchant_id, sharing_no, status: "created", amount, currency },
    ...{ description, from_available: 0n, returned_amount: 0n, returning_amount: 0n, refunding_amount: 0n },
    ...{ retried: false, failure_code: null, failure_message: null, created_at: now, finished_at: null },
  };
}

/** A channel passes parts on to receivers of its own; only money that the platform holds goes from book to book. */
function checkReceivers(attempt: Attempt, parts: readonly SharingPart[], receivers: Map<string, Receiver>): void {
  for (const { receiver_id, mode } of parts) {
    const receiver = publicId("receiver", receiver_id);
    const { channel } = receivers.get(receiver_id)!;
    if (mode === "books" && attempt.funding_mode === "direct") {
      throw sharingErrors["sharing.books_need_pooled"]({ param: "receivers", values: { receiver } });
    }
    if (mode === "channel" && channel !== attempt.channel) {
      const values = { channel: attempt.channel, receiver };
      throw sharingErrors["sharing.channel_cannot"]({ param: "receivers", values });
    }
  }
}

const DAY_MS = 86_400_000;

async function checkChannel(
  services: Pick<SharingServices, "clock" | "getChannel">,
  tx: Transaction,
  { payment, attempt }: Pick<ClaimedParts, "payment" | "attempt">,
  parts: readonly SharingPart[],
  shared: bigint,
): Promise<void> {
  const { limits, proportionalReturns } = requireSharing(services.getChannel(attempt.channel), attempt, parts[0]!);
  // Such a refund takes from whatever is shared by the time the channel does it.
  if (payment.refunding_amount > 0n && proportionalReturns?.includes(attempt.method)) {
    throw sharingErrors["sharing.under_way"]();
  }
  if (limits.hold_required && !payment.sharing?.hold) throw sharingErrors["sharing.not_held"]();
  const release = await loadReleaseOf(tx, payment);
  if (release && release.status !== "failed") throw sharingErrors["sharing.finished"]();
  if (services.clock.now() - payment.succeeded_at! > limits.window_ms) {
    const values = { days: Math.floor(limits.window_ms / DAY_MS) };
    throw sharingErrors["sharing.window_passed"]({ values });
  }
  if (parts.length > limits.receivers_max) {
    throw sharingErrors["sharing.too_many_receivers"]({ param: "receivers", values: { count: limits.receivers_max } });
  }
  const share_ppm = (await loadAgreement(tx, attempt.channel_account_id)) ?? limits.share_ppm_max;
  const limit = (attempt.amount * BigInt(share_ppm)) / 1_000_000n;
  const asked = parts.reduce((sum, { amount }) => sum + amount, 0n);
  if (shared + asked > limit) {
    throw sharingErrors["sharing.above_channel_limit"]({ param: "receivers", values: { limit, shared } });
  }
}

function requireSharing(channel: Channel | undefined, attempt: Attempt, { receiver_id }: SharingPart) {
  if (channel?.sharing) return channel.sharing;
  const values = { channel: attempt.channel, receiver: publicId("receiver", receiver_id) };
  throw sharingErrors["sharing.channel_cannot"]({ param: "receivers", values });
}

/** What is pending pays first, and what was settled the rest. In direct mode there is nothing to hold. */
async function hold(tx: Transaction, order: SharingOrder, parts: readonly SharingPart[], now: number): Promise<void> {
  if (order.funding_mode === "direct") return;
  const pending = await lockBalance(tx, order, accountOf("merchant_pending", order.currency));
  let spare = pending > 0n ? pending : 0n;
  for (const part of parts) {
    const fromPending = part.amount < spare ? part.amount : spare;
    spare -= fromPending;
    part.from_available = part.amount - fromPending;
  }
  const postings = parts.flatMap((part) => sharingInitiatedPosting(bookedShare(order, part, now)));
  const results = await post(tx, postings, now);
  if (results.some(({ kind }) => kind === "refused")) throw sharingErrors["sharing.insufficient_balance"]();
}
