/**
 * Creates payments, in groups. Intent first: the payment and, where the merchant fixed the method, its attempt are on
 * disk before the channel hears of them.
 */
import type { Method } from "../../channels/contract.ts";
import { TributaryError } from "../../kit/error.ts";
import type { Caller } from "../../kit/http/api.ts";
import { isCurrency } from "../../kit/money.ts";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { explainStop } from "../account-operation/index.ts";
import { findKeys, type IdempotencyKey, idempotencyErrors, type KeyState, storeKeys } from "../idempotency/index.ts";
import { paymentErrors } from "./errors.ts";
import { findEarlierPayment } from "./find-earlier.ts";
import {
  type AttemptRoute,
  explainNoRoute,
  findRoute,
  newAttempt,
  priceAndInsertAttempts,
  requirePayer,
} from "./new-attempt.ts";
import type { Attempt, Payer, Payment, SharingPlan } from "./payment.ts";
import { hashContent } from "./request-hash.ts";
import { sendAttempt } from "./send-attempt.ts";
import type { AskedSharing, PaymentServices } from "./services.ts";
import { insertPayments, loadPayments, loadPaymentsByNumber } from "./store.ts";

/** What a merchant asks for. `amount` in minor units; `method` undefined leaves the choice to the payer. */
export interface CreatePaymentInput {
  out_trade_no: string;
  amount: bigint;
  currency: string;
  subject: string;
  method: Method | undefined;
  description: string | undefined;
  notify_url: string | undefined;
  return_url: string | undefined;
  /** Seconds. */
  expires_in: number;
  payer: Payer;
  store: string | undefined;
  metadata: Record<string, string>;
  sharing?: AskedSharing | undefined;
}

export interface CreateItem {
  payment: Payment;
  payer: Payer;
  /** Where its attempt goes; undefined where the payer chooses. */
  route: AttemptRoute | undefined;
  idempotency: IdempotencyKey | undefined;
}

export type CreateResult =
  | { kind: "created"; payment: Payment; attempt: Attempt | undefined }
  /** The same request was made before: the payment as it is, or its id where only the key matched. */
  | { kind: "existing"; payment: Payment }
  | { kind: "number_conflict" }
  | { kind: "key_conflict" };

export interface CreatedPayment {
  payment: Payment;
  attempt: Attempt | undefined;
  /** False when an earlier identical request had made it. */
  created: boolean;
}

/**
 * Throws account.credit_frozen, account.closed, payment.method_unavailable, payment.account_ineligible, payment.payer_required, payment.currency_unsupported, payment.notify_url_refused,
 * payment.out_trade_no_conflict, idempotency.key_reused, and what the sharing module finds wrong with `sharing`. A channel that refuses or does not answer is not an error: the
 * payment says so.
 */
export async function createPayment(
  services: PaymentServices,
  caller: Caller,
  input: CreatePaymentInput,
  idempotency: IdempotencyKey | undefined,
): Promise<CreatedPayment> {
  checkInput(services, caller, input);
  const { sharing, refusal } = await planSharing(services, caller, input);
  const payment = newPayment(services, caller, input, sharing);
  const { method, payer } = input;
  const stop = caller.credit_stops?.get(input.currency);
  const route =
    stop === undefined && !refusal && method ? await findRoute(services, payment, { method, payer }) : undefined;
  // What cannot be made now may have been made before, and is shown again.
  const result =
    stop !== undefined || refusal || (route && !route.account)
      ? await findEarlierPayment(services, payment, idempotency)
      : await services.groups.create({ payment, payer, route, idempotency });
  if (!result && stop !== undefined) throw explainStop(stop, input.currency);
  if (!result && refusal) throw refusal;
  if (!result) throw explainNoRoute(route!.decision, method!, input.currency);
  switch (result.kind) {
    case "key_conflict":
      throw idempotencyErrors["idempotency.key_reused"]();
    case "number_conflict":
      throw paymentErrors["payment.out_trade_no_conflict"]({
        param: "out_trade_no",
        values: { out_trade_no: input.out_trade_no },
      });
    case "existing":
      return { payment: result.payment, attempt: undefined, created: false };
    case "created": {
      if (!result.attempt) return { payment: result.payment, attempt: undefined, created: true };
      const sent = await sendAttempt(services, result.payment, result.attempt);
      return { ...sent, created: true };
    }
  }
}

/** What is wrong with the sharing may have come up since: the same request as before still gives the same payment. */
async function planSharing(
  services: PaymentServices,
  caller: Caller,
  input: CreatePaymentInput,
): Promise<{ sharing: SharingPlan | null; refusal?: TributaryError }> {
  try {
    return { sharing: await services.sharing.plan(caller, input.sharing) };
  } catch (error) {
    if (error instanceof TributaryError) return { sharing: null, refusal: error };
    throw error;
  }
}

function checkInput(services: PaymentServices, caller: Caller, input: CreatePaymentInput): void {
  if (!isCurrency(input.currency)) {
    throw paymentErrors["payment.currency_unsupported"]({ param: "currency", values: { currency: input.currency } });
  }
  if (input.method) requirePayer(input.method, input.payer);
  const reason = input.notify_url && services.settings.refuseNotifyUrl(input.notify_url, caller.livemode);
  if (reason) throw paymentErrors["payment.notify_url_refused"]({ param: "notify_url", values: { reason } });
}

