/** Makes attempts: chooses the channel account, asks for what the method needs, prices, and writes the intent. */
import { methodOfAuthCode } from "../../channels/auth-code.ts";
import type { Method } from "../../channels/contract.ts";
import { encodeUuid } from "../../kit/id.ts";
import type { Transaction } from "../../kit/sql/database.ts";
import { priceAttempts } from "../fee/index.ts";
import type { RoutingDecision } from "../routing/index.ts";
import { insertAttempts } from "./attempt-store.ts";
import { paymentErrors } from "./errors.ts";
import type { Attempt, Payer, Payment } from "./payment.ts";
import type { AccountChoice, PaymentServices } from "./services.ts";

/** How long a call to a channel may take before the worker believes that its process died. */
export const CALL_LEASE_MS = 30_000;

/** The payer's identity that a method cannot do without. */
const requiredPayerField: Partial<Record<Method, keyof Payer>> = {
  "wechat.jsapi": "openid",
  "wechat.mini": "openid",
  "wechat.h5": "ip",
  "alipay.jsapi": "buyer_id",
  "unionpay.jsapi": "user_id",
  "wechat.barcode": "auth_code",
  "alipay.barcode": "auth_code",
  "unionpay.barcode": "auth_code",
};

/** What a merchant may ask for instead of naming the channel of a payment code. */
export const AUTO_BARCODE = "auto.barcode";

/**
 * The method that is meant: for `auto.barcode`, that of the channel whose codes look like the payer's.
 * Throws payment.payer_required, payment.auth_code_unknown.
 */
export function chooseMethod(method: Method | typeof AUTO_BARCODE, payer: Payer): Method {
  if (method !== AUTO_BARCODE) return method;
  const param = "payer.auth_code";
  if (!payer.auth_code) {
    throw paymentErrors["payment.payer_required"]({ param, values: { method, field: param } });
  }
  const chosen = methodOfAuthCode(payer.auth_code);
  if (!chosen) throw paymentErrors["payment.auth_code_unknown"]({ param });
  return chosen;
}

/** Throws payment.payer_required. */
export function requirePayer(method: Method, payer: Payer): void {
  const field = requiredPayerField[method];
  if (field && !payer[field]) {
    throw paymentErrors["payment.payer_required"]({
      param: `payer.${field}`,
      values: { method, field: `payer.${field}` },
    });
  }
}

/** Where an attempt goes, and why. */
export interface AttemptRoute {
  account: AccountChoice;
  decision: RoutingDecision;
}

/**
 * The account that takes the payment by this method, or the decision that none can.
 * @param tried UUIDs of accounts that refused it already.
 */
export async function findRoute(
  services: PaymentServices,
  payment: Payment,
  wanted: { method: Method; payer: Payer; tried?: readonly string[] },
): Promise<AttemptRoute | { account: undefined; decision: RoutingDecision }> {
  const { merchant_id, app_id, livemode, amount, currency, store, metadata } = payment;
  const { method, payer, tried = [] } = wanted;
  const { account, decision } = await services.routing.route({
    ...{ merchant_id, app_id, payment_id: payment.id, livemode, method, amount, currency, store, metadata, tried },
    payer,
  });
  return account ? { account, decision } : { account: undefined, decision };
}

/** What to tell a merchant of whom no account takes the payment: payment.method_unavailable, payment.account_ineligible, payment.service_fee_unpaid. */
export function explainNoRoute(decision: RoutingDecision, method: Method, currency: string): Error {
  if (decision.candidates.some(({ refusal }) => refusal === "service_fee")) {
    return paymentErrors["payment.service_fee_unpaid"]({ values: { currency } });
  }
  const limited = decision.candidates.filter(({ refusal }) => refusal !== null && limits.has(refusal));
  const values = { method, currency };
  if (limited.length === 0) return paymentErrors["payment.method_unavailable"]({ param: "method", values });
  const reasons = limited.map(({ account, refusal }) => `${account} ${limits.get(refusal!)}`).join(", ");
  return paymentErrors["payment.account_ineligible"]({ param: "amount", values: { ...values, reasons } });
}

/** Refusals that another amount or another hour would not meet, in words. */
const limits: ReadonlyMap<string, string> = new Map([
  ["amount_min", "takes larger amounts only"],
  ["amount_max", "takes smaller amounts only"],
  ["hours", "is closed at this hour"],
  ["day_limit", "has reached its limit of the day"],
]);

export function newAttempt(
  services: PaymentServices,
  payment: Payment,
  choice: { method: Method; payer: Payer; route: AttemptRoute },
): Attempt {
  const id = services.ids.uuid();
  const { account, decision } = choice.route;
  return {
    merchant_id: payment.merchant_id,
    id,
    payment_id: payment.id,
    app_id: payment.app_id,
    livemode: payment.livemode,
    serial_no: encodeUuid(id),
    channel_account_id: account.id,
    channel: account.channel,
    funding_mode: account.funding_mode,
    method: choice.method,
    status: "created",
    amount: payment.amount,
    currency: payment.currency,
    payer: choice.payer,
    action: null,
    channel_trade_no: null,
    channel_order_no: null,
    channel_payer: null,
    failure_code: null,
    failure_message: null,
    unknown_reason: null,
    close_requested: false,
    duplicate: false,
    fee_rule_id: null,
    fee_amount: 0n,
    fee_returns: true,
    cost_amount: 0n,
    cost_returns: true,
    quota_period: null,
    commissions: null,
    expires_at: payment.expires_at,
    created_at: services.clock.now(),
    sent_at: null,
    finished_at: null,
    query_count: 0,
    routing: decision,
  };
}

/** An attempt that is to be written, and what only its payment knows of its price. */
export interface StartedAttempt {
  readonly attempt: Attempt;
  readonly payment: Pick<Payment, "store">;
}

/** Prices the attempts by the rules in force and writes them; fills their fee and cost in. */
export async function priceAndInsertAttempts(
  tx: Transaction,
  started: readonly StartedAttempt[],
  now: number,
): Promise<void> {
  const prices = await priceAttempts(
    tx,
    started.map(({ attempt, payment: { store } }) => ({ ...attempt, store, at: now })),
  );
  const attempts = started.map(({ attempt }, index) => Object.assign(attempt, prices[index]!));
  await insertAttempts(tx, attempts, now + CALL_LEASE_MS);
}
