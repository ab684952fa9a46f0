// Guarantee: every way of paying by UnionPay goes the whole way through the platform: order, payer, notice or query,
// books, refund; and, as UnionPay closes no order, an unpaid one ends at its own expiry and whoever paid is believed.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nextNumber } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";
import { addUnionpay } from "../platform/unionpay.ts";

const S = 1000;
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
  await addUnionpay(platform);
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const create = (method: string, more: object = {}): Promise<Json> =>
  platform.post("/v1/payments", {
    out_trade_no: nextNumber(),
    amount: 1234,
    currency: "CNY",
    subject: "一杯咖啡 A cup of coffee",
    method,
    expires_in: 600,
    notify_url: platform.receiver.url,
    return_url: "https://shop.example/back",
    ...more,
  });
const read = (payment: Json): Promise<Json> => platform.get(`/v1/payments/${payment.id}`);
const eventsAbout = (payment: Json) => platform.receiver.about(payment.id).map(({ type }) => type);
const pay = ({ action }: Json, options?: object) => {
  const form = action.fields && `${action.url}?${new URLSearchParams(action.fields)}`;
  return platform.sandbox.pay(action.qr_code ?? form ?? action.parameters.tn, options);
};
const refund = (payment: Json, amount: number): Promise<Json> =>
  platform.post("/v1/refunds", { payment: payment.id, out_refund_no: nextNumber("refund"), amount });

