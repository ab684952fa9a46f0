/**
 * Guarantee: PayPal's webhooks of the sandbox are signed as PayPal describes it, tell of each step once it has happened, are
 * told again for three days, and survive a restart.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CheckoutPaymentIntent } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makePaypalMerchant, type PaypalMerchantUnderTest, verifyWebhook } from "../testing/paypal-client.ts";
import { paypal_schedule_s } from "./notice.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: PaypalMerchantUnderTest;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver({ status: 200, body: "" });
  merchant = await makePaypalMerchant(sandbox, { webhook_url: `${receiver.url}/paypal` });
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  receiver.clear();
  receiver.reply = { status: 200, body: "" };
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

async function create(app = merchant, invoiceId = "ORDER-1"): Promise<Json> {
  const body = {
    intent: CheckoutPaymentIntent.Capture,
    purchaseUnits: [{ amount: { currencyCode: "USD", value: "12.34" }, invoiceId, customId: "owner" }],
  };
  return (await app.orders.createOrder({ body, prefer: "return=representation" })).result;
}

async function payInFull(): Promise<{ id: string; captureId: string }> {
  const { id } = await create();
  await sandbox.control("/pay", { code: id });
  await receiver.until(1);
  const { result }: Json = await merchant.orders.captureOrder({ id, prefer: "return=representation" });
  await receiver.until(2);
  return { id, captureId: result.purchaseUnits[0].payments.captures[0].id };
}

/** The types of the events that came, each verified. */
async function told(): Promise<Json[]> {
  return Promise.all(receiver.received.map((message) => verifyWebhook(merchant, message)));
}

describe("webhooks", () => {
  it("tell of approval, capture and refund, signed", async () => {
    const { id, captureId } = await payInFull();
    const body = { amount: { currencyCode: "USD", value: "1.00" }, invoiceId: "REFUND-1", customId: "owner" };
    await merchant.payments.refundCapturedPayment({ captureId, body });
    await receiver.until(3);
    const numbers = { custom_id: "owner", invoice_id: "ORDER-1" };
    expect(await told()).toMatchObject([
      {
        event_type: "CHECKOUT.ORDER.APPROVED",
        resource_type: "checkout-order",
        resource: { id, status: "APPROVED", purchase_units: [numbers] },
      },
      {
        event_type: "PAYMENT.CAPTURE.COMPLETED",
        resource_type: "capture",
        resource: {
          ...numbers,
          id: captureId,
          status: "COMPLETED",
          supplementary_data: { related_ids: { order_id: id } },
          payee: { merchant_id: merchant.merchant_id },
        },
      },
      {
        event_type: "PAYMENT.CAPTURE.REFUNDED",
        resource_type: "refund",
        resource: { invoice_id: "REFUND-1", custom_id: "owner", amount: { value: "1.00" }, status: "COMPLETED" },
      },
    ]);
  });

  it("do not verify when they are spoilt", async () => {
    await payInFull();
    receiver.clear();
    for (const mutate of ["notice_tampered", "notice_bad_signature", "notice_rewritten"]) {
      await sandbox.control("/notices/replay", { trade: "ORDER-1", mutate });
    }
    expect(receiver.received).toHaveLength(6);
    for (const message of receiver.received)
      await expect(verifyWebhook(merchant, message)).rejects.toThrow("signature");
  });

  it("come from a new certificate after a rotation, and the old one stays where it was", async () => {
    await payInFull();
    const [before] = receiver.received;
    await sandbox.control("/keys/rotate", { channel: "paypal", merchant: merchant.client_id });
    receiver.clear();
    await sandbox.control("/notices/replay", { trade: "ORDER-1" });
    const [after] = receiver.received;
    expect(after?.headers["paypal-cert-url"]).not.toBe(before?.headers["paypal-cert-url"]);
    await expect(verifyWebhook(merchant, before!)).resolves.toMatchObject({ event_version: "1.0" });
    await expect(verifyWebhook(merchant, after!)).resolves.toMatchObject({ event_version: "1.0" });
    merchant = await makePaypalMerchant(sandbox, { client_id: merchant.client_id });
  });

  it("are tried 25 times in three days, and no more", async () => {
    expect(paypal_schedule_s).toHaveLength(24);
    receiver.reply = { status: 500, body: "" };
    await sandbox.control("/pay", { code: (await create()).id });
    await receiver.until(1);
    await sandbox.control("/clock", { advance: 3 * 86_400 });
    expect(receiver.received).toHaveLength(25);
    await sandbox.control("/clock", { advance: 7 * 86_400 });
    expect(receiver.received).toHaveLength(25);
  });

  it("tell of a dispute, its moves and its end", async () => {
    const { captureId } = await payInFull();
    receiver.clear();
    await sandbox.control("/disputes", { trade: captureId, reason: "UNAUTHORISED" });
    await sandbox.control("/disputes", { trade: captureId, move: "answer" });
    await sandbox.control("/disputes", { trade: captureId, move: "lose" });
    await receiver.until(3);
    const events = (await told()).map(({ event_type, resource }) => [event_type, resource.status]);
    expect(events.sort()).toEqual([
      ["CUSTOMER.DISPUTE.CREATED", "OPEN"],
      ["CUSTOMER.DISPUTE.RESOLVED", "RESOLVED"],
      ["CUSTOMER.DISPUTE.UPDATED", "UNDER_REVIEW"],
    ]);
    await expect(sandbox.control("/disputes", { trade: captureId, move: "win" })).rejects.toThrow("409");
  });

  it("go to every address that the app has registered over the API", async () => {
    const app = await makePaypalMerchant(sandbox);
    await create(app, "FIRST");
    const token = app.exchanges.find(({ path }: Json) => path === "/v1/oauth2/token")?.body.access_token;
    const headers = { authorization: `Bearer ${token}` };
    const made = await app.call("POST", "/v1/notifications/webhooks", { url: `${receiver.url}/second` }, headers);
    expect(made).toMatchObject({ status: 201, body: { url: `${receiver.url}/second` } });
    await sandbox.control("/pay", { code: (await create(app, "SECOND")).id });
    const [message] = await receiver.until(1);
    expect(message?.path).toBe("/second");
    await verifyWebhook({ ...app, webhook_id: made.body.id }, message!);
  });
});

describe("memory", () => {
  it("keeps apps, orders, refunds, disputes, keys and undelivered webhooks over a restart", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sandbox-paypal-"));
    const dataFile = join(folder, "sandbox.json");
    const first = await startTestSandbox({ dataFile });
    receiver.reply = { status: 500, body: "" };
    const app = await makePaypalMerchant(first, { webhook_url: `${receiver.url}/paypal` });
    const { id } = await create(app);
    await first.control("/pay", { code: id });
    await receiver.until(1);
    const { result }: Json = await app.orders.captureOrder({ id, prefer: "return=representation" });
    const captureId = result.purchaseUnits[0].payments.captures[0].id;
    await app.payments.refundCapturedPayment({ captureId, body: { invoiceId: "REFUND-1" } });
    await first.control("/disputes", { trade: captureId });
    const before = await first.control(`/trades/${id}`);
    await first.close();
    receiver.clear();
    receiver.reply = { status: 200, body: "" };
    const second = await startTestSandbox({ dataFile });
    const { notices: _, ...facts } = before;
    expect(await second.control(`/trades/${captureId}`)).toMatchObject(facts);
    await second.control("/clock", { advance: 61 });
    expect(receiver.received.length).toBeGreaterThan(0);
    for (const message of receiver.received) await verifyWebhook({ ...app, base_url: second.url }, message);
    await second.close();
    await rm(folder, { recursive: true });
  });
});
