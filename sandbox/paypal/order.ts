/** An order's life at PayPal: created, approved by its payer, captured by the merchant. */
import type { Sandbox } from "../context.ts";
import { ControlError, type Fields, isFields } from "../kit/input.ts";
import {
  type PaypalAnswer,
  type PaypalCall,
  PaypalError,
  refuse,
  refuseForm,
  refuseUnknown,
  requestIdOf,
  wantsWhole,
} from "./answer.ts";
import { describeCapture, describeOrder, describeOrderBriefly } from "./describe.ts";
import { readValue } from "./money.ts";
import { announce } from "./notice.ts";
import { makePaypalId } from "./provision.ts";
import { fileCapture, fileTrade, type PaypalCapture, type PaypalMerchant, type PaypalTrade } from "./state.ts";

/** How long a payer may take to approve, and then the merchant to capture; and how long a request's id is remembered. */
const order_life_ms = 6 * 3_600_000;

function textAt(fields: Fields, key: string, path: string, length_max: number): string | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  if (typeof value !== "string" || value === "") refuseForm("INVALID_PARAMETER_SYNTAX", `${path}/${key}`);
  if (value.length > length_max) refuseForm("INVALID_STRING_LENGTH", `${path}/${key}`);
  return value;
}

function objectAt(fields: Fields, key: string, path: string): Fields | undefined {
  const value = fields[key];
  if (value === undefined) return undefined;
  return isFields(value) ? value : refuseForm("INVALID_PARAMETER_SYNTAX", `${path}/${key}`);
}

/** The amount of a field; an amount that PayPal cannot take is refused with its issue. */
export function amountAt(fields: Fields, path: string): { currency: string; amount: bigint } {
  const money = objectAt(fields, "amount", path) ?? refuseForm("MISSING_REQUIRED_PARAMETER", `${path}/amount`);
  const currency = textAt(money, "currency_code", `${path}/amount`, 3);
  const value = textAt(money, "value", `${path}/amount`, 32);
  if (currency === undefined) refuseForm("MISSING_REQUIRED_PARAMETER", `${path}/amount/currency_code`);
  if (value === undefined) refuseForm("MISSING_REQUIRED_PARAMETER", `${path}/amount/value`);
  const amount = readValue({ currency_code: currency, value });
  if (typeof amount === "string") refuse(amount, { field: `${path}/amount/value` });
  return { currency, amount };
}

function readUnit(body: Fields, merchant: PaypalMerchant): Fields {
  const units = body.purchase_units;
  if (!Array.isArray(units)) refuseForm("MISSING_REQUIRED_PARAMETER", "/purchase_units");
  const [unit] = units;
  // Several units are several payees, which this simulation does not have.
  if (units.length !== 1 || !isFields(unit)) refuseForm("INVALID_ARRAY_MAX_ITEMS", "/purchase_units");
  const payee = objectAt(unit, "payee", "/purchase_units/0");
  if (payee?.merchant_id !== undefined && payee.merchant_id !== merchant.merchant_id) refuse("PAYEE_ACCOUNT_INVALID");
  return unit;
}

/** Where the payer's browser goes afterwards: a setting of the named source, or of the older `application_context`. */
function readContext(body: Fields): { named_source: boolean; return_url?: string; cancel_url?: string } {
  const source = objectAt(body, "payment_source", "");
  const paypal = source && objectAt(source, "paypal", "/payment_source");
  if (source && !paypal) refuse("PAYMENT_SOURCE_NOT_SUPPORTED", { field: "/payment_source" });
  const context = paypal
    ? objectAt(paypal, "experience_context", "/payment_source/paypal")
    : objectAt(body, "application_context", "");
  const path = paypal ? "/payment_source/paypal/experience_context" : "/application_context";
  const return_url = context && textAt(context, "return_url", path, 4_000);
  const cancel_url = context && textAt(context, "cancel_url", path, 4_000);
  for (const [key, url] of Object.entries({ return_url, cancel_url })) {
    if (url !== undefined && !/^https?:\/\/\S+$/.test(url)) refuseForm("INVALID_PARAMETER_SYNTAX", `${path}/${key}`);
  }
  return { named_source: paypal !== undefined, ...(return_url && { return_url }), ...(cancel_url && { cancel_url }) };
}

