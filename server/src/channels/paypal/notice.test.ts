/**
 * Guarantee: a webhook counts only with PayPal's signature over its exact bytes and this account's webhook, only about this
 * account's merchant, and says no more than its resource does; whatever else PayPal tells is acknowledged and left alone.
 */
import { sign } from "node:crypto";
import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { generateRsa, readPrivateKey, readPublicKey } from "../../../../sandbox/kit/crypto.ts";
import { issueCertificate } from "../../../../sandbox/kit/x509.ts";
import { systemClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { makeNumber, makeUuid } from "../conformance/harness.ts";
import type { ChannelContext, NoticeResult, Send, WireNotice } from "../contract.ts";
import { readNotice } from "./notice.ts";

const DAY_MS = 86_400_000;
const merchant_id = "6666666666666";
const stranger = "7777777777777";
const webhook_id = "8PT597110X687430L";
const serial_no = makeNumber();
const owner = makeUuid();
const amount = { currency_code: "USD", value: "12.34" };

let context: ChannelContext;
let send: Send;
let key: string;

beforeAll(async () => {
  const [root, leaf] = await Promise.all([generateRsa(), generateRsa()]);
  const issue = (name: string, public_pem: string, authority: boolean) =>
    issueCertificate({
      serial_hex: "4011223344556677",
      subject: [["CN", name]],
      issuer: [["CN", "Root"]],
      public_key: readPublicKey(public_pem),
      signer: readPrivateKey(root.private_pem),
      not_before_ms: systemClock.now() - DAY_MS,
      not_after_ms: systemClock.now() + DAY_MS,
      authority,
    });
  const chain = issue("messageverificationcerts.paypal.com", leaf.public_pem, false);
  const config = {
    client_id: "A".repeat(80),
    merchant_id,
    webhook_id,
    webhook_root_certificate: issue("Root", root.public_pem, true),
  };
  const secrets = { client_secret: new Secret("E".repeat(80)) };
  const account = { id: makeUuid(), version: 1, livemode: true, config, secrets };
  context = { account, clock: systemClock, random: systemRandom };
  send = async () => ({ status: 200, headers: {}, body: Buffer.from(chain) });
  key = leaf.private_pem;
});

/** An event as PayPal would send it, for the webhook of that id. */
function signed(body: Buffer, webhook = webhook_id): WireNotice {
  const [id, time] = ["69cd13f0-d67a-11e5-baa3-778b53f4ae55", "2026-11-20T08:00:00Z"];
  const signature = sign("sha256", Buffer.from(`${id}|${time}|${webhook}|${crc32(body)}`), key).toString("base64");
  return {
    headers: {
      "paypal-auth-algo": "SHA256withRSA",
      "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77",
      "paypal-transmission-id": id,
      "paypal-transmission-time": time,
      "paypal-transmission-sig": signature,
    },
    body,
  };
}

const eventOf = (event_type: string, resource: unknown) => Buffer.from(JSON.stringify({ event_type, resource }));
const read = (event_type: string, resource: unknown): Promise<NoticeResult> =>
  readNotice(context, signed(eventOf(event_type, resource)), send);

const unit = { invoice_id: serial_no, custom_id: owner, payee: { merchant_id } };
const capture = { id: "3C679366HH908993F", status: "COMPLETED", amount, ...unit, create_time: "2026-11-20T08:00:00Z" };
const refund = {
  ...{ id: "1JU08902781691411", status: "COMPLETED", amount, invoice_id: serial_no, custom_id: owner },
  ...{ payer: { merchant_id }, create_time: "2026-11-20T08:00:00Z" },
};
const dispute = {
  dispute_id: "PP-D-1234",
  disputed_transactions: [
    {
      ...{ seller_transaction_id: "3C679366HH908993F", invoice_number: serial_no, custom: owner },
      seller: { merchant_id },
    },
  ],
  ...{ reason: "UNAUTHORISED", dispute_amount: amount, status: "OPEN", update_time: "2026-11-20T08:00:00Z" },
};

describe("the signature", () => {
  const good = () => signed(eventOf("PAYMENT.CAPTURE.COMPLETED", capture));

  it("is of this account's webhook, over the bytes as they are", async () => {
    expect((await readNotice(context, good(), send)).kind).toBe("payment_succeeded");
    const { body } = good();
    const spoilt = [
      signed(body, "ANOTHERWEBHOOK"),
      { ...good(), body: Buffer.concat([body, Buffer.from(" ")]) },
      { ...good(), body: Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 2)) },
    ];
    for (const notice of spoilt) expect((await readNotice(context, notice, send)).kind).toBe("rejected");
  });

  it.each(["auth-algo", "cert-url", "transmission-id", "transmission-time", "transmission-sig"])(
    "needs its %s, and that very one",
    async (name) => {
      for (const value of [undefined, "", "x", "SHA1withRSA"]) {
        const notice = good();
        const headers = { ...notice.headers, [`paypal-${name}`]: value };
        expect((await readNotice(context, { ...notice, headers }, send)).kind).toBe("rejected");
      }
    },
  );

  it("cannot be verified without a way to fetch the certificate", async () => {
    expect((await readNotice(context, good())).kind).toBe("rejected");
  });

  it("does not make sense of what is no event", async () => {
    for (const text of ["", "null", "[]", "{}", '{"event_type":"PAYMENT.CAPTURE.COMPLETED"}', '{"resource":1}']) {
      expect((await readNotice(context, signed(Buffer.from(text)), send)).kind).toBe("rejected");
    }
  });
});

