/** Ends the sharing of a payment at its channel: what is still held back there is the merchant's. */
import type { SharingMoveOutcome } from "../../channels/contract.ts";
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import type { TenantKey } from "../../kit/sql/tenant-key.ts";
import { type Attempt, lockPayments, type Payment, queryDelay_ms } from "../payment/index.ts";
import { sharingErrors } from "./errors.ts";
import { CALL_LEASE_MS, requireWinner } from "./new-order.ts";
import { openSharingChannel, paidAttempt } from "./open-channel.ts";
import { loadPartsOfPayment } from "./order-store.ts";
import { insertRelease, loadRelease, loadReleaseOf, moveRelease } from "./return-store.ts";
import type { SharingServices } from "./services.ts";
import { isOpen, type SharingRelease } from "./sharing.ts";

/** Whether the channel holds money of this payment back. */
function isHeld(services: Pick<SharingServices, "getChannel">, payment: Payment, channel: string): boolean {
  return payment.sharing?.hold === true && services.getChannel(channel)?.sharing !== undefined;
}

function newRelease(
  { ids, clock }: Pick<SharingServices, "ids" | "clock">,
  payment: Payment,
  { attempt_id, channel }: { attempt_id: string; channel: string },
): SharingRelease {
  const id = ids.uuid();
  return {
    ...{ merchant_id: payment.merchant_id, id, app_id: payment.app_id, livemode: payment.livemode },
    ...{ payment_id: payment.id, attempt_id, channel, release_no: encodeUuid(id), status: "created" },
    ...{ failure_code: null, failure_message: null, unknown_reason: null, query_count: 0 },
    ...{ created_at: clock.now(), finished_at: null },
  };
}

/** The rest of a payment whose order has succeeded and asked for it; a worker sends it. Once for a payment. */
export async function startRelease(
  services: Pick<SharingServices, "ids" | "clock" | "getChannel">,
  tx: Transaction,
  payment: Payment,
  order: { attempt_id: string; channel: string },
): Promise<void> {
  if (!isHeld(services, payment, order.channel)) return;
  const standing = await loadReleaseOf(tx, payment);
  if (standing && standing.status !== "failed") return;
  await insertRelease(tx, newRelease(services, payment, order), services.clock.now());
}

/**
 * Asks for it. The same again gives what is there, unless the channel had refused it.
 * Throws sharing.payment_not_succeeded, sharing.not_held, sharing.under_way.
 */
export async function releasePayment(
  services: SharingServices,
  { merchant_id, id }: TenantKey,
): Promise<{ release: SharingRelease; created: boolean }> {
  const made = await services.db.transaction(async (tx) => {
    const payment = (await lockPayments(tx, [{ merchant_id, id }])).get(id)!;
    const attempt: Attempt = await requireWinner(tx, payment);
    if (!isHeld(services, payment, attempt.channel)) throw sharingErrors["sharing.not_held"]();
    const standing = await loadReleaseOf(tx, payment);
    if (standing && standing.status !== "failed") return { release: standing, created: false };
    const parts = await loadPartsOfPayment(tx, payment);
    if (parts.some((part) => part.mode === "channel" && isOpen(part))) throw sharingErrors["sharing.under_way"]();
    const release = newRelease(services, payment, { attempt_id: attempt.id, channel: attempt.channel });
    await insertRelease(tx, release, services.clock.now() + CALL_LEASE_MS);
    return { release, created: true };
  });
  if (!made.created) return made;
  await driveRelease(services, made.release);
  return { release: (await loadRelease(services.db, made.release))!, created: true };
}

/** Sends it, or asks about it; its number makes it the same request each time. */
export async function driveRelease(services: SharingServices, key: TenantKey): Promise<void> {
  const release = await loadRelease(services.db, key);
  if (!release || !isOpen(release)) return;
  const { attempt, reference } = await paidAttempt(services, release);
  const { channel, sharing, account } = await openSharingChannel(services, attempt);
  const now = services.clock.now();
  const payment = { merchant_id: release.merchant_id, id: release.payment_id };
  const waits = (await loadPartsOfPayment(services.db, payment)).some(
    (part) => part.mode === "channel" && isOpen(part),
  );
  if (waits) return void (await moveRelease(services.db, release, release.status, now + 60_000));
  const input = { attempt: reference, sharing_no: release.release_no, created_at: release.created_at };
  const run = (name: string, operation: typeof sharing.release) =>
    services.channels.run(`${channel.id}.${name}`, account, operation, input) as Promise<SharingMoveOutcome>;
  const asked = release.query_count > 0 ? await run("share_query", sharing.queryRelease) : undefined;
  const outcome = !asked || asked.kind === "not_found" ? await run("share", sharing.release) : asked;
  await recordRelease(services, release, outcome);
}

async function recordRelease(
  services: Pick<SharingServices, "db" | "clock">,
  release: SharingRelease,
  outcome: SharingMoveOutcome,
): Promise<void> {
  const now = services.clock.now();
  const over = { unknown_reason: null, finished_at: now };
  const asked = { query_count: release.query_count + 1, unknown_reason: null };
  const again = now + queryDelay_ms(release.query_count);
  const moveTo = (more: Partial<SharingRelease>, due_at: number | null) =>
    moveRelease(services.db, { ...release, ...more }, release.status, due_at);
  switch (outcome.kind) {
    case "succeeded":
      return void (await moveTo({ status: "succeeded", ...over, failure_code: null, failure_message: null }, null));
    case "pending":
      return void (await moveTo({ status: "sent", ...asked }, again));
    case "failed": {
      const failure = { failure_code: outcome.failure.code, failure_message: outcome.failure.message };
      // A refusal of what was asked for before may be the effect of that: it is asked about once more.
      const isFinal = release.query_count === 0 || release.failure_code !== null;
      if (isFinal) return void (await moveTo({ status: "failed", ...over, ...failure }, null));
      return void (await moveTo({ status: "unknown", ...asked, ...failure, unknown_reason: "refused" }, again));
    }
    case "not_found":
      return void (await moveTo({ status: "unknown", ...asked, unknown_reason: "unreadable" }, again));
    case "unknown":
      return void (await moveTo({ status: "unknown", ...asked, unknown_reason: outcome.reason }, again));
  }
}
