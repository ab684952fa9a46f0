/**
 * Guarantee: a payment by PayPal goes the whole way, from the payer's approval over the capture to the books and back as a
 * refund; whatever is lost on the way is found again; and nobody is charged for a payment that has ended.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { addPaypal } from "../platform/paypal.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

const S = 1000;
const MINUTE = 60 * S;
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ channel_timeout_ms: 2_000 });
  await addPaypal(platform);
}, 60_000);
afterEach(async () => {
  await platform.sandbox.clearFaults();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

const order = (more: object = {}) => ({
  ...{ out_trade_no: nextNumber("paypal"), amount: 1234, currency: "USD", subject: "A cup of tea 一杯茶" },
  ...{ method: "paypal.checkout", return_url: "https://shop.example/done?order=1", expires_in: 900 },
  notify_url: platform.receiver.url,
  ...more,
});
const create = (more: object = {}): Promise<Json> => platform.post("/v1/payments", order(more));
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);
const statusOf = async (payment: Json): Promise<string> => (await read(payment)).status;
const approve = ({ action }: Json, options?: object) => platform.sandbox.pay(action.url, options);
const close = (payment: Json): Promise<Json> => platform.post(`/v1/payments/${payment.id}/close`, {});
const eventsAbout = (payment: Json) => platform.receiver.about(payment.id).map(({ type }) => type);
const fault = (operation: string, name: string, options?: object) =>
  platform.sandbox.fault("paypal", operation, name, options);
/** What PayPal has of the attempt. */
const atPaypal = ({ serial_no }: Json): Promise<Json> => platform.sandbox.trade(serial_no);
const toldOf = async ({ serial_no }: Json) =>
  (await platform.sandbox.notices(serial_no)).map(({ event, accepted }) => [event, accepted]);

/** Captures the attempt's order beside the platform, with the account's own credentials, and tells of it. */
async function captureAtPaypal(payment: Json): Promise<void> {
  const { order_id, merchant } = await atPaypal(payment);
  const { data } = await platform.sandbox.request("GET", "/control/merchants");
  const { client_id, client_secret } = data.find((item: Json) => item.client_id === merchant);
  const post = async (path: string, authorization: string, type: string, body: string): Promise<Json> => {
    const headers = { authorization, "content-type": type };
    return (await fetch(`${platform.sandbox.url}${path}`, { method: "POST", headers, body })).json();
  };
  const basic = `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString("base64")}`;
  const form = "application/x-www-form-urlencoded";
  const { access_token } = await post("/v1/oauth2/token", basic, form, "grant_type=client_credentials");
  const path = `/v2/checkout/orders/${order_id}/capture`;
  expect(await post(path, `Bearer ${access_token}`, "application/json", "")).toMatchObject({ status: "COMPLETED" });
  await platform.sandbox.replay(payment.serial_no);
}

async function payInFull(more: object = {}): Promise<Json> {
  const payment = await create(more);
  await approve(payment);
  await platform.settle();
  return read(payment);
}

describe("a payment by PayPal", () => {
  test("goes from the approval over the capture to the books, and back by a refund", async () => {
    const payment = await create();
    expect(payment).toMatchObject({ status: "processing", channel: "paypal", action: { type: "redirect" } });
    const clicked = await fetch(`${platform.sandbox.url}/wallet/decide`, {
      method: "POST",
      body: new URLSearchParams({ code: payment.action.url, outcome: "success" }),
      redirect: "manual",
    });
    const back = new URL(clicked.headers.get("location")!);
    expect([back.origin, back.searchParams.get("order")]).toEqual(["https://shop.example", "1"]);
    expect(await statusOf(payment)).toBe("processing");
    await platform.settle();
    const { capture, transaction_id } = await atPaypal(payment);
    expect(capture).toBe("COMPLETED");
    expect(await read(payment)).toMatchObject({ status: "succeeded", channel_trade_no: transaction_id });
    expect(await toldOf(payment)).toEqual([
      ["CHECKOUT.ORDER.APPROVED", true],
      ["PAYMENT.CAPTURE.COMPLETED", true],
    ]);
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
    const { id } = await platform.post("/v1/refunds", {
      ...{ payment: payment.id, out_refund_no: nextNumber("refund"), amount: 234, reason: "too cold" },
    });
    await platform.settle();
    expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded", amount: 234 });
    expect(await read(payment)).toMatchObject({ amount_refunded: 234 });
    expect((await toldOf(payment)).at(-1)).toEqual(["PAYMENT.CAPTURE.REFUNDED", true]);
  });

  test.each([
    ["JPY", 500],
    ["TWD", 50_000],
  ])("is the same money everywhere in %s", async (currency, amount) => {
    const payment = await payInFull({ currency, amount });
    expect(payment).toMatchObject({ status: "succeeded", currency, amount });
    await platform.post("/v1/refunds", { payment: payment.id, out_refund_no: nextNumber("refund"), amount });
    await platform.settle();
    expect(await read(payment)).toMatchObject({ amount_refunded: amount });
  });

  test("fails at once where PayPal could never take the amount", async () => {
    expect(await create({ currency: "TWD", amount: 50_050 })).toMatchObject({
      status: "failed",
      failure: { code: "DECIMALS_NOT_SUPPORTED" },
    });
  });

  test("is open again after a declined instrument, and paid by the next", async () => {
    const payment = await create();
    await approve(payment, { outcome: "fail" });
    await platform.settle();
    expect(await statusOf(payment)).toBe("processing");
    await approve(payment);
    await platform.settle();
    expect(await statusOf(payment)).toBe("succeeded");
  });
});