describe("what is said about a payment", () => {
  it("is that it was paid, by whom its order says, without naming the payer", async () => {
    expect(await read("PAYMENT.CAPTURE.COMPLETED", capture)).toEqual({
      kind: "payment_succeeded",
      owner,
      payment: {
        serial_no,
        channel_trade_no: "3C679366HH908993F",
        amount: { amount: 1_234n, currency: "USD" },
        merchant: merchant_id,
        app: undefined,
        paid_at: Date.UTC(2026, 10, 20, 8),
        payer: undefined,
      },
    });
    const { payee: _, ...nameless } = capture;
    expect(await read("PAYMENT.CAPTURE.COMPLETED", nameless)).toMatchObject({ payment: { merchant: undefined } });
  });

  it.each([
    ["CHECKOUT.ORDER.APPROVED", { id: "5O190127TN364715T", purchase_units: [unit] }],
    ["CHECKOUT.PAYMENT-APPROVAL.REVERSED", { id: "5O190127TN364715T", purchase_units: [unit] }],
    ["PAYMENT.CAPTURE.PENDING", { ...capture, status: "PENDING" }],
    ["PAYMENT.CAPTURE.DENIED", { ...capture, status: "DECLINED" }],
    // Told late, the resource may be in its present state.
    ["PAYMENT.CAPTURE.COMPLETED", { ...capture, status: "REFUNDED" }],
  ])("is a reason to ask: %s", async (type, resource) => {
    expect(await read(type, resource)).toEqual({ kind: "ask", serial_no, owner });
  });

  it.each([
    ["CHECKOUT.ORDER.APPROVED", { purchase_units: [{ payee: { merchant_id } }] }],
    ["CHECKOUT.ORDER.APPROVED", { purchase_units: [] }],
    ["PAYMENT.CAPTURE.COMPLETED", { ...capture, invoice_id: undefined }],
    ["PAYMENT.CAPTURE.REFUNDED", { ...refund, invoice_id: undefined }],
    ["PAYMENT.CAPTURE.REVERSED", capture],
    ["PAYMENT.SALE.COMPLETED", capture],
    ["BILLING.SUBSCRIPTION.CREATED", {}],
    ["constructor", {}],
  ])("is nothing to us: %s %#", async (type, resource) => {
    expect((await read(type, resource)).kind).toBe("ignored");
  });

  it.each([
    ["CHECKOUT.ORDER.APPROVED", { purchase_units: [{ ...unit, payee: { merchant_id: stranger } }] }],
    ["PAYMENT.CAPTURE.PENDING", { ...capture, payee: { merchant_id: stranger } }],
    ["PAYMENT.CAPTURE.REFUNDED", { ...refund, payer: { merchant_id: stranger } }],
    [
      "CUSTOMER.DISPUTE.CREATED",
      {
        ...dispute,
        disputed_transactions: [{ ...dispute.disputed_transactions[0], seller: { merchant_id: stranger } }],
      },
    ],
    ["PAYMENT.CAPTURE.COMPLETED", { ...capture, amount: { currency_code: "USD", value: "12,34" } }],
    ["PAYMENT.CAPTURE.COMPLETED", { ...capture, id: undefined }],
    ["PAYMENT.CAPTURE.REFUNDED", { ...refund, amount: undefined }],
    ["CUSTOMER.DISPUTE.CREATED", { ...dispute, dispute_amount: undefined }],
    ["CUSTOMER.DISPUTE.CREATED", { ...dispute, disputed_transactions: [] }],
  ])("is refused when it is another's or incomplete: %s %#", async (type, resource) => {
    expect((await read(type, resource)).kind).toBe("rejected");
  });
});

describe("what is said about a refund", () => {
  it.each([
    ["PAYMENT.CAPTURE.REFUNDED", "COMPLETED", "succeeded"],
    ["PAYMENT.REFUND.PENDING", "PENDING", "pending"],
    ["PAYMENT.REFUND.FAILED", "FAILED", "failed"],
    // Its event says less than its state.
    ["PAYMENT.CAPTURE.REFUNDED", "PENDING", "pending"],
    ["PAYMENT.CAPTURE.REFUNDED", "SOMETHING_NEW", "unknown"],
  ])("in %s and the state %s is that it is %s", async (type, status, kind) => {
    expect(await read(type, { ...refund, status })).toMatchObject({
      kind: "refund",
      owner,
      refund: { refund_no: serial_no, channel_refund_no: refund.id, amount: { amount: 1_234n, currency: "USD" } },
      outcome: { kind },
    });
  });
});

describe("what is said about a dispute", () => {
  it.each([
    ["OPEN", undefined, "needs_response"],
    ["WAITING_FOR_SELLER_RESPONSE", undefined, "needs_response"],
    ["WAITING_FOR_BUYER_RESPONSE", undefined, "under_review"],
    ["UNDER_REVIEW", undefined, "under_review"],
    ["OTHER", undefined, "under_review"],
    ["SOMETHING_NEW", undefined, "under_review"],
    ["RESOLVED", "RESOLVED_SELLER_FAVOUR", "won"],
    ["RESOLVED", "DENIED", "won"],
    ["RESOLVED", "RESOLVED_BUYER_FAVOUR", "lost"],
    ["RESOLVED", "ACCEPTED", "lost"],
    ["RESOLVED", "RESOLVED_WITH_PAYOUT", "closed"],
    ["RESOLVED", "CANCELED_BY_BUYER", "closed"],
    ["RESOLVED", undefined, "closed"],
  ])("that is %s with %s is that it is %s", async (status, outcome_code, expected) => {
    const resource = { ...dispute, status, ...(outcome_code && { dispute_outcome: { outcome_code } }) };
    expect(await read("CUSTOMER.DISPUTE.UPDATED", resource)).toMatchObject({
      kind: "dispute",
      owner,
      dispute: { channel_dispute_no: "PP-D-1234", serial_no, status: expected, stated_at: Date.UTC(2026, 10, 20, 8) },
    });
  });
});
