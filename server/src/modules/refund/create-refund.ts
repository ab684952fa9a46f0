/**
 * Creates refunds, in groups. Under the payment's lock the amount is claimed, held in the books and written as intent;
 * only then does the channel hear of it. So no concurrency can refund more than was paid.
 */
import type { Channel, ChannelLimits } from "../../channels/contract.ts";
import type { TributaryError } from "../../kit/error.ts";
import type { Caller } from "../../kit/http/api.ts";
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { post, refundInitiatedPosting } from "../../ledger/index.ts";
import { accountName, explainStop, findStops, type Stop } from "../account-operation/index.ts";
import { findKeys, type IdempotencyKey, idempotencyErrors, storeKeys } from "../idempotency/index.ts";
import { type Attempt, addToRefunds, hashContent, loadAttempts, lockPayments, type Payment } from "../payment/index.ts";
import { bookedRefund } from "./booked-refund.ts";
import { drawOnSettled } from "./draw-on-settled.ts";
import { refundErrors } from "./errors.ts";
import type { Refund } from "./refund.ts";
import { returnedCommissions } from "./returned-commissions.ts";
import { returnedShares } from "./returned-shares.ts";
import { sendRefund } from "./send-refund.ts";
import type { RefundServices, SharedRefundPlan } from "./services.ts";
import { insertRefunds, loadRefundsByNumber, loadRefundsOfPayments } from "./store.ts";

/** `amount` in minor units of the payment's currency. */
export interface CreateRefundInput {
  out_refund_no: string;
  amount: bigint;
  reason: string | undefined;
}

export interface RefundItem {
  caller: Caller;
  payment: Payment;
  input: CreateRefundInput;
  request_hash: Buffer;
  idempotency: IdempotencyKey | undefined;
}

export type RefundResult =
  | { kind: "created"; refund: Refund; attempt: Attempt }
  | { kind: "existing"; refund: Refund }
  | { kind: "refused"; error: TributaryError };

/** How long a call may take before a worker believes that its process died. */
export const CALL_LEASE_MS = 30_000;

/**
 * Throws the errors of this module's catalogue and idempotency.key_reused.
 * @param payment a payment of the caller, as loaded.
 */
export async function createRefund(
  services: RefundServices,
  caller: Caller,
  payment: Payment,
  input: CreateRefundInput,
  idempotency: IdempotencyKey | undefined,
): Promise<{ refund: Refund; created: boolean }> {
  const request_hash = hashContent({ payment: payment.id, ...input });
  const result = await services.groups.create({ caller, payment, input, request_hash, idempotency });
  switch (result.kind) {
    case "refused":
      throw result.error;
    case "existing":
      return { refund: result.refund, created: false };
    case "created":
      if (result.refund.status === "returning") {
        services.sharing.kick();
        return { refund: result.refund, created: true };
      }
      return { refund: await sendRefund(services, result.refund, result.attempt), created: true };
  }
}

/** The group's write. Refunds of one payment are taken one after another, each seeing what the former claimed. */
export async function writeRefunds(
  services: RefundServices,
  items: readonly RefundItem[],
): Promise<readonly RefundResult[]> {
  return services.db.transaction(async (tx) => {
    const keys = items.map((item) => item.payment);
    const payments = await lockPayments(tx, keys);
    const results = new Map<RefundItem, RefundResult>();
    for (const wave of wavesOf(items)) {
      const written = await writeWave(services, tx, payments, wave);
      for (const [index, item] of wave.entries()) results.set(item, written[index]!);
    }
    return items.map((item) => results.get(item)!);
  });
}

/** Splits items so that no wave holds two that could touch: of one payment, or of one merchant's numbers and keys. */
function wavesOf(items: readonly RefundItem[]): RefundItem[][] {
  const waves: { names: Set<string>; items: RefundItem[] }[] = [];
  for (const item of items) {
    const owner = `${item.caller.merchant_id} ${item.caller.app_id} ${item.caller.livemode}`;
    const names = [item.payment.id, `${owner} no ${item.input.out_refund_no}`];
    if (item.idempotency) names.push(`${owner} key ${item.idempotency.key}`);
    let wave = waves.find((candidate) => !names.some((name) => candidate.names.has(name)));
    if (!wave) {
      wave = { names: new Set(), items: [] };
      waves.push(wave);
    }
    for (const name of names) wave.names.add(name);
    wave.items.push(item);
  }
  return waves.map((wave) => wave.items);
}

