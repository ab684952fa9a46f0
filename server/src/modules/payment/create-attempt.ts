/** Another attempt of a payment: the payer chose a method, or asks again. */
import type { Method } from "../../channels/contract.ts";
import type { Caller } from "../../kit/http/api.ts";
import { findKeys, type IdempotencyKey, idempotencyErrors, type KeyRecord, storeKeys } from "../idempotency/index.ts";
import { loadAttemptsOfPayments, requestAttemptClose } from "./attempt-store.ts";
import { paymentErrors } from "./errors.ts";
import { followRefusals } from "./fail-over.ts";
import { findEarlierAttempt } from "./find-earlier.ts";
import {
  type AttemptRoute,
  explainNoRoute,
  findRoute,
  newAttempt,
  priceAndInsertAttempts,
  requirePayer,
  type StartedAttempt,
} from "./new-attempt.ts";
import { type Attempt, isOpenAttempt, isOpenPayment, type Payer, type Payment } from "./payment.ts";
import { continueAttempt, type SentAttempt, sendAttempt } from "./send-attempt.ts";
import type { PaymentServices } from "./services.ts";
import { lockPayments, movePayments } from "./store.ts";

export interface AttemptItem {
  payment: Payment;
  method: Method;
  payer: Payer;
  route: AttemptRoute;
  idempotency: IdempotencyKey | undefined;
}

export type AttemptResult =
  | { kind: "started"; payment: Payment; attempt: Attempt }
  /** The same method is being tried since less than the reuse time. */
  | { kind: "running"; payment: Payment; attempt: Attempt; replayed: boolean }
  | { kind: "not_open"; payment: Payment }
  | { kind: "expired" }
  | { kind: "key_conflict" };

/**
 * `replayed` tells that the Idempotency-Key had made the attempt before.
 * Throws payment.not_open, payment.expired, payment.method_unavailable, payment.account_ineligible,
 * payment.payer_required, idempotency.key_reused.
 * @param payment a payment of the caller, as loaded.
 */
export async function createAttempt(
  services: PaymentServices,
  payment: Payment,
  input: { method: Method; payer: Payer; return_url?: string | undefined },
  idempotency?: IdempotencyKey,
): Promise<SentAttempt & { replayed: boolean }> {
  requirePayer(input.method, input.payer);
  const route = await findRoute(services, payment, input);
  if (!route.account) {
    return repeatAttempt(
      services,
      payment,
      idempotency,
      explainNoRoute(route.decision, input.method, payment.currency),
    );
  }
  const result = await services.groups.startAttempt({ payment, ...input, route, idempotency });
  switch (result.kind) {
    case "expired":
      throw paymentErrors["payment.expired"]();
    case "key_conflict":
      throw idempotencyErrors["idempotency.key_reused"]();
    case "not_open":
      throw paymentErrors["payment.not_open"]({ values: { status: result.payment.status } });
    case "running":
      return {
        ...(await continueAttempt(services, result.payment, result.attempt)),
        replayed: result.replayed,
      };
    case "started":
      services.kick.attempts();
      return {
        ...(await sendAttempt(services, result.payment, result.attempt, input.return_url)),
        replayed: false,
      };
  }
}

/** No account serves the method any more; an attempt that the same key made before is still given. Throws `otherwise`. */
async function repeatAttempt(
  services: PaymentServices,
  payment: Payment,
  idempotency: IdempotencyKey | undefined,
  otherwise: Error,
): Promise<SentAttempt & { replayed: boolean }> {
  const earlier = await findEarlierAttempt(services, payment, idempotency);
  if (earlier === "conflict") throw idempotencyErrors["idempotency.key_reused"]();
  if (!earlier) throw otherwise;
  return { ...(await continueAttempt(services, payment, earlier)), replayed: true };
}

/** The group's write: one lock on each payment, then attempts in order of arrival. */
export async function writeAttempts(
  services: PaymentServices,
  items: readonly AttemptItem[],
): Promise<readonly AttemptResult[]> {
  return services.db.transaction(async (tx) => {
    const keys = items.map((item) => item.payment);
    const payments = await lockPayments(tx, keys);
    const attempts = await loadAttemptsOfPayments(tx, keys);
    const keyed = items.filter((item) => item.idempotency);
    const states = await findKeys(
      tx,
      keyed.map((item) => ({ ...callerOf(item.payment), ...item.idempotency! })),
    );
    const now = services.clock.now();
    const started: StartedAttempt[] = [];
    const superseded: Attempt[] = [];
    const moved: { payment: Payment; expected: "created" }[] = [];
    const results = items.map((item): AttemptResult => {
      const state = states[keyed.indexOf(item)];
      if (state?.kind === "conflict") return { kind: "key_conflict" };
      const payment = payments.get(item.payment.id)!;
      const replayed =
        state?.kind === "replay" ? attempts.find((attempt) => attempt.id === state.object_id) : undefined;
      if (replayed) return { kind: "running", payment, attempt: followRefusals(attempts, replayed), replayed: true };
      if (!isOpenPayment(payment) || payment.close_requested) return { kind: "not_open", payment };
      if (payment.expires_at <= now) return { kind: "expired" };
      const open = attempts.filter((attempt) => attempt.payment_id === payment.id && isOpenAttempt(attempt));
      const running = open.find((attempt) => isReusable(attempt, item, now, services.settings.attempt_reuse_ms));
      if (running) return { kind: "running", payment, attempt: running, replayed: false };
      const attempt = newAttempt(services, payment, item);
      superseded.push(...open);
      started.push({ attempt, payment });
      attempts.push(attempt);
      if (payment.status === "created") {
        payment.status = "processing";
        moved.push({ payment, expected: "created" });
      }
      return { kind: "started", payment, attempt };
    });
    await priceAndInsertAttempts(tx, started, now);
    await requestAttemptClose(tx, superseded, now);
    if (moved.length > 0) await movePayments(tx, moved);
    await storeKeys(tx, attemptKeys(items, results, now));
    return results;
  });
}

/** Another payer's order is of no use: the channel lets only the payer that it was made for pay it. */
function isReusable(attempt: Attempt, { method, payer }: AttemptItem, now: number, reuse_ms: number): boolean {
  const samePayer = (["openid", "buyer_id", "user_id"] as const).every(
    (field) => attempt.payer[field] === payer[field],
  );
  return samePayer && attempt.method === method && !attempt.close_requested && now - attempt.created_at < reuse_ms;
}

function callerOf(payment: Payment): Omit<Caller, "key_id"> {
  const { merchant_id, app_id, livemode } = payment;
  return { merchant_id, app_id, livemode };
}

/**
 * The keys to remember: also of a request that joined a running attempt, or its repetition would later start another
 * one. Identical requests of one group share a record; different ones under one key are left to clash.
 */
function attemptKeys(items: readonly AttemptItem[], results: readonly AttemptResult[], now: number) {
  const records = new Map<string, KeyRecord>();
  for (const [index, item] of items.entries()) {
    const result = results[index]!;
    const isNew = result.kind === "started" || (result.kind === "running" && !result.replayed);
    if (!item.idempotency || !isNew) continue;
    const { key, request_hash } = item.idempotency;
    const owner = callerOf(item.payment);
    const name = `${owner.merchant_id} ${owner.app_id} ${owner.livemode} ${key} ${request_hash.toString("hex")}`;
    if (records.has(name)) continue;
    const made = { object_type: "attempt", object_id: result.attempt.id, created_at: now };
    records.set(name, { ...owner, key, request_hash, ...made });
  }
  return [...records.values()];
}