describe("the cashier", () => {
  const pc =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36";
  const headers = { "user-agent": pc, "accept-language": "en" };
  const open = async (url: string) => (await fetch(url, { headers })).text();
  const decide = async (address: string, outcome: string) => {
    const body = new URLSearchParams({ code: address, outcome });
    const answer = await fetch(`${platform.sandbox.url}/wallet/decide`, { method: "POST", body, redirect: "manual" });
    return answer.headers.get("location")!;
  };

  test("leads to PayPal and back, whether the payer leaves or approves", async () => {
    const payment = await create({ method: "cashier" });
    const page = await open(payment.cashier_url);
    expect(page).toContain('value="paypal.checkout"');
    const action = /<form method="post" action="([^"]+)"/.exec(page)![1]!;
    const chosen = await fetch(new URL(action, platform.public_url), {
      method: "POST",
      body: new URLSearchParams({ method: "paypal.checkout" }),
      headers: { ...headers, origin: platform.public_url },
    });
    const address = /data-handoff href="([^"]+)"/.exec(await chosen.text())![1]!;
    expect(await open(address)).toContain("USD 12.34");
    const left = await decide(address, "leave");
    expect(new URL(left).origin).toBe(platform.public_url);
    expect(await open(left)).toContain("Not paid yet: continue");
    const returned = await decide(address, "success");
    expect(new URL(returned).origin).toBe(platform.public_url);
    await platform.settle();
    expect(await open(returned)).toContain("Payment successful");
  });

  test("asks at once when the payer is back before the webhook", async () => {
    const payment = await create({ method: "cashier" });
    const attempt = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "paypal.checkout" });
    await platform.sandbox.pay(attempt.action.url, { notify: false });
    await platform.settle();
    expect(await statusOf(payment)).toBe("processing");
    await open(`${payment.cashier_url}?view=1&token=5O190127TN364715T&PayerID=QYR5Z8XDVJNXQ`);
    await platform.settle();
    expect(await statusOf(payment)).toBe("succeeded");
  });
});

describe("what is lost on the way", () => {
  test("the approval's webhook: the schedule of questions captures", async () => {
    const payment = await create();
    await approve(payment, { notify: false });
    await platform.settle();
    expect(await statusOf(payment)).toBe("processing");
    await platform.advance(30 * S);
    expect(await statusOf(payment)).toBe("succeeded");
  });

  test("the webhook that comes after the question changes nothing", async () => {
    const payment = await create();
    await fault("notice", "notice_late", { delay_ms: 10 * MINUTE });
    await approve(payment);
    await platform.advance(30 * S);
    expect(await statusOf(payment)).toBe("succeeded");
    await platform.advance(10 * MINUTE);
    expect((await toldOf(payment)).map(([event]) => event)).toContain("CHECKOUT.ORDER.APPROVED");
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });

  test.each(["timeout_after", "timeout_before"])("the capture's answer (%s)", async (name) => {
    const payment = await create();
    await fault("capture", name);
    await approve(payment);
    await platform.settle();
    await platform.advance(MINUTE);
    expect(await statusOf(payment)).toBe("succeeded");
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
    expect((await atPaypal(payment)).capture).toBe("COMPLETED");
  });

  test("the order's answer: the same payment again gets the same order, and nobody could pay it before", async () => {
    await fault("pay", "timeout_after");
    const asked = order();
    const lost = await platform.post("/v1/payments", asked);
    expect(lost).toMatchObject({ status: "processing", action: { type: "none" } });
    const again = await platform.post("/v1/payments", asked);
    expect(again).toMatchObject({ id: lost.id, serial_no: lost.serial_no, action: { type: "redirect" } });
    await approve(again);
    await platform.settle();
    expect(await statusOf(again)).toBe("succeeded");
  });

  test("the refund's answer: it is found with its order, and given once", async () => {
    const payment = await payInFull();
    await fault("refund", "timeout_after");
    const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 1000 };
    const { id } = await platform.post("/v1/refunds", refund);
    await platform.advance(MINUTE);
    expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded" });
    expect((await atPaypal(payment)).refunds).toHaveLength(1);
  });

  test.each([
    "notice_duplicate",
    "notice_bad_signature",
    "notice_tampered",
    "notice_wrong_amount",
    "notice_wrong_merchant",
  ])("a webhook that is a %s books nothing twice and nothing wrong", async (name) => {
    const payment = await create();
    await fault("notice", name, { times: 2 });
    await approve(payment);
    await platform.advance(10 * MINUTE);
    expect(await read(payment)).toMatchObject({ status: "succeeded", amount: 1234 });
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });
});