function readOrder(sandbox: Sandbox, { merchant, body }: PaypalCall): PaypalTrade {
  const intent = textAt(body, "intent", "", 255) ?? refuseForm("MISSING_REQUIRED_PARAMETER", "/intent");
  if (intent !== "CAPTURE" && intent !== "AUTHORIZE") refuseForm("INVALID_PARAMETER_VALUE", "/intent");
  if (intent === "AUTHORIZE") {
    throw new PaypalError({ status: 403, name: "NOT_AUTHORIZED", issue: "PERMISSION_DENIED", field: "/intent" });
  }
  const unit = readUnit(body, merchant);
  const path = "/purchase_units/0";
  const { currency, amount } = amountAt(unit, path);
  const custom_id = textAt(unit, "custom_id", path, 255);
  const invoice_id = textAt(unit, "invoice_id", path, 127);
  const order_id = makePaypalId(sandbox, 17);
  const now_ms = sandbox.clock.now();
  const context = readContext(body);
  return {
    client_id: merchant.client_id,
    order_id,
    out_trade_no: invoice_id ?? custom_id ?? order_id,
    subject: (textAt(unit, "description", path, 3_000) ?? "").slice(0, 127),
    currency,
    total: amount,
    reference_id: textAt(unit, "reference_id", path, 256) ?? "default",
    ...(custom_id && { custom_id }),
    ...(invoice_id && { invoice_id }),
    ...context,
    status: context.named_source ? "PAYER_ACTION_REQUIRED" : "CREATED",
    fate: "completed",
    capture_id: makePaypalId(sandbox, 17),
    created_at_ms: now_ms,
    updated_at_ms: now_ms,
    refunds: [],
    disputes: [],
    notices: [],
  };
}

function showOrder(sandbox: Sandbox, { request }: PaypalCall, trade: PaypalTrade, status: number): PaypalAnswer {
  const show = wantsWhole(request) ? describeOrder : describeOrderBriefly;
  return { status, body: show(sandbox, trade) };
}

/** Creates an order. A `PayPal-Request-Id` that is remembered answers its order as it is now, whatever the body says. */
export function createOrder(sandbox: Sandbox, call: PaypalCall): PaypalAnswer {
  const { requests } = sandbox.paypal;
  const id = requestIdOf(call.request);
  const key = `${call.merchant.client_id}/order/${id}`;
  const known = id === undefined ? undefined : requests.get(key);
  const now_ms = sandbox.clock.now();
  if (known !== undefined && known.until_ms > now_ms) return showOrder(sandbox, call, known.trade, 200);
  const trade = readOrder(sandbox, call);
  if (trade.named_source && id === undefined) refuseForm("PAYPAL_REQUEST_ID_REQUIRED", "PayPal-Request-Id");
  fileTrade(sandbox.paypal, trade);
  if (id !== undefined) requests.set(key, { trade, until_ms: now_ms + order_life_ms });
  sandbox.changed();
  return showOrder(sandbox, call, trade, trade.named_source ? 200 : 201);
}

/** An order of this app that PayPal still has: what nobody approved, or nobody captured, is forgotten after its time. */
export function findOrder(sandbox: Sandbox, merchant: PaypalMerchant, order_id: string): PaypalTrade | undefined {
  const trade = sandbox.paypal.trades.get(order_id);
  if (trade === undefined || trade.client_id !== merchant.client_id) return undefined;
  return isGone(sandbox, trade) ? undefined : trade;
}

function isGone(sandbox: Sandbox, trade: PaypalTrade): boolean {
  if (trade.status === "COMPLETED" || trade.status === "VOIDED") return false;
  return sandbox.clock.now() >= (trade.approved_at_ms ?? trade.created_at_ms) + order_life_ms;
}