function newPayment(
  services: PaymentServices,
  caller: Caller,
  input: CreatePaymentInput,
  sharing: SharingPlan | null,
): Payment {
  const now = services.clock.now();
  return {
    merchant_id: caller.merchant_id,
    id: services.ids.uuid(),
    app_id: caller.app_id,
    livemode: caller.livemode,
    out_trade_no: input.out_trade_no,
    request_hash: hashContent(input),
    status: input.method ? "processing" : "created",
    amount: input.amount,
    currency: input.currency,
    subject: input.subject,
    description: input.description ?? null,
    method: input.method ?? null,
    notify_url: input.notify_url ?? null,
    return_url: input.return_url ?? null,
    store: input.store ?? null,
    metadata: input.metadata,
    expires_at: now + input.expires_in * 1000,
    created_at: now,
    succeeded_at: null,
    closed_at: null,
    close_requested: false,
    succeeded_attempt_id: null,
    channel_trade_no: null,
    refunded_amount: 0n,
    refunding_amount: 0n,
    sharing,
    shared_amount: 0n,
  };
}

/** The group's write. Without keys and attempts it is one statement, and its own transaction. */
export async function writePayments(
  services: PaymentServices,
  items: readonly CreateItem[],
): Promise<readonly CreateResult[]> {
  const plain = items.every((item) => !item.idempotency && !item.route);
  if (plain) return writeUnkeyed(services, services.db, items, []);
  return services.db.transaction(async (tx) => {
    const keyed = items.filter((item) => item.idempotency);
    const states = await findKeys(tx, keyed.map(keyOf));
    const stateOf = new Map(keyed.map((item, index) => [item, states[index]!]));
    markRepeatsWithinGroup(keyed, stateOf);
    const fresh = items.filter((item) => (stateOf.get(item)?.kind ?? "new") === "new");
    const written = await writeUnkeyed(services, tx, fresh, fresh.map(attemptOf(services)));
    await storeKeys(tx, keysOf(fresh, written));
    const resultOf = new Map(fresh.map((item, index) => [item, written[index]!]));
    const replayed = await loadReplayed(tx, keyed, stateOf);
    return items.map((item) => resultOf.get(item) ?? replayed.get(item) ?? { kind: "key_conflict" });
  });
}

/** A key used twice within one group is sent round again: by then the first use is on disk. */
function markRepeatsWithinGroup(keyed: readonly CreateItem[], stateOf: Map<CreateItem, KeyState>): void {
  const seen = new Set<string>();
  for (const item of keyed) {
    if (stateOf.get(item)?.kind !== "new") continue;
    const { merchant_id, app_id, livemode } = item.payment;
    const name = `${merchant_id} ${app_id} ${livemode} ${item.idempotency!.key}`;
    if (seen.has(name)) throw new Error("an idempotency key appears twice in one group");
    seen.add(name);
  }
}

async function writeUnkeyed(
  services: PaymentServices,
  sql: Sql,
  items: readonly CreateItem[],
  attempts: readonly (Attempt | undefined)[],
): Promise<CreateResult[]> {
  if (items.length === 0) return [];
  const inserted = await insertPayments(
    sql,
    items.map((item) => item.payment),
  );
  const wanted = attempts.flatMap((attempt, index) => {
    const { payment } = items[index]!;
    return attempt && inserted.has(payment.id) ? [{ attempt, payment }] : [];
  });
  if (wanted.length > 0) await priceAndInsertAttempts(sql as Transaction, wanted, services.clock.now());
  const repeated = items.filter((item) => !inserted.has(item.payment.id));
  const existing =
    repeated.length === 0
      ? []
      : await loadPaymentsByNumber(
          sql,
          repeated.map((item) => item.payment),
        );
  const byNumber = new Map(existing.map((payment) => [numberOf(payment), payment]));
  return items.map((item, index) => {
    if (inserted.has(item.payment.id)) return { kind: "created", payment: item.payment, attempt: attempts[index] };
    const earlier = byNumber.get(numberOf(item.payment));
    if (!earlier) throw new Error("a payment was neither inserted nor found by its number");
    return earlier.request_hash.equals(item.payment.request_hash)
      ? { kind: "existing", payment: earlier }
      : { kind: "number_conflict" };
  });
}

function attemptOf(services: PaymentServices) {
  return (item: CreateItem): Attempt | undefined =>
    item.route &&
    newAttempt(services, item.payment, { method: item.payment.method!, route: item.route, payer: item.payer });
}

function keyOf(item: CreateItem) {
  const { merchant_id, app_id, livemode } = item.payment;
  return { merchant_id, app_id, livemode, ...item.idempotency! };
}

function keysOf(items: readonly CreateItem[], results: readonly CreateResult[]) {
  return items.flatMap((item, index) => {
    const result = results[index]!;
    if (!item.idempotency || (result.kind !== "created" && result.kind !== "existing")) return [];
    const { id: object_id } = result.payment;
    return [{ ...keyOf(item), object_type: "payment", object_id, created_at: item.payment.created_at }];
  });
}

async function loadReplayed(
  tx: Transaction,
  keyed: readonly CreateItem[],
  stateOf: ReadonlyMap<CreateItem, KeyState>,
): Promise<Map<CreateItem, CreateResult>> {
  const replays = keyed.flatMap((item) => {
    const state = stateOf.get(item);
    return state?.kind === "replay"
      ? [{ item, key: { merchant_id: item.payment.merchant_id, id: state.object_id } }]
      : [];
  });
  if (replays.length === 0) return new Map();
  const payments = await loadPayments(
    tx,
    replays.map((replay) => replay.key),
  );
  return new Map(
    replays.flatMap(({ item, key }) => {
      const payment = payments.get(key.id);
      return payment ? [[item, { kind: "existing", payment } as const]] : [];
    }),
  );
}

function numberOf(payment: Pick<Payment, "merchant_id" | "app_id" | "livemode" | "out_trade_no">): string {
  return `${payment.merchant_id} ${payment.app_id} ${payment.livemode} ${payment.out_trade_no}`;
}