describe("nobody is charged", () => {
  test("who approves after the payment was closed", async () => {
    const payment = await create();
    expect(await close(payment)).toMatchObject({ status: "closed" });
    await approve(payment);
    await platform.advance(10 * MINUTE);
    expect(await atPaypal(payment)).toMatchObject({ state: "APPROVED" });
    expect(await statusOf(payment)).toBe("closed");
    expect(await toldOf(payment)).toEqual([["CHECKOUT.ORDER.APPROVED", true]]);
  });

  test("who approves after the payment has expired", async () => {
    const payment = await create();
    await platform.advance(901 * S);
    expect(await statusOf(payment)).toBe("closed");
    await approve(payment);
    await platform.advance(10 * MINUTE);
    expect(await atPaypal(payment)).toMatchObject({ state: "APPROVED" });
    expect(await statusOf(payment)).toBe("closed");
  });

  test("whose approval the merchant's close overtook", async () => {
    const payment = await create();
    await approve(payment, { notify: false });
    expect(await close(payment)).toMatchObject({ status: "closed" });
    await platform.advance(10 * MINUTE);
    expect(await atPaypal(payment)).toMatchObject({ state: "APPROVED" });
  });

  test("who has paid otherwise in the meantime", async () => {
    const payment = await create({ method: "cashier", currency: "CNY" });
    const attempt = (method: string): Promise<Json> => platform.post(`/v1/payments/${payment.id}/attempts`, { method });
    const first = await attempt("paypal.checkout");
    const second = await attempt("wechat.native");
    await platform.sandbox.pay(second.action.qr_code);
    await platform.settle();
    await platform.sandbox.pay(first.action.url);
    await platform.advance(10 * MINUTE);
    expect(await platform.sandbox.trade(first.serial_no)).toMatchObject({ state: "APPROVED" });
    expect(await read(payment)).toMatchObject({ status: "succeeded", serial_no: second.serial_no });
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });

  test("but who was charged by a capture that was under way while the payment ended has paid", async () => {
    const payment = await create();
    await approve(payment, { notify: false });
    expect(await close(payment)).toMatchObject({ status: "closed" });
    // What a process that died had sent arrives only now.
    await captureAtPaypal(payment);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded" });
    expect(eventsAbout(payment)).toEqual(["payment.closed", "payment.succeeded"]);
  });
});

describe("a capture that PayPal holds back", () => {
  test.each([
    ["success", "succeeded", ["payment.succeeded"]],
    ["fail", "failed", ["payment.failed"]],
  ])("keeps the payment open past its expiry, and ends in %s", async (outcome, status, events) => {
    const payment = await create();
    await fault("capture", "capture_pending");
    await approve(payment);
    await platform.settle();
    await platform.advance(20 * MINUTE);
    expect(await statusOf(payment)).toBe("processing");
    expect(await close(payment)).toMatchObject({ status: "processing" });
    await approve(payment, { outcome });
    await platform.advance(70 * MINUTE);
    expect(await statusOf(payment)).toBe(status);
    expect(eventsAbout(payment)).toEqual(events);
  });
});

describe("a dispute", () => {
  test("is recorded with its payment, moves on, and is told each time", async () => {
    const payment = await payInFull();
    const dispute = (move: string) =>
      platform.sandbox.request("POST", "/control/disputes", { trade: payment.channel_trade_no, move });
    await dispute("open");
    await platform.settle();
    const list = async (): Promise<Json[]> => (await platform.get(`/v1/disputes?payment=${payment.id}`)).data;
    expect(await list()).toEqual([
      expect.objectContaining({ status: "needs_response", amount: 1234, currency: "USD" }),
    ]);
    await platform.advance(2 * S);
    await dispute("lose");
    await platform.settle();
    expect(await list()).toEqual([expect.objectContaining({ status: "lost" })]);
  });
});
