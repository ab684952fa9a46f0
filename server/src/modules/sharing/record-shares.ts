/**
 * Records what became of parts: their status, postings, the payment's amount, the order, its event and what follows, in one
 * transaction under the payment's lock.
 */
import type { ChannelFailure } from "../../channels/contract.ts";
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { post, sharingFailedPosting, sharingSucceededPosting } from "../../ledger/index.ts";
import { addToShares, lockPayments, type Payment, queryDelay_ms } from "../payment/index.ts";
import { recordEvents } from "../webhook/index.ts";
import { bookedShare } from "./booked-share.ts";
import { orderEvent } from "./events.ts";
import { loadOrder, loadPartsOfOrders, moveOrder, moveParts } from "./order-store.ts";
import { startRelease } from "./release.ts";
import type { SharingServices } from "./services.ts";
import { isOpen, type MoveStatus, type SharingOrder, type SharingPart, statusByParts } from "./sharing.ts";

export interface PartEnd {
  status: "succeeded" | "failed";
  failure?: ChannelFailure | undefined;
}

export interface ShareResult {
  /** By the id of the part. */
  ended: ReadonlyMap<string, PartEnd>;
  /** What the channel's other parts are now, and when to ask again. */
  open?: { status: "sent" | "unknown"; unknown_reason: string | null } | undefined;
  channel_sharing_no?: string | undefined;
  /** A refusal that may be the effect of an earlier request. */
  refusal?: ChannelFailure | undefined;
}

/** What became of parts, or how to find out under the payment's lock; undefined where nothing did. */
export type Finding = ShareResult | ((tx: Transaction) => Promise<ShareResult | undefined>);

/** Nothing changes for an order that has gone on meanwhile with another number. */
export async function recordShares(
  services: SharingServices,
  { merchant_id, id, payment_id, sharing_no }: SharingOrder,
  finding: Finding,
): Promise<void> {
  await services.db.transaction(async (tx) => {
    const payment = (await lockPayments(tx, [{ merchant_id, id: payment_id }])).get(payment_id)!;
    const order = (await loadOrder(tx, { merchant_id, id }))!;
    if (order.sharing_no !== sharing_no || (order.status !== "created" && order.status !== "processing")) return;
    const parts = await loadPartsOfOrders(tx, merchant_id, [id]);
    const result = typeof finding === "function" ? await finding(tx) : finding;
    if (result === undefined) return;
    await writeResult(services, tx, { payment, order, parts }, result);
  });
  services.kick.webhooks();
  services.kick.sharings();
}

interface Locked {
  payment: Payment;
  order: SharingOrder;
  parts: readonly SharingPart[];
}

async function writeResult(
  services: SharingServices,
  tx: Transaction,
  { payment, order, parts }: Locked,
  result: ShareResult,
): Promise<void> {
  const now = services.clock.now();
  const moves: { part: SharingPart; expected: MoveStatus }[] = [];
  const after = parts.map((part) => {
    const moved = isOpen(part) ? movePart(part, result, now) : part;
    if (moved !== part) moves.push({ part: moved, expected: part.status });
    return moved;
  });
  const moved = await moveParts(tx, moves);
  invariant(moved === moves.length, "a part changed under its payment's lock");
  await bookEnds(tx, order, moves, now);
  const next = moveByParts(order, after, result, now);
  const due_at = next.status === "processing" ? now + queryDelay_ms(order.query_count) : null;
  invariant(await moveOrder(tx, next, order.status, due_at), "an order changed under its payment's lock");
  if (next.status === "processing") return;
  const type = `sharing_order.${next.status as "succeeded" | "partially_succeeded" | "failed"}` as const;
  await recordEvents(tx, [orderEvent(services, type, payment, next, after)]);
  if (next.status === "succeeded" && next.release_rest) await startRelease(services, tx, payment, next);
}

function movePart(part: SharingPart, { ended, open }: ShareResult, now: number): SharingPart {
  const end = ended.get(part.id);
  if (end) {
    const { code = null, message = null } = end.failure ?? {};
    return { ...part, status: end.status, failure_code: code, failure_message: message, finished_at: now };
  }
  if (part.mode === "books" || !open || open.status === part.status) return part;
  return { ...part, status: open.status };
}

/** What succeeded has left the book; what failed is the merchant's again. */
async function bookEnds(
  tx: Transaction,
  order: SharingOrder,
  moves: readonly { part: SharingPart }[],
  now: number,
): Promise<void> {
  const postings = moves.flatMap(({ part }) => {
    if (part.status === "succeeded") return [sharingSucceededPosting(bookedShare(order, part, now))];
    return part.status === "failed" ? sharingFailedPosting(bookedShare(order, part, now)) : [];
  });
  const posted = await post(tx, postings, now);
  invariant(
    posted.every(({ kind }) => kind === "posted"),
    "the posting of a part was refused or existed already",
  );
  const failed = moves.reduce((sum, { part }) => (part.status === "failed" ? sum + part.amount : sum), 0n);
  await addToShares(tx, { merchant_id: order.merchant_id, id: order.payment_id }, -failed);
}

function moveByParts(
  order: SharingOrder,
  parts: readonly SharingPart[],
  { open, channel_sharing_no, refusal }: ShareResult,
  now: number,
): SharingOrder {
  const status = statusByParts(parts);
  const over = status !== "processing";
  return {
    ...{ ...order, status, channel_sharing_no: channel_sharing_no ?? order.channel_sharing_no },
    failure_code: refusal?.code ?? (over || open?.status === "sent" ? null : order.failure_code),
    failure_message: refusal?.message ?? (over || open?.status === "sent" ? null : order.failure_message),
    unknown_reason: over ? null : (open?.unknown_reason ?? null),
    query_count: open ? order.query_count + 1 : order.query_count,
    finished_at: over ? now : null,
  };
}
