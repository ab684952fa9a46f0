/** Refunds of a captured payment: of a part or of all of it, within 180 days. */
import type { Sandbox } from "../context.ts";
import type { Fault } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import {
  type PaypalAnswer,
  type PaypalCall,
  refuse,
  refuseForm,
  refuseUnknown,
  requestIdOf,
  wantsWhole,
} from "./answer.ts";
import { describeRefund } from "./describe.ts";
import { announce } from "./notice.ts";
import { amountAt } from "./order.ts";
import { makePaypalId } from "./provision.ts";
import type { PaypalRefund, PaypalTrade } from "./state.ts";

const refund_window_ms = 180 * 86_400_000;
/** How long a request's id is remembered. */
const memory_ms = 45 * 86_400_000;

/** A refund claims its amount unless it has failed. */
function claimedAmount(trade: PaypalTrade): bigint {
  return trade.refunds.reduce((sum, refund) => (refund.status === "FAILED" ? sum : sum + refund.amount), 0n);
}

function readText(body: Fields, key: string, length_max: number): string | undefined {
  const value = body[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") refuseForm("INVALID_PARAMETER_SYNTAX", `/${key}`);
  return value.length > length_max ? refuseForm("INVALID_STRING_LENGTH", `/${key}`) : value;
}

function readRefund(sandbox: Sandbox, { body }: PaypalCall, trade: PaypalTrade): PaypalRefund {
  const left = trade.total - claimedAmount(trade);
  const asked = body.amount === undefined ? { currency: trade.currency, amount: left } : amountAt(body, "");
  const invoice_id = readText(body, "invoice_id", 127);
  const custom_id = readText(body, "custom_id", 127);
  const note_to_payer = readText(body, "note_to_payer", 255);
  if (trade.capture?.status !== "COMPLETED") refuse("CAPTURE_STATUS_NOT_VALID");
  if (asked.currency !== trade.currency) refuse("REFUND_CAPTURE_CURRENCY_MISMATCH");
  if (left === 0n) refuse("CAPTURE_FULLY_REFUNDED");
  if (asked.amount > left) refuse("REFUND_AMOUNT_EXCEEDED");
  const now_ms = sandbox.clock.now();
  if (now_ms > trade.capture.created_at_ms + refund_window_ms) refuse("REFUND_TIME_LIMIT_EXCEEDED");
  return {
    id: makePaypalId(sandbox, 17),
    amount: asked.amount,
    status: "PENDING",
    ...(invoice_id && { invoice_id }),
    ...(custom_id && { custom_id }),
    ...(note_to_payer && { note_to_payer }),
    created_at_ms: now_ms,
    updated_at_ms: now_ms,
  };
}

function show(sandbox: Sandbox, { request }: PaypalCall, trade: PaypalTrade, refund: PaypalRefund, status: number) {
  const whole = describeRefund(sandbox, trade, refund);
  const { id, status: state, links } = whole;
  return { status, body: wantsWhole(request) ? whole : { id, status: state, links } };
}

/** Takes a refund. A `PayPal-Request-Id` that is remembered answers its refund as it is now. */
export function requestRefund(sandbox: Sandbox, call: PaypalCall, capture_id: string): PaypalAnswer {
  const { merchant, request, fault } = call;
  const trade = sandbox.paypal.by_capture.get(capture_id);
  if (trade === undefined || trade.client_id !== merchant.client_id) refuseUnknown();
  const id = requestIdOf(request);
  const key = `${merchant.client_id}/refund/${capture_id}/${id}`;
  const known = id === undefined ? undefined : sandbox.paypal.requests.get(key);
  const now_ms = sandbox.clock.now();
  if (known?.refund !== undefined && known.until_ms > now_ms) return show(sandbox, call, trade, known.refund, 200);
  const refund = readRefund(sandbox, call, trade);
  if (fault?.fault === "not_enough") refuse("REFUND_FAILED_INSUFFICIENT_FUNDS");
  trade.refunds.push(refund);
  sandbox.paypal.by_refund.set(refund.id, trade);
  if (id !== undefined) sandbox.paypal.requests.set(key, { trade, refund, until_ms: now_ms + memory_ms });
  decideOutcome(sandbox, trade, refund, fault);
  return show(sandbox, call, trade, refund, 201);
}

/** Moves the money at once, unless a fault delays or fails it. */
function decideOutcome(sandbox: Sandbox, trade: PaypalTrade, refund: PaypalRefund, fault: Fault | undefined): void {
  sandbox.changed();
  if (fault?.fault === "refund_processing") {
    tell(sandbox, trade, refund, "PAYMENT.REFUND.PENDING");
    if (fault.delay_ms === undefined) return;
    const due_ms = sandbox.clock.now() + fault.delay_ms;
    sandbox.clock.schedule(due_ms, () => void finishRefund(sandbox, trade, refund, true));
    return;
  }
  // PayPal gives a refund up only after it has taken it.
  if (fault?.fault === "refund_closed") setImmediate(() => void finishRefund(sandbox, trade, refund, false));
  else finishRefund(sandbox, trade, refund, true);
}

function tell(sandbox: Sandbox, trade: PaypalTrade, refund: PaypalRefund, type: string): void {
  const resource = describeRefund(sandbox, trade, refund);
  announce(sandbox, trade, { type, resource_type: "refund", summary: "A refund", resource, refund_no: refund.id });
}

/** Ends a pending refund and announces it. False when it has ended already. */
export function finishRefund(sandbox: Sandbox, trade: PaypalTrade, refund: PaypalRefund, success: boolean): boolean {
  if (refund.status !== "PENDING") return false;
  refund.status = success ? "COMPLETED" : "FAILED";
  refund.updated_at_ms = sandbox.clock.now();
  sandbox.changed();
  tell(sandbox, trade, refund, success ? "PAYMENT.CAPTURE.REFUNDED" : "PAYMENT.REFUND.FAILED");
  return true;
}

/** GET of a refund by PayPal's number. */
export function readRefundById(sandbox: Sandbox, { merchant }: PaypalCall, refund_id: string): PaypalAnswer {
  const trade = sandbox.paypal.by_refund.get(refund_id);
  const refund = trade?.refunds.find(({ id }) => id === refund_id);
  if (trade === undefined || refund === undefined || trade.client_id !== merchant.client_id) refuseUnknown();
  return { status: 200, body: describeRefund(sandbox, trade, refund) };
}
