/**
 * Lets a payout go: looks whether its book and its beneficiary may be paid now, whether a person must see it first, chooses
 * who pays, and writes that down before anybody is told. Each step is a guarded move under the payout's lock, so it may be
 * begun again anywhere, by anybody.
 */
import { invariant } from "../../kit/error.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { type Beneficiary, hindranceOf, loadBeneficiaries } from "../beneficiary/index.ts";
import { failureOf } from "./bank-file.ts";
import { tellPayer } from "./dispatch-payout.ts";
import { endUnpaid } from "./end-payout.ts";
import { refusalOf } from "./may-pay-out.ts";
import { BANK, type Payout, type WaitsFor } from "./payout.ts";
import { needsReview, requestReview } from "./review.ts";
import { findPayer, type Payer } from "./route-payout.ts";
import type { PayoutServices } from "./services.ts";
import { costOf } from "./settings.ts";
import { loadPayouts, lockPayout, movePayout } from "./store.ts";

/** How long a call may take before a worker believes that its process died. */
export const CALL_LEASE_MS = 30_000;

/** When a payout that waits for somebody's doing is looked at again. */
const LOOK_AGAIN_MS = 10 * 60_000;

/** Who tells the channel: this process, now, or the channel's worker. */
export type Telling = "now" | "by_worker";

/** Lets a payout go as far as it may, and gives it as it is then. */
export async function releasePayout(services: PayoutServices, key: TenantKey, telling: Telling): Promise<Payout> {
  const seen = (await loadPayouts(services.db, [key])).get(key.id);
  invariant(seen, "payouts are never deleted");
  if (!isWaiting(seen)) return seen;
  // Asked before the transaction: it may open the account's credentials.
  const payer = await findPayer(services, seen, await beneficiaryOf(services.db, seen), seen.currency);
  const { payout, routed } = await services.db.transaction(async (tx) => {
    const locked = await lockPayout(tx, key);
    invariant(locked, "payouts are never deleted");
    if (!isWaiting(locked)) return { payout: locked, routed: false };
    const next = await takeSteps(services, tx, locked, payer, telling);
    return { payout: next, routed: next.status === "sent" };
  });
  services.kick.webhooks();
  if (routed && telling === "now") return tellPayer(services, payout, "request");
  if (routed) services.kick.payouts();
  return payout;
}

/** Nobody was chosen to pay it, and no person holds it. */
function isWaiting({ status, channel }: Payout): boolean {
  return channel === null && (status === "created" || status === "pending");
}

async function takeSteps(
  services: PayoutServices,
  tx: Transaction,
  payout: Payout,
  payer: Payer | undefined,
  telling: Telling,
): Promise<Payout> {
  const hindered = await hinder(services, tx, payout);
  if (hindered) return hindered;
  if (payout.status === "pending") return routeTo(services, tx, payout, payer, telling);
  if (await needsReview(tx, payout)) return requestReview(services, tx, payout);
  const pending: Payout = { ...payout, status: "pending", waits_for: null };
  invariant(await movePayout(tx, "created", pending, services.clock.now()), "a locked payout moves");
  return routeTo(services, tx, pending, payer, telling);
}

async function beneficiaryOf(
  sql: PayoutServices["db"] | Transaction,
  { merchant_id, beneficiary_id: id }: Payout,
): Promise<Beneficiary> {
  const found = (await loadBeneficiaries(sql, [{ merchant_id, id }])).get(id);
  invariant(found, "beneficiaries are never removed");
  return found;
}

/** What may not be paid now waits, or ends; undefined when nothing hinders it. */
async function hinder(services: PayoutServices, tx: Transaction, payout: Payout): Promise<Payout | undefined> {
  const now = services.clock.now();
  const beneficiary = await beneficiaryOf(tx, payout);
  const hindrance = hindranceOf(beneficiary, payout.beneficiary_version, now);
  if (hindrance === "cooling") return wait(tx, payout, "cooling", beneficiary.payable_from);
  if (hindrance !== undefined) {
    return endUnpaid(services, tx, payout, "failed", failureOf(hindrance));
  }
  const refusal = await refusalOf(tx, payout);
  return refusal === undefined ? undefined : wait(tx, payout, "refused", now + LOOK_AGAIN_MS);
}

async function wait(tx: Transaction, payout: Payout, waits_for: WaitsFor, until: number): Promise<Payout> {
  const waiting: Payout = { ...payout, waits_for };
  invariant(await movePayout(tx, payout.status, waiting, until), "a locked payout moves");
  return waiting;
}

/** A pending payout gets somebody who pays it. From then on a channel is the only one who knows. */
async function routeTo(
  services: PayoutServices,
  tx: Transaction,
  payout: Payout,
  payer: Payer | undefined,
  telling: Telling,
): Promise<Payout> {
  const now = services.clock.now();
  if (!payer) {
    services.log.error({ payout_id: payout.id }, "no channel account pays this payout: it waits");
    return wait(tx, payout, "no_channel", now + LOOK_AGAIN_MS);
  }
  const { livemode, currency } = payout;
  const channel_account_id = payer.kind === "bank" ? null : payer.account.id;
  const cost_amount = await costOf(tx, { channel_account_id, livemode, currency }, payout.transfer_amount);
  const routed: Payout = { ...payout, cost_amount, channel_account_id, waits_for: null };
  if (payer.kind === "bank") {
    // It stays pending until somebody makes a file of what the bank is to pay.
    const waiting: Payout = { ...routed, channel: BANK };
    invariant(await movePayout(tx, "pending", waiting, null), "a locked payout moves");
    return waiting;
  }
  const isNow = telling === "now";
  const sent: Payout = { ...routed, status: "sent", channel: payer.channel.id, call_count: isNow ? 1 : 0 };
  invariant(await movePayout(tx, "pending", sent, isNow ? now + CALL_LEASE_MS : now), "a locked payout moves");
  return sent;
}
