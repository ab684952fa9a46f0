/**
 * PayPal's webhooks: a JSON event, signed with SHA256withRSA over transmission id, time, webhook id and the decimal
 * CRC-32 of the body. The certificate lies at the address that the message names.
 */
import { crc32 } from "node:zlib";
import type { Sandbox } from "../context.ts";
import { signRsa, spoilSignature } from "../kit/crypto.ts";
import type { Notice, Parcel } from "../kit/deliveries.ts";
import type { FaultName } from "../kit/faults.ts";
import { writeJson } from "./answer.ts";
import { ensureAuthority } from "./authority.ts";
import { makePaypalId } from "./provision.ts";
import type { PaypalTrade } from "./state.ts";

const minute = 60;
const hour = 3_600;
/** Seconds between the 25 tries. PayPal says only that they are over within three days; that they slow down is assumed. */
export const paypal_schedule_s = [
  ...[1, 2, 4, 8, 15, 30].map((minutes) => minutes * minute),
  ...Array.from({ length: 6 }, () => hour),
  ...Array.from({ length: 6 }, () => 4 * hour),
  ...Array.from({ length: 6 }, () => 6.8 * hour),
];
const reply_limit_ms = 15_000;

/** What happened, in PayPal's names. */
export type PaypalEvent = {
  type: string;
  resource_type: "checkout-order" | "capture" | "refund" | "dispute";
  summary: string;
  resource: unknown;
  /** Of a refund's event. */
  refund_no?: string;
};

/** A random UUID as PayPal's transmissions have them. */
function makeTransmissionId(sandbox: Sandbox): string {
  const hex = sandbox.random.hex(32);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

async function compose(sandbox: Sandbox, notice: Notice, mutation: FaultName | undefined) {
  const { signers } = await ensureAuthority(sandbox);
  const { event_type, resource_type, summary, resource, webhook_id } = notice.facts;
  const event = {
    id: notice.id,
    event_version: "1.0",
    create_time: new Date(notice.created_at_ms).toISOString(),
    resource_type,
    resource_version: "2.0",
    event_type,
    summary,
    resource: JSON.parse(resource ?? "{}"),
    links: [
      { href: `${sandbox.public_url}/v1/notifications/webhooks-events/${notice.id}`, rel: "self", method: "GET" },
    ],
  };
  const body = writeJson(event, mutation);
  const id = makeTransmissionId(sandbox);
  const time = `${new Date(sandbox.clock.now()).toISOString().slice(0, 19)}Z`;
  const signature = await signRsa(`${id}|${time}|${webhook_id}|${crc32(body)}`, sandbox.paypal.signing_key!);
  return {
    headers: {
      "Content-Type": "application/json",
      "User-Agent": "PayPal/AUHD-214.0-56938553",
      "PAYPAL-AUTH-ALGO": "SHA256withRSA",
      "PAYPAL-CERT-URL": `${sandbox.public_url}/v1/notifications/certs/${signers.at(-1)!.id}`,
      "PAYPAL-TRANSMISSION-ID": id,
      "PAYPAL-TRANSMISSION-TIME": time,
      "PAYPAL-TRANSMISSION-SIG": mutation === "notice_bad_signature" ? spoilSignature(signature) : signature,
    },
    body: spoil(body, mutation),
  };
}

/** What happens to the signed bytes on their way: another amount, or the same event as a proxy writes it anew. */
function spoil(body: string, mutation: FaultName | undefined): string {
  if (mutation === "notice_tampered") return body.replace('"value":"', '"value":"1');
  return mutation === "notice_rewritten" ? JSON.stringify(JSON.parse(body), null, 1) : body;
}

/** Wraps a trade's notice for the post office; undefined when its webhook is gone or has no address. */
export function makeParcel(sandbox: Sandbox, trade: PaypalTrade, notice: Notice): Parcel | undefined {
  const merchant = sandbox.paypal.members.get(trade.client_id);
  const url = merchant?.webhooks.find(({ id }) => id === notice.facts.webhook_id)?.url;
  if (!url) return undefined;
  return {
    channel: "paypal",
    merchant: trade.client_id,
    trade: trade.out_trade_no,
    notice,
    schedule_s: paypal_schedule_s,
    reply_limit_ms,
    compose: async (mutation) => ({ url, ...(await compose(sandbox, notice, mutation)) }),
    accepts: (status) => status >= 200 && status < 300,
  };
}

/** Writes a notice for each webhook of the app on the trade and sends it, unless `withheld`. */
export function announce(sandbox: Sandbox, trade: PaypalTrade, event: PaypalEvent, withheld = false): void {
  const merchant = sandbox.paypal.members.get(trade.client_id);
  for (const webhook of merchant?.webhooks ?? []) {
    if (webhook.url === "") continue;
    const notice: Notice = {
      id: `WH-${makePaypalId(sandbox, 17)}-${makePaypalId(sandbox, 17)}`,
      event: event.type,
      facts: {
        event_type: event.type,
        resource_type: event.resource_type,
        summary: event.summary,
        resource: JSON.stringify(event.resource),
        webhook_id: webhook.id,
      },
      created_at_ms: sandbox.clock.now(),
      attempts: 0,
      status: withheld ? "withheld" : "pending",
      ...(event.refund_no === undefined ? {} : { refund_no: event.refund_no }),
    };
    trade.notices.push(notice);
    const parcel = makeParcel(sandbox, trade, notice);
    if (!withheld && parcel) setImmediate(() => sandbox.deliveries.send(parcel));
  }
}