async function writeWave(
  services: RefundServices,
  tx: Transaction,
  payments: Map<string, Payment>,
  items: readonly RefundItem[],
): Promise<RefundResult[]> {
  const facts = await loadFacts(tx, payments, items);
  const now = services.clock.now();
  const results = items.map((item) => decideRefund(services, payments, facts, item, now));
  const made = results.filter((result) => result.kind === "created");
  const plans = await planShared(services, tx, payments, facts, made);
  const fresh = made.filter((result) => plans.get(result)?.kind !== "refused");
  const refused = await holdRefunds(
    tx,
    fresh.filter(({ refund }) => refund.held),
    now,
  );
  const accepted = fresh.filter((result) => !refused.has(result)).map((result) => result.refund);
  await insertRefunds(tx, accepted, now + CALL_LEASE_MS);
  await addToRefunds(
    tx,
    accepted.map((refund) => ({
      merchant_id: refund.merchant_id,
      id: refund.payment_id,
      refunding: refund.amount,
      refunded: 0n,
    })),
  );
  for (const refund of accepted) payments.get(refund.payment_id)!.refunding_amount += refund.amount;
  for (const [result, plan] of plans) if (plan.kind !== "refused" && !refused.has(result)) await plan.write();
  const final = results.map((result): RefundResult => {
    const plan = result.kind === "created" ? plans.get(result) : undefined;
    if (plan?.kind === "refused") return { kind: "refused", error: plan.error };
    const short = result.kind === "created" && refused.has(result);
    return short ? { kind: "refused", error: refundErrors["refund.insufficient_balance"]() } : result;
  });
  await storeKeys(tx, newKeys(facts, items, final, now));
  return final;
}

/** What receivers of shares have to do with the refunds of this wave; nothing is asked for payments that are not shared. */
async function planShared(
  services: RefundServices,
  tx: Transaction,
  payments: Map<string, Payment>,
  facts: Facts,
  made: readonly CreatedRefund[],
): Promise<Map<CreatedRefund, SharedRefundPlan>> {
  const plans = new Map<CreatedRefund, SharedRefundPlan>();
  for (const result of made) {
    const { refund, attempt } = result;
    const payment = payments.get(refund.payment_id)!;
    if (payment.shared_amount === 0n) continue;
    const earlier = (facts.ofPayment.get(payment.id) ?? []).filter(({ status }) => status !== "failed");
    const plan = await services.sharing.plan(tx, { payment, attempt, refund, earlier });
    plans.set(result, plan);
    if (plan.kind === "now") refund.from_receivers = plan.from_receivers;
    if (plan.kind === "later") Object.assign(refund, { status: "returning", held: false });
  }
  return plans;
}

type CreatedRefund = Extract<RefundResult, { kind: "created" }>;

/**
 * Takes the money out of the merchant's books, all refunds in one batch. Gives those that neither what is pending nor what
 * was settled or held back can pay; what `from_available` and `from_reserve` say is written to the others.
 */
async function holdRefunds(tx: Transaction, fresh: readonly CreatedRefund[], now: number): Promise<Set<RefundResult>> {
  const held = await post(
    tx,
    fresh.map((result) => refundInitiatedPosting(bookedRefund(result.refund, result.attempt, now))),
  );
  const refused = new Set<RefundResult>();
  for (const [index, result] of fresh.entries()) {
    if (held[index]!.kind === "refused" && !(await drawOnSettled(tx, result, now))) refused.add(result);
  }
  return refused;
}

interface Facts {
  byNumber: Map<string, Refund>;
  ofPayment: Map<string, Refund[]>;
  attempts: Map<string, Attempt>;
  keyStates: Awaited<ReturnType<typeof findKeys>>;
  keyed: RefundItem[];
  /** Accounts that pay no refunds at present. */
  stops: ReadonlyMap<string, Stop>;
}

async function loadFacts(
  tx: Transaction,
  payments: Map<string, Payment>,
  items: readonly RefundItem[],
): Promise<Facts> {
  const keyed = items.filter((item) => item.idempotency);
  const winners = items.flatMap((item) => {
    const { merchant_id, succeeded_attempt_id: id } = payments.get(item.payment.id)!;
    return id === null ? [] : [{ merchant_id, id }];
  });
  const [numbered, earlier, attempts, keyStates, stops] = await Promise.all([
    loadRefundsByNumber(
      tx,
      items.map((item) => ({ ...item.caller, out_refund_no: item.input.out_refund_no })),
    ),
    loadRefundsOfPayments(
      tx,
      items.map((item) => item.payment),
    ),
    loadAttempts(tx, winners),
    findKeys(
      tx,
      keyed.map((item) => ({ ...item.caller, ...item.idempotency! })),
    ),
    findStops(
      tx,
      items.map(({ payment }) => payment),
      "refund",
    ),
  ]);
  return {
    byNumber: new Map(numbered.map((refund) => [numberOf(refund, refund.out_refund_no!), refund])),
    ofPayment: Map.groupBy(earlier, (refund) => refund.payment_id),
    attempts,
    keyStates,
    keyed,
    stops,
  };
}