describe("each way of paying", () => {
  test.each([
    ["unionpay.qr", { type: "qr_code", qr_code: expect.stringContaining("https://qr.95516.com/") }],
    ["unionpay.web", { type: "form", url: expect.stringMatching(/frontTransReq\.do$/), fields: expect.any(Object) }],
    ["unionpay.app", { type: "app", parameters: { tn: expect.stringMatching(/^\d{21}$/) } }],
  ])("%s is paid, told by notice, and refunded in part", async (method, action) => {
    const payment = await create(method);
    expect(payment).toMatchObject({ status: "processing", channel: "unionpay", action });
    const { transaction_id } = await pay(payment);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", channel_trade_no: transaction_id });
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
    const { id } = await refund(payment, 34);
    await platform.settle();
    expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded", amount: 34 });
    expect(await read(payment)).toMatchObject({ amount_refunded: 34 });
  });

  test("unionpay.jsapi is paid by the payer whom UnionPay's app named", async () => {
    const back = "https://shop.example/back";
    const query = new URLSearchParams({ version: "1.0.0", redirectUrl: back });
    const left = await fetch(`${platform.sandbox.url}/qrcGtwWeb-web/api/userAuth?${query}`, { redirect: "manual" });
    const code = new URL(left.headers.get("location")!).searchParams.get("userAuthCode");
    const { user_id } = await platform.post("/v1/payer_identities", { method: "unionpay.jsapi", code });
    const payment = await create("unionpay.jsapi", { payer: { user_id } });
    expect(payment).toMatchObject({ status: "processing", action: { type: "redirect" } });
    await platform.sandbox.pay(payment.action.url);
    await platform.settle();
    expect((await read(payment)).status).toBe("succeeded");
    await expect(create("unionpay.jsapi")).rejects.toThrow("payer.user_id");
  });

  test("a lost notice is made good by the query", async () => {
    const payment = await create("unionpay.qr");
    await pay(payment, { notify: false });
    await platform.advance(30 * S);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("a declined try leaves the payment open for another", async () => {
    const payment = await create("unionpay.qr");
    await pay(payment, { outcome: "fail" });
    await platform.advance(30 * S);
    expect((await read(payment)).status).toBe("processing");
    await pay(payment);
    await platform.settle();
    expect((await read(payment)).status).toBe("succeeded");
  });
});

describe("without a close", () => {
  const close = (payment: Json): Promise<Json> => platform.post(`/v1/payments/${payment.id}/close`, {});

  test("an unpaid payment closes when the order itself has expired, not sooner", async () => {
    const payment = await create("unionpay.qr");
    await pay(payment, { outcome: "fail" });
    expect(await close(payment)).toMatchObject({ status: "processing", closing: true });
    await platform.advance(300 * S);
    expect(await read(payment)).toMatchObject({ status: "processing", closing: true });
    // Closing is looked at again within the hour that the schedule of questions has reached by then.
    await platform.advance(3_600 * S);
    expect((await read(payment)).status).toBe("closed");
    await expect(pay(payment)).rejects.toThrow("409");
    expect(eventsAbout(payment)).toEqual(["payment.closed"]);
  });

  test("an order that nobody opened closes at its expiry", async () => {
    const payment = await create("unionpay.web");
    await platform.advance(601 * S);
    expect((await read(payment)).status).toBe("closed");
  });

  test("a payer who pays while the merchant waits for the close has paid", async () => {
    const payment = await create("unionpay.app");
    await close(payment);
    await pay(payment);
    await platform.settle();
    expect(await read(payment)).toMatchObject({ status: "succeeded", closing: false });
  });

  test("the second of two ways that were both paid goes back to the payer", async () => {
    const payment = await create("cashier");
    const attempt = (method: string): Promise<Json> => platform.post(`/v1/payments/${payment.id}/attempts`, { method });
    const [first, second] = [await attempt("unionpay.qr"), await attempt("wechat.native")];
    await pay(second);
    await platform.settle();
    await pay(first);
    await platform.settle();
    const { refunds } = await platform.sandbox.trade(first.serial_no);
    expect(refunds).toMatchObject([{ amount: 1234, status: "done" }]);
    expect(await read(payment)).toMatchObject({ status: "succeeded", amount_refunded: 0 });
  });
});

describe("bad luck", () => {
  test("a refund whose answer is lost is found by its own number, and made once", async () => {
    const payment = await create("unionpay.qr");
    await pay(payment);
    await platform.settle();
    await platform.sandbox.fault("unionpay", "refund", "timeout_after");
    const { id } = await refund(payment, 1234);
    await platform.advance(60 * S);
    expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded" });
    const { serial_no } = await read(payment);
    expect((await platform.sandbox.trade(serial_no)).refunds).toHaveLength(1);
  });

  test.each(["notice_bad_signature", "notice_wrong_amount", "notice_wrong_merchant"])(
    "a %s moves nothing; the next true one does",
    async (fault) => {
      const payment = await create("unionpay.qr");
      await platform.sandbox.fault("unionpay", "notice", fault);
      await pay(payment);
      await platform.settle();
      expect((await read(payment)).status).toBe("succeeded");
      const tries = await platform.sandbox.notices(payment.serial_no);
      expect(tries[0]).toMatchObject({ fault, accepted: false });
    },
  );

  test.each([
    "notice_lost",
    "notice_late",
    "notice_duplicate",
    "notice_reordered",
    "notice_tampered",
    "notice_rewritten",
  ])("a %s and the refund after it are booked once", async (fault) => {
    const payment = await create("unionpay.qr");
    await platform.sandbox.fault("unionpay", "notice", fault);
    await pay(payment);
    await platform.advance(30 * S);
    expect((await read(payment)).status).toBe("succeeded");
    const { id } = await refund(payment, 34);
    await platform.advance(30 * S);
    expect(await platform.get(`/v1/refunds/${id}`)).toMatchObject({ status: "succeeded" });
    await platform.advance(600 * S);
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
    expect(await read(payment)).toMatchObject({ amount_refunded: 34 });
  });
});

describe("a shown code", () => {
  const charge = async (behaviour: string, method = "unionpay.barcode"): Promise<Json> => {
    const drawn = await platform.sandbox.request("POST", "/control/auth_codes", { channel: "unionpay", behaviour });
    return create(method, { payer: { auth_code: drawn.auth_code } });
  };

  test.each(["unionpay.barcode", "auto.barcode"])("%s is accepted, then paid", async (method) => {
    const payment = await charge("success", method);
    expect(payment).toMatchObject({ channel: "unionpay", action: { type: "none" } });
    await platform.settle();
    expect((await read(payment)).status).toBe("succeeded");
    expect(eventsAbout(payment)).toEqual(["payment.succeeded"]);
  });

  test("whose payer confirms is found paid by the next question", async () => {
    const payment = await charge("confirm");
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("processing");
    await platform.sandbox.pay(payment.serial_no, { notify: false });
    await platform.advance(5 * S);
    expect((await read(payment)).status).toBe("succeeded");
  });

  test("whose payer walks away is reversed", async () => {
    const payment = await charge("confirm");
    for (let step = 0; step < 12; step += 1) await platform.advance(5 * S);
    expect(["closed", "failed"]).toContain((await read(payment)).status);
    await expect(platform.sandbox.pay(payment.serial_no)).rejects.toThrow("409");
  });

  test("whose bank says no has failed, in the channel's words", async () => {
    const payment = await charge("not_enough");
    expect(payment).toMatchObject({ status: "failed", failure: { code: "64" } });
  });
});