/** GET of an order. */
export function readOrderById(sandbox: Sandbox, { merchant }: PaypalCall, order_id: string): PaypalAnswer {
  return { status: 200, body: describeOrder(sandbox, findOrder(sandbox, merchant, order_id) ?? refuseUnknown()) };
}

/** Takes the money of an approved order: once. A remembered request is answered as before, a refusal too. */
export function captureOrder(sandbox: Sandbox, call: PaypalCall, order_id: string): PaypalAnswer {
  const trade = findOrder(sandbox, call.merchant, order_id) ?? refuseUnknown();
  const id = requestIdOf(call.request);
  const key = `${call.merchant.client_id}/capture/${order_id}/${id}`;
  const known = id === undefined ? undefined : sandbox.paypal.requests.get(key);
  const now_ms = sandbox.clock.now();
  if (known !== undefined && known.until_ms > now_ms) {
    if (known.issue !== undefined) refuseCapture(sandbox, trade, known.issue);
    return showOrder(sandbox, call, trade, 200);
  }
  const issue = tryCapture(sandbox, call, trade);
  const final = issue === undefined || issue === "INSTRUMENT_DECLINED";
  if (id !== undefined && final) {
    const until_ms = now_ms + order_life_ms;
    sandbox.paypal.requests.set(key, { trade, until_ms, ...(issue === undefined ? {} : { issue }) });
  }
  if (issue !== undefined) refuseCapture(sandbox, trade, issue);
  return showOrder(sandbox, call, trade, 201);
}

function refuseCapture(sandbox: Sandbox, trade: PaypalTrade, issue: string): never {
  if (issue !== "INSTRUMENT_DECLINED") refuse(issue);
  const href = `${sandbox.public_url}/checkoutnow?token=${trade.order_id}`;
  refuse(issue, { links: [{ href, rel: "redirect", method: "GET" }] });
}

/** The issue that stands against it, or undefined when the money has been taken, or is on its way. */
function tryCapture(sandbox: Sandbox, { merchant, fault }: PaypalCall, trade: PaypalTrade): string | undefined {
  if (trade.status === "COMPLETED") return "ORDER_ALREADY_CAPTURED";
  if (trade.status !== "APPROVED") return "ORDER_NOT_APPROVED";
  if (isInvoiceUsed(sandbox, merchant, trade)) return "DUPLICATE_INVOICE_ID";
  const now_ms = sandbox.clock.now();
  trade.updated_at_ms = Math.max(now_ms, trade.updated_at_ms);
  sandbox.changed();
  if (trade.fate === "instrument_declined" || fault?.fault === "capture_declined") {
    trade.status = "PAYER_ACTION_REQUIRED";
    trade.fate = "completed";
    return "INSTRUMENT_DECLINED";
  }
  const capture: PaypalCapture = {
    id: trade.capture_id,
    status: "PENDING",
    created_at_ms: now_ms,
    updated_at_ms: now_ms,
  };
  trade.status = "COMPLETED";
  trade.capture = capture;
  fileCapture(sandbox.paypal, trade);
  if (fault?.fault !== "capture_pending") {
    finishCapture(sandbox, trade, true);
    return undefined;
  }
  capture.reason = "PENDING_REVIEW";
  announceCapture(sandbox, trade, "PAYMENT.CAPTURE.PENDING", "Payment pending");
  if (fault.delay_ms !== undefined) {
    sandbox.clock.schedule(now_ms + fault.delay_ms, () => void finishCapture(sandbox, trade, true));
  }
  return undefined;
}

/** By default an account takes each invoice's money once; a declined capture has not taken it. */
function isInvoiceUsed(sandbox: Sandbox, merchant: PaypalMerchant, { invoice_id }: PaypalTrade): boolean {
  if (invoice_id === undefined) return false;
  const other = sandbox.paypal.by_invoice.get(`${merchant.client_id}/${invoice_id}`);
  return other?.capture !== undefined && other.capture.status !== "DECLINED";
}

