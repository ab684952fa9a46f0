/** Stripe's webhooks: an event's JSON, signed with HMAC-SHA256 over `t.body` by every secret that is good. */
import { createHmac } from "node:crypto";
import type { Sandbox } from "../context.ts";
import type { Notice, Parcel } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import type { Fields } from "../kit/input.ts";
import { write } from "./answer.ts";
import type { Credential, StripeRefund, StripeTrade } from "./state.ts";

/** The version of the API that events are written in. */
export const api_version = "2026-10-28.endive";

/**
 * Seconds between the tries, over about three days. Stripe says only that they grow exponentially until then; these are
 * assumed.
 */
export const stripe_schedule_s = [300, 1800, 7200, 14_400, 28_800, 57_600, 86_400, 86_400];
const reply_limit_ms = 20_000;
const stale_s = 600;

/** What an endpoint is told of unless it was registered for other events. */
export const default_events = [
  ...[
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
  ],
  ...["checkout.session.expired", "refund.created", "refund.updated", "refund.failed"],
  ...["charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"],
];

/** Writes an event on the trade and sends it to the account's endpoint, if that wants such events. */
export function announce(
  sandbox: Sandbox,
  trade: StripeTrade,
  type: string,
  { object, refund, withheld = false }: { object: Fields | null; refund?: StripeRefund; withheld?: boolean },
): void {
  const endpoint = sandbox.stripe.members.get(trade.account_id)?.endpoint;
  if (endpoint?.url === undefined || object === null) return;
  if (!endpoint.enabled_events.includes("*") && !endpoint.enabled_events.includes(type)) return;
  const now_ms = sandbox.clock.now();
  const event = {
    id: `evt_${sandbox.random.token(24)}`,
    object: "event",
    api_version,
    created: Math.floor(now_ms / 1000),
    data: { object },
    livemode: false,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
  };
  const notice: Notice = {
    id: event.id,
    event: type,
    facts: { body: write(event) },
    created_at_ms: now_ms,
    attempts: 0,
    status: withheld ? "withheld" : "pending",
    ...(refund === undefined ? {} : { refund_no: refund.id }),
  };
  trade.notices.push(notice);
  if (!withheld) setImmediate(() => sandbox.deliveries.send(makeParcel(sandbox, trade, notice)));
}

/** An untrue body, before it is signed. */
function distort(body: string, mutation: FaultName | undefined): string {
  if (mutation !== "notice_wrong_amount" && mutation !== "notice_wrong_merchant") return body;
  const event = JSON.parse(body);
  const { object } = event.data;
  if (mutation === "notice_wrong_merchant") Object.assign(event, { account: "acct_1NotYours", livemode: true });
  else if (object.object === "checkout.session") object.amount_total += 1;
  else object.amount += 1;
  return JSON.stringify(event);
}

/** A digit of the session's amount, or of any other object's, is another one. */
function tamper(body: string): string {
  return body.replace(/("amount(?:_total)?":)(\d)/, (_all, name, digit) => `${name}${digit === "1" ? "2" : "1"}`);
}

export function isGood(secret: Credential, now_ms: number): boolean {
  return secret.ends_at_ms === undefined || secret.ends_at_ms > now_ms;
}

function compose(sandbox: Sandbox, trade: StripeTrade, notice: Notice, mutation: FaultName | undefined) {
  const endpoint = sandbox.stripe.members.get(trade.account_id)?.endpoint;
  if (endpoint?.url === undefined) throw new Error(`The endpoint of ${trade.account_id} is gone.`);
  const now_ms = sandbox.clock.now();
  const body = distort(notice.facts.body ?? "", mutation);
  const at_s = Math.floor(now_ms / 1000) - (mutation === "notice_stale_timestamp" ? stale_s : 0);
  const sign = (secret: string) => createHmac("sha256", secret).update(`${at_s}.${body}`).digest("hex");
  const secrets = endpoint.secrets.filter((secret) => isGood(secret, now_ms));
  const signatures = secrets.map(({ value }) => sign(mutation === "notice_bad_signature" ? `${value}x` : value));
  return {
    url: endpoint.url,
    headers: {
      "Content-Type": "application/json; charset=utf-8",
      "Stripe-Signature": [`t=${at_s}`, ...signatures.map((signature) => `v1=${signature}`)].join(","),
      "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    },
    body: mutation === "notice_tampered" ? tamper(body) : body,
  };
}

/** Wraps a trade's event for the post office. */
export function makeParcel(sandbox: Sandbox, trade: StripeTrade, notice: Notice): Parcel {
  return {
    channel: "stripe",
    merchant: trade.account_id,
    trade: trade.out_trade_no,
    notice,
    schedule_s: stripe_schedule_s,
    reply_limit_ms,
    compose: async (mutation) => compose(sandbox, trade, notice, mutation),
    accepts: (status) => status >= 200 && status < 300,
  };
}
