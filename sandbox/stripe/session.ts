/** Checkout Sessions: made, listed, expired. */
import type { Sandbox } from "../context.ts";
import type { Fields } from "../kit/input.ts";
import {
  integerOf,
  metadataOf,
  objectOf,
  refuse,
  refuseMissing,
  refuseUnknown,
  requiredOf,
  type StripeCall,
  textOf,
  textsOf,
} from "./answer.ts";
import type { Parameters } from "./form.ts";
import { isSupported, problemOfAmount } from "./money.ts";
import { announce } from "./notice.ts";
import { below, showList, showSession } from "./objects.ts";
import { fileTrade, type StripeTrade } from "./state.ts";

const life_ms_min = 30 * 60_000;
const life_ms_max = 24 * 3_600_000;

const known_parameters = [
  ...["mode", "line_items", "success_url", "cancel_url", "client_reference_id", "metadata", "payment_intent_data"],
  ...[
    "allowed_payment_method_types",
    "expires_at",
    "expand",
    "adaptive_pricing",
    "locale",
    "submit_type",
    "customer_email",
  ],
];
const known_methods = ["card", "alipay", "wechat_pay", "link", "us_bank_account", "sepa_debit", "ideal", "klarna"];

type Item = { subject: string; description?: string; total: bigint; currency: string };

/** The one line item that the simulation takes. */
function readItem(parameters: Parameters): Item {
  const items = Object.values(objectOf(parameters, "line_items") ?? {});
  const [item] = items;
  if (items.length !== 1 || typeof item !== "object") refuse("This simulation takes one line item.", "line_items");
  refuseUnknown(item, ["quantity", "price_data"], "line_items[0]");
  const quantity = integerOf(item, "quantity", "line_items[0]") ?? refuse("Quantity is required.", "line_items[0]");
  const place = "line_items[0][price_data]";
  const price = objectOf(item, "price_data") ?? refuse("Missing required param: line_items[0][price_data].", place);
  refuseUnknown(price, ["currency", "unit_amount", "product_data"], place);
  const currency = requiredOf(price, "currency", place);
  if (!isSupported(currency)) refuse(`Invalid currency: ${currency}.`, `${place}[currency]`);
  const unit = integerOf(price, "unit_amount", place) ?? refuse("Missing required param.", `${place}[unit_amount]`);
  const product = objectOf(price, "product_data") ?? refuse("Missing required param.", `${place}[product_data]`);
  refuseUnknown(product, ["name", "description"], `${place}[product_data]`);
  const problem = quantity < 1n ? { message: "Invalid quantity", code: "parameter_invalid_integer" } : undefined;
  const wrong = problem ?? problemOfAmount(unit * quantity, currency);
  if (wrong !== undefined) refuse(wrong.message, `${place}[unit_amount]`, wrong.code);
  const description = textOf(product, "description", place);
  return {
    subject: requiredOf(product, "name", `${place}[product_data]`),
    ...(description === undefined ? {} : { description }),
    total: unit * quantity,
    currency,
  };
}

function readAddress(parameters: Parameters, name: string): string | undefined {
  const text = textOf(parameters, name);
  if (text !== undefined && !/^https?:\/\/\S+$/.test(text)) refuse("Not a valid URL", name, "url_invalid");
  return text;
}

function readExpiry(parameters: Parameters, now_ms: number): number {
  const expires_at = integerOf(parameters, "expires_at");
  if (expires_at === undefined) return now_ms + life_ms_max;
  const at_ms = Number(expires_at) * 1000;
  const bound = (text: string) =>
    refuse(`The \`expires_at\` timestamp must be ${text} from Checkout Session creation.`, "expires_at");
  // Stripe counts in whole seconds.
  if (at_ms < now_ms + life_ms_min - 1000) bound("at least 30 minutes");
  if (at_ms > now_ms + life_ms_max + 1000) bound("less than 24 hours");
  return at_ms;
}