function announceCapture(sandbox: Sandbox, trade: PaypalTrade, type: string, summary: string): void {
  const resource = describeCapture(sandbox, trade, trade.capture!, true);
  announce(sandbox, trade, { type, resource_type: "capture", summary, resource }, trade.silent);
}

/** Ends a capture that is under way; the money has come, or it has not. False when it has ended already. */
export function finishCapture(sandbox: Sandbox, trade: PaypalTrade, success: boolean): boolean {
  const { capture } = trade;
  if (capture?.status !== "PENDING") return false;
  const now_ms = sandbox.clock.now();
  capture.status = success ? "COMPLETED" : "DECLINED";
  capture.updated_at_ms = now_ms;
  if (success) trade.paid_at_ms = now_ms;
  if (success) delete capture.reason;
  else capture.reason = "DECLINED_BY_RISK_FRAUD_FILTERS";
  sandbox.changed();
  const type = success ? "PAYMENT.CAPTURE.COMPLETED" : "PAYMENT.CAPTURE.DENIED";
  announceCapture(sandbox, trade, type, success ? "Payment completed" : "Payment denied");
  return true;
}

/** GET of a capture by its own number. */
export function readCapture(sandbox: Sandbox, { merchant }: PaypalCall, capture_id: string): PaypalAnswer {
  const trade = sandbox.paypal.by_capture.get(capture_id);
  if (trade?.capture === undefined || trade.client_id !== merchant.client_id) refuseUnknown();
  return { status: 200, body: describeCapture(sandbox, trade, trade.capture, true) };
}

/** Whether a payer can approve it now. */
export function isPayable(sandbox: Sandbox, trade: PaypalTrade): boolean {
  const waits = trade.status === "CREATED" || trade.status === "PAYER_ACTION_REQUIRED";
  return waits && !isGone(sandbox, trade);
}

/**
 * The payer approves, which moves no money; with `declining`, by an instrument that the capture will find declined. An
 * order whose capture is pending is decided instead. Throws ControlError 409 when there is nothing to decide.
 */
export function approveTrade(
  sandbox: Sandbox,
  trade: PaypalTrade,
  { payer, notify, declining }: { payer: string | undefined; notify: boolean; declining: boolean },
): void {
  if (trade.capture?.status === "PENDING") return void finishCapture(sandbox, trade, !declining);
  if (trade.status === "COMPLETED") throw new ControlError(409, "The order has been paid already. 订单已支付");
  if (!isPayable(sandbox, trade))
    throw new ControlError(409, "The order can no longer be approved. 订单已批准或已过期");
  const now_ms = sandbox.clock.now();
  trade.status = "APPROVED";
  trade.fate = declining ? "instrument_declined" : "completed";
  trade.payer = payerIdOf(payer ?? "payer-1");
  // PayPal tells times to the second: two approvals must not share one.
  trade.updated_at_ms = Math.max(now_ms, trade.updated_at_ms + 1_000);
  trade.approved_at_ms = now_ms;
  if (notify) delete trade.silent;
  else trade.silent = true;
  sandbox.changed();
  const resource = describeOrder(sandbox, trade);
  const summary = "An order has been approved by buyer";
  announce(
    sandbox,
    trade,
    { type: "CHECKOUT.ORDER.APPROVED", resource_type: "checkout-order", summary, resource },
    !notify,
  );
}

/** A payer's account number: the same for the same name. */
function payerIdOf(payer: string): string {
  const hex = Buffer.from(payer).toString("hex").toUpperCase();
  return `P${hex.padEnd(12, "X").slice(-12)}`;
}

/** Where the payer's browser goes with PayPal's parameters; undefined when the order names no address. */
export function makeReturnUrl(trade: PaypalTrade, approved: boolean): string | undefined {
  const url = URL.parse((approved ? trade.return_url : trade.cancel_url) ?? "");
  if (url === null) return undefined;
  url.searchParams.set("token", trade.order_id);
  if (approved && trade.payer !== undefined) url.searchParams.set("PayerID", trade.payer);
  return url.href;
}
