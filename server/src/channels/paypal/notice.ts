/**
 * Webhooks. The signature (SHA256withRSA) covers transmission id, time, webhook id and the CRC-32 of the exact bytes. A
 * webhook is a signed statement and is told again for three days, so that its age refuses nothing; repetition is harmless.
 * Source: developer.paypal.com, Webhooks → Integrate.
 */
import { verify } from "node:crypto";
import { crc32 } from "node:zlib";
import type { ChannelContext, NoticeReply, NoticeResult, Send, WireNotice } from "../contract.ts";
import { asObject, type JsonObject, parseJsonObject, textOf } from "../wire-json.ts";
import { fromPaypalMoney } from "./amounts.ts";
import { openPaypalAccount } from "./config.ts";
import { readDispute } from "./dispute.ts";
import { timeOf } from "./order.ts";
import { outcomeOf } from "./refund.ts";
import { fetchSigner } from "./trust.ts";

/** Verifies and reads a webhook. Never throws. */
export async function readNotice(context: ChannelContext, notice: WireNotice, send?: Send): Promise<NoticeResult> {
  try {
    const problem = await findSignatureProblem(context, notice, send);
    if (problem) return rejected(problem);
    const event = parseJsonObject(notice.body.toString("utf8"));
    const resource = asObject(event?.resource);
    if (!event || !resource) return rejected("the event has no resource");
    return readEvent(context, textOf(event, "event_type") ?? "(none)", resource);
  } catch (error) {
    return rejected(`the event cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function findSignatureProblem(
  context: ChannelContext,
  { headers, body }: WireNotice,
  send: Send | undefined,
): Promise<string | undefined> {
  const id = headers["paypal-transmission-id"];
  const time = headers["paypal-transmission-time"];
  const signature = headers["paypal-transmission-sig"];
  const address = headers["paypal-cert-url"];
  if (!id || !time || !signature || !address) return "a header of the signature is missing";
  if (headers["paypal-auth-algo"] !== "SHA256withRSA") return "the signature's algorithm is not SHA256withRSA";
  if (!send) return "the certificate cannot be had";
  const signer = await fetchSigner(context, address, send);
  if (typeof signer === "string") return signer;
  const { webhook_id } = openPaypalAccount(context.account);
  const signed = Buffer.from(`${id}|${time}|${webhook_id}|${crc32(body)}`);
  const good = verify("sha256", signed, signer.publicKey, Buffer.from(signature, "base64"));
  return good ? undefined : "the signature is not good";
}

type Reader = (context: ChannelContext, resource: JsonObject) => NoticeResult;

const readers: Readonly<Record<string, Reader>> = {
  "CHECKOUT.ORDER.APPROVED": askForOrder,
  "CHECKOUT.PAYMENT-APPROVAL.REVERSED": askForOrder,
  "PAYMENT.CAPTURE.COMPLETED": readCapture,
  "PAYMENT.CAPTURE.PENDING": askForCapture,
  "PAYMENT.CAPTURE.DENIED": askForCapture,
  "PAYMENT.CAPTURE.DECLINED": askForCapture,
  "PAYMENT.CAPTURE.REFUNDED": readRefundEvent,
  "PAYMENT.REFUND.PENDING": readRefundEvent,
  "PAYMENT.REFUND.FAILED": readRefundEvent,
  "CUSTOMER.DISPUTE.CREATED": readDispute,
  "CUSTOMER.DISPUTE.UPDATED": readDispute,
  "CUSTOMER.DISPUTE.RESOLVED": readDispute,
};

function readEvent(context: ChannelContext, type: string, resource: JsonObject): NoticeResult {
  const read = Object.hasOwn(readers, type) ? readers[type] : undefined;
  return read ? read(context, resource) : { kind: "ignored", detail: type };
}

/** The order's own number is not enough: whose it is and which of ours it is say its purchase unit. */
function askForOrder(context: ChannelContext, resource: JsonObject): NoticeResult {
  const [unit] = Array.isArray(resource.purchase_units) ? resource.purchase_units : [];
  return askFor(context, asObject(unit));
}

function askForCapture(context: ChannelContext, resource: JsonObject): NoticeResult {
  return askFor(context, resource);
}

function askFor(context: ChannelContext, named: JsonObject | undefined): NoticeResult {
  const stranger = findStranger(context, named, "payee");
  if (stranger) return rejected(stranger);
  const serial_no = textOf(named, "invoice_id");
  if (!serial_no) return { kind: "ignored", detail: "an order without a number of ours" };
  return { kind: "ask", serial_no, owner: textOf(named, "custom_id") };
}

/** A sentence when the event is of another business account. */
function findStranger({ account }: ChannelContext, resource: JsonObject | undefined, field: "payee" | "payer") {
  const merchant = textOf(asObject(resource?.[field]), "merchant_id");
  const { merchant_id } = openPaypalAccount(account);
  return merchant !== undefined && merchant !== merchant_id ? "the event is of another merchant" : undefined;
}

function amountOf(resource: JsonObject) {
  const amount = asObject(resource.amount);
  const [currencyCode, value] = [textOf(amount, "currency_code"), textOf(amount, "value")];
  return currencyCode && value ? fromPaypalMoney({ currencyCode, value }) : undefined;
}

/** Amount, merchant and number are compared with the attempt by whoever takes it. The event does not name the payer. */
function readCapture({ clock }: ChannelContext, resource: JsonObject): NoticeResult {
  const amount = amountOf(resource);
  const [id, serial_no] = [textOf(resource, "id"), textOf(resource, "invoice_id")];
  if (!id || !amount) return rejected("a capture lacks its particulars");
  if (!serial_no) return { kind: "ignored", detail: "a capture without a number of ours" };
  if (textOf(resource, "status") !== "COMPLETED") return askForCaptureLater(resource, serial_no);
  return {
    kind: "payment_succeeded",
    owner: textOf(resource, "custom_id"),
    payment: {
      serial_no,
      channel_trade_no: id,
      amount,
      merchant: textOf(asObject(resource.payee), "merchant_id"),
      app: undefined,
      paid_at: timeOf(textOf(resource, "create_time")) ?? clock.now(),
      payer: undefined,
    },
  };
}

/** An event that came late may show the capture in its present state. */
function askForCaptureLater(resource: JsonObject, serial_no: string): NoticeResult {
  return { kind: "ask", serial_no, owner: textOf(resource, "custom_id") };
}

function readRefundEvent(context: ChannelContext, resource: JsonObject): NoticeResult {
  const stranger = findStranger(context, resource, "payer");
  if (stranger) return rejected(stranger);
  const amount = amountOf(resource);
  const [id, refund_no] = [textOf(resource, "id"), textOf(resource, "invoice_id")];
  if (!id || !amount) return rejected("a refund lacks its particulars");
  if (!refund_no) return { kind: "ignored", detail: "a refund without a number of ours" };
  const refund = {
    refund_no,
    serial_no: undefined,
    channel_refund_no: id,
    amount,
    refunded_at: timeOf(textOf(resource, "create_time")) ?? context.clock.now(),
  };
  const reason = textOf(asObject(resource.status_details), "reason");
  const outcome = outcomeOf(refund, textOf(resource, "status"), reason);
  return { kind: "refund", owner: textOf(resource, "custom_id"), refund, outcome };
}

/** 2xx acknowledges; else PayPal sends again, 25 times within three days. */
export function replyToNotice(accepted: boolean): NoticeReply {
  const headers = { "content-type": "text/plain; charset=utf-8" };
  return accepted ? { status: 200, headers, body: "ok" } : { status: 400, headers, body: "fail" };
}

function rejected(detail: string): NoticeResult {
  return { kind: "rejected", detail };
}
