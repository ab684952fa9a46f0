/** What is asked by public ids, made into what is stored: every receiver found and active, every share clear, nobody twice. */
import { parsePublicId, publicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import type { AskedShare, AskedSharing, PlannedShare, SharingPlan } from "../payment/index.ts";
import { unknownReceiver } from "./create-receiver.ts";
import { sharingErrors } from "./errors.ts";
import { refuseTwice } from "./plan-parts.ts";
import type { Receiver } from "./receiver.ts";
import { type Book, loadGroup, loadReceivers } from "./receiver-store.ts";

/** Throws receiver.not_found, receiver.disabled, sharing.shares_invalid. */
export async function resolveShares(sql: Sql, book: Book, asked: readonly AskedShare[]): Promise<PlannedShare[]> {
  const shares = asked.map(readShare);
  await loadActive(sql, book, shares);
  return shares;
}

function readShare({ receiver, amount, ratio_ppm, description }: AskedShare): PlannedShare {
  const receiver_id = parsePublicId("receiver", receiver);
  if (!receiver_id) throw unknownReceiver(receiver);
  if ((amount === undefined) === (ratio_ppm === undefined)) {
    const problem = `give ${receiver} either an amount or a ratio_ppm`;
    throw sharingErrors["sharing.shares_invalid"]({ param: "receivers", values: { problem } });
  }
  const much = amount === undefined ? { ratio_ppm: ratio_ppm! } : { amount: String(amount) };
  return { receiver_id, ...much, ...(description === undefined ? {} : { description }) };
}

async function loadActive(sql: Sql, book: Book, shares: readonly PlannedShare[]): Promise<Receiver[]> {
  if (shares.length === 0) return [];
  const ids = [...new Set(shares.map(({ receiver_id }) => receiver_id))];
  const found = await loadReceivers(sql, book.merchant_id, ids);
  return ids.map((id) => requireActive(found.get(id), book, publicId("receiver", id)));
}

/** Throws receiver.not_found, receiver.disabled. */
export function requireActive(receiver: Receiver | undefined, book: Book, name: string): Receiver {
  if (!receiver || receiver.livemode !== book.livemode) throw unknownReceiver(name);
  if (receiver.status !== "active") {
    throw sharingErrors["receiver.disabled"]({ param: "receivers", values: { receiver: name } });
  }
  return receiver;
}

/**
 * Everybody who is named, by name or by a group. Throws what `resolveShares` does, receiver_group.not_found and
 * sharing.receiver_twice.
 */
export async function resolveAsked(sql: Sql, book: Book, asked: AskedSharing): Promise<PlannedShare[]> {
  const named = await resolveShares(sql, book, asked.receivers ?? []);
  if (asked.group === undefined) {
    refuseTwice(named);
    return named;
  }
  const id = parsePublicId("receiver_group", asked.group);
  const group = id && (await loadGroup(sql, { merchant_id: book.merchant_id, id }));
  if (!group || group.livemode !== book.livemode || group.status !== "active") {
    throw sharingErrors["receiver_group.not_found"]({ param: "group", values: { group: asked.group } });
  }
  await loadActive(sql, book, group.members);
  const shares = [...named, ...group.members];
  refuseTwice(shares);
  return shares;
}

/** What a payment keeps. The channel holds its money back unless it only goes to merchants of this platform. */
export async function resolvePlan(sql: Sql, book: Book, asked: AskedSharing): Promise<SharingPlan> {
  const shares = await resolveAsked(sql, book, asked);
  const receivers = await loadActive(sql, book, shares);
  const withinBooks = receivers.length > 0 && receivers.every(({ kind }) => kind === "merchant");
  return { hold: asked.hold ?? !withinBooks, shares, release: asked.release ?? true };
}