function decideRefund(
  services: RefundServices,
  payments: Map<string, Payment>,
  facts: Facts,
  item: RefundItem,
  now: number,
): RefundResult {
  const key = facts.keyStates[facts.keyed.indexOf(item)];
  if (key?.kind === "conflict") return refuse(idempotencyErrors["idempotency.key_reused"]());
  const { input } = item;
  const existing = facts.byNumber.get(numberOf(item.caller, input.out_refund_no));
  if (existing) {
    if (existing.request_hash?.equals(item.request_hash)) return { kind: "existing", refund: existing };
    const values = { out_refund_no: input.out_refund_no };
    return refuse(refundErrors["refund.out_refund_no_conflict"]({ param: "out_refund_no", values }));
  }
  const payment = payments.get(item.payment.id)!;
  const stop = facts.stops.get(accountName(payment));
  if (stop !== undefined) return refuse(explainStop(stop, payment.currency));
  const attempt = payment.succeeded_attempt_id ? facts.attempts.get(payment.succeeded_attempt_id) : undefined;
  if (payment.status !== "succeeded" || !attempt) {
    return refuse(refundErrors["refund.payment_not_succeeded"]({ values: { status: payment.status } }));
  }
  const refundable = payment.amount - payment.refunded_amount - payment.refunding_amount;
  if (input.amount > refundable) {
    return refuse(refundErrors["refund.amount_exceeds_refundable"]({ param: "amount", values: { refundable } }));
  }
  const earlier = (facts.ofPayment.get(payment.id) ?? []).filter(
    (refund) => refund.status !== "failed" && refund.attempt_id === attempt.id,
  );
  const limit = limitReached(services.getChannel(attempt.channel), payment, earlier.length, now);
  if (limit) return refuse(limit);
  return { kind: "created", refund: newRefund(services, item, payment, attempt, earlier, now), attempt };
}

function refuse(error: TributaryError): RefundResult {
  return { kind: "refused", error };
}

function limitReached(
  channel: Channel | undefined,
  payment: Payment,
  refund_count: number,
  now: number,
): TributaryError | undefined {
  const limits: ChannelLimits | undefined = channel?.limits;
  if (!limits) return undefined;
  if (now - payment.succeeded_at! > limits.refund_window_ms) {
    return refundErrors["refund.window_passed"]({ values: { days: Math.floor(limits.refund_window_ms / 86_400_000) } });
  }
  if (refund_count >= limits.refunds_per_payment_max) {
    return refundErrors["refund.too_many"]({ values: { count: limits.refunds_per_payment_max } });
  }
  return undefined;
}

function newRefund(
  services: RefundServices,
  item: RefundItem,
  payment: Payment,
  attempt: Attempt,
  earlier: readonly Refund[],
  now: number,
): Refund {
  const id = services.ids.uuid();
  const shares = returnedShares(attempt, earlier, item.input.amount);
  return {
    merchant_id: payment.merchant_id,
    id,
    app_id: payment.app_id,
    livemode: payment.livemode,
    payment_id: payment.id,
    attempt_id: attempt.id,
    channel: attempt.channel,
    out_refund_no: item.input.out_refund_no,
    request_hash: item.request_hash,
    refund_no: encodeUuid(id),
    status: "created",
    amount: item.input.amount,
    currency: payment.currency,
    reason: item.input.reason ?? null,
    ...shares,
    commissions: returnedCommissions(attempt, earlier, shares.fee_amount),
    from_available: 0n,
    from_reserve: 0n,
    held: true,
    from_receivers: 0n,
    channel_refund_no: null,
    failure_code: null,
    failure_message: null,
    unknown_reason: null,
    created_at: now,
    sent_at: null,
    finished_at: null,
    query_count: 0,
  };
}

/** A key that was found already is not stored again. */
function newKeys(facts: Facts, items: readonly RefundItem[], results: readonly RefundResult[], now: number) {
  return items.flatMap((item, index) => {
    const result = results[index]!;
    const isNew = facts.keyStates[facts.keyed.indexOf(item)]?.kind === "new";
    if (!item.idempotency || !isNew || result.kind === "refused") return [];
    const { merchant_id, app_id, livemode } = item.caller;
    const made = { object_type: "refund", object_id: result.refund.id, created_at: now };
    return [{ merchant_id, app_id, livemode, ...item.idempotency, ...made }];
  });
}

function numberOf(owner: { merchant_id: string; app_id: string; livemode: boolean }, out_refund_no: string): string {
  return `${owner.merchant_id} ${owner.app_id} ${owner.livemode} ${out_refund_no}`;
}