export function createSession(sandbox: Sandbox, { account, parameters }: StripeCall): Fields {
  refuseUnknown(parameters, known_parameters);
  if (requiredOf(parameters, "mode") !== "payment") refuse("This simulation knows the mode payment only.", "mode");
  const now_ms = sandbox.clock.now();
  const item = readItem(parameters);
  const methods = textsOf(parameters, "allowed_payment_method_types");
  const strange = methods.find((method) => !known_methods.includes(method));
  if (strange !== undefined) refuse(`Invalid allowed_payment_method_types: ${strange}`, "allowed_payment_method_types");
  const payment = objectOf(parameters, "payment_intent_data") ?? {};
  refuseUnknown(payment, ["metadata", "description", "statement_descriptor_suffix"], "payment_intent_data");
  const success_url =
    readAddress(parameters, "success_url") ?? refuse("Missing required param: success_url.", "success_url");
  const cancel_url = readAddress(parameters, "cancel_url");
  const reference = textOf(parameters, "client_reference_id");
  if (reference !== undefined && reference.length > 200) refuse("Too long", "client_reference_id");
  const session_id = `cs_test_${sandbox.random.token(58)}`;
  const trade: StripeTrade = {
    account_id: account.account_id,
    out_trade_no: reference ?? session_id,
    ...(reference === undefined ? {} : { client_reference_id: reference }),
    session_id,
    token: session_id,
    ...item,
    payment_method_types: methods.length > 0 ? methods : ["card"],
    metadata: metadataOf(parameters),
    payment_metadata: metadataOf(payment, "payment_intent_data"),
    success_url,
    ...(cancel_url === undefined ? {} : { cancel_url }),
    status: "open",
    created_at_ms: now_ms,
    expires_at_ms: readExpiry(parameters, now_ms),
    refunds: [],
    disputes: [],
    notices: [],
  };
  fileTrade(sandbox.stripe, trade);
  sandbox.clock.schedule(trade.expires_at_ms, () => void refreshTrade(sandbox, trade));
  sandbox.changed();
  return showSession(sandbox, trade, textsOf(parameters, "expand"));
}

/** Expires a session whose time is over. */
export function refreshTrade(sandbox: Sandbox, trade: StripeTrade): void {
  if (trade.status === "open" && sandbox.clock.now() >= trade.expires_at_ms) endSession(sandbox, trade);
}

function endSession(sandbox: Sandbox, trade: StripeTrade): void {
  trade.status = "expired";
  delete trade.challenged;
  announce(sandbox, trade, "checkout.session.expired", { object: showSession(sandbox, trade) });
  sandbox.changed();
}

export function findSession(sandbox: Sandbox, { account }: StripeCall, id: string): StripeTrade {
  const trade = sandbox.stripe.trades.get(`${account.account_id}/${id}`);
  if (trade === undefined) refuseMissing("checkout.session", id);
  refreshTrade(sandbox, trade);
  return trade;
}

export function expireSession(sandbox: Sandbox, call: StripeCall, id: string): Fields {
  const trade = findSession(sandbox, call, id);
  if (trade.status !== "open") {
    refuse(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of \`${trade.status}\`.`,
    );
  }
  endSession(sandbox, trade);
  return showSession(sandbox, trade, textsOf(call.parameters, "expand"));
}

export function readPage(parameters: Parameters): { limit: number; starting_after: string | undefined } {
  const limit = integerOf(parameters, "limit") ?? 10n;
  if (limit < 1n || limit > 100n) refuse("Invalid integer: limit must be from 1 to 100.", "limit");
  return { limit: Number(limit), starting_after: textOf(parameters, "starting_after") };
}

/** Newest first; by the time of creation, the payment intent or the status. */
export function listSessions(sandbox: Sandbox, { account, parameters }: StripeCall): Fields {
  refuseUnknown(parameters, ["limit", "starting_after", "created", "payment_intent", "status", "expand"]);
  const created = objectOf(parameters, "created") ?? {};
  refuseUnknown(created, ["gte", "gt", "lte", "lt"], "created");
  const bound = (name: string) => Number(integerOf(created, name, "created") ?? Number.NaN);
  const payment_intent = textOf(parameters, "payment_intent");
  const status = textOf(parameters, "status");
  const { limit, starting_after } = readPage(parameters);
  const expand = below(textsOf(parameters, "expand"), "data");
  const within = (trade: StripeTrade) => {
    const at = Math.floor(trade.created_at_ms / 1000);
    return !(at < bound("gte") || at <= bound("gt") || at > bound("lte") || at >= bound("lt"));
  };
  const rows = [...sandbox.stripe.trades.values()]
    .filter((trade) => trade.account_id === account.account_id && within(trade))
    .filter((trade) => payment_intent === undefined || trade.payment_intent === payment_intent)
    .reverse();
  for (const trade of rows) refreshTrade(sandbox, trade);
  const shown = rows
    .filter((trade) => status === undefined || trade.status === status)
    .map((trade) => showSession(sandbox, trade, expand));
  return showList("/v1/checkout/sessions", shown, limit, starting_after);
}
