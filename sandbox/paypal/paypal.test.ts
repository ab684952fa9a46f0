/**
 * Guarantee: the sandbox speaks PayPal's REST API at the wire, as PayPal's own SDK understands it: tokens that end, orders
 * that are approved before they are captured, refunds that never exceed a capture, and requests that are harmless to repeat.
 */
import { CheckoutPaymentIntent, PaypalExperienceUserAction } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makePaypalMerchant, type PaypalMerchantUnderTest } from "../testing/paypal-client.ts";

let sandbox: TestSandbox;
let merchant: PaypalMerchantUnderTest;
let last = 0;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makePaypalMerchant(sandbox);
});
beforeEach(() => sandbox.control("/reset", {}));
afterAll(() => sandbox.close());

/** Moves the clock, and gives the SDK a token of the new time: it looks at the machine's clock only. */
async function pass(advance: number): Promise<void> {
  await sandbox.control("/clock", { advance });
  merchant = await makePaypalMerchant(sandbox, { client_id: merchant.client_id });
}

const whole = "return=representation";

function orderOf(changes: Json = {}): Json {
  last += 1;
  return {
    intent: CheckoutPaymentIntent.Capture,
    purchaseUnits: [{ amount: { currencyCode: "USD", value: "12.34" }, invoiceId: `ORDER-${last}`, ...changes }],
    paymentSource: {
      paypal: {
        experienceContext: {
          returnUrl: "https://shop.example/done?a=1",
          cancelUrl: "https://shop.example/left",
          userAction: PaypalExperienceUserAction.PayNow,
        },
      },
    },
  };
}

const create = async (body: Json = orderOf(), paypalRequestId = `request-${last}`) =>
  (await merchant.orders.createOrder({ body, paypalRequestId, prefer: whole })).result;
const capture = async (id: string, paypalRequestId = `capture-${id}`) =>
  (await merchant.orders.captureOrder({ id, paypalRequestId, prefer: whole })).result;
const get = async (id: string) => (await merchant.orders.getOrder({ id })).result;

/** The issue of the refusal that a call must meet. */
async function refusal(work: Promise<unknown>): Promise<string> {
  const error: Json = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) throw new Error("a refusal was expected");
  return `${error.statusCode} ${error.result?.details?.[0]?.issue ?? error.result?.name ?? error.result?.error}`;
}

async function payInFull(changes: Json = {}): Promise<{ order: Json; captureId: string }> {
  const created = await create(orderOf(changes));
  await sandbox.control("/pay", { code: created.id });
  const order: Json = await capture(created.id!);
  return { order, captureId: order.purchaseUnits[0].payments.captures[0].id };
}

describe("tokens", () => {
  it("are given for the app's credentials only, the same one while it is good", async () => {
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const good = basic(`${merchant.client_id}:${merchant.client_secret}`);
    const [first, again] = [await merchant.oauth.requestToken(good), await merchant.oauth.requestToken(good)];
    expect(first.result).toMatchObject({ tokenType: "Bearer", expiresIn: 32_400n });
    expect(again.result.accessToken).toBe(first.result.accessToken);
    expect(await refusal(merchant.oauth.requestToken(basic(`${merchant.client_id}:wrong`)))).toBe("401 invalid_client");
  });

  it("end after nine hours", async () => {
    const held = await merchant.oauth.requestToken({
      authorization: `Basic ${Buffer.from(`${merchant.client_id}:${merchant.client_secret}`).toString("base64")}`,
    });
    const ask = () =>
      merchant.call("GET", "/v2/checkout/orders/X", undefined, { authorization: `Bearer ${held.result.accessToken}` });
    expect((await ask()).status).toBe(404);
    await sandbox.control("/clock", { advance: 32_401 });
    expect(await ask()).toMatchObject({ status: 401, body: { error: "invalid_token" } });
    expect(await merchant.call("GET", "/v2/checkout/orders/X")).toMatchObject({
      status: 401,
      body: { name: "AUTHENTICATION_FAILURE", debug_id: expect.any(String) },
    });
  });
});

describe("orders", () => {
  it("are approved by their payer on PayPal's page, then captured, and go back to the merchant", async () => {
    const created: Json = await create(orderOf({ customId: "owner", description: "tea" }));
    expect(created).toMatchObject({ status: "PAYER_ACTION_REQUIRED", purchaseUnits: [{ referenceId: "default" }] });
    const link = created.links.find(({ rel }: Json) => rel === "payer-action").href;
    expect(await refusal(capture(created.id, "too-soon"))).toBe("422 ORDER_NOT_APPROVED");
    const page = await fetch(link);
    expect(await page.text()).toContain("USD ");
    const clicked = await fetch(`${sandbox.url}/wallet/decide`, {
      method: "POST",
      body: new URLSearchParams({ code: created.id, outcome: "success" }),
      redirect: "manual",
    });
    const back = new URL(clicked.headers.get("location") ?? "");
    expect([back.origin, back.searchParams.get("a"), back.searchParams.get("token")]).toEqual([
      "https://shop.example",
      "1",
      created.id,
    ]);
    const approved: Json = await get(created.id);
    expect(approved).toMatchObject({ status: "APPROVED", payer: { payerId: back.searchParams.get("PayerID") } });
    expect(await capture(created.id)).toMatchObject({
      status: "COMPLETED",
      purchaseUnits: [
        {
          payee: { merchantId: merchant.merchant_id },
          payments: {
            captures: [
              {
                status: "COMPLETED",
                amount: { currencyCode: "USD", value: "12.34" },
                invoiceId: `ORDER-${last}`,
                customId: "owner",
                sellerReceivableBreakdown: {
                  paypalFee: { currencyCode: "USD", value: "0.92" },
                  netAmount: { currencyCode: "USD", value: "11.42" },
                },
              },
            ],
          },
        },
      ],
    });
  });

  it("are left by a payer who cancels, and can be approved later", async () => {
    const created = await create();
    const left = await fetch(`${sandbox.url}/wallet/decide`, {
      method: "POST",
      body: new URLSearchParams({ code: created.id!, outcome: "leave" }),
      redirect: "manual",
    });
    expect(left.headers.get("location")).toBe(`https://shop.example/left?token=${created.id}`);
    await sandbox.control("/pay", { code: created.id });
    expect(await get(created.id!)).toMatchObject({ status: "APPROVED" });
  });

  it("without a named source are CREATED and have an approve link", async () => {
    const { paymentSource: _, ...body } = orderOf();
    const created: Json = await create(body);
    expect(created.status).toBe("CREATED");
    expect(created.links.map(({ rel }: Json) => rel)).toContain("approve");
  });

  it("are the same again for the same request id, whatever is asked, and answer briefly unless told", async () => {
    const created = await create(orderOf(), "once");
    const again: Json = (await merchant.orders.createOrder({ body: orderOf(), paypalRequestId: "once" })).result;
    expect(again).toEqual({ id: created.id, status: created.status, links: created.links });
    await pass(6 * 3_600);
    expect((await create(orderOf(), "once")).id).not.toBe(created.id);
  });

  it("are forgotten when nobody approves them within six hours", async () => {
    const created = await create();
    await pass(6 * 3_600);
    expect(await refusal(get(created.id!))).toBe("404 INVALID_RESOURCE_ID");
    await expect(sandbox.control("/pay", { code: created.id })).rejects.toThrow("409");
  });

  it("of another app do not exist", async () => {
    const stranger = await makePaypalMerchant(sandbox);
    const created = await create();
    expect(await refusal(stranger.orders.getOrder({ id: created.id! }))).toBe("404 INVALID_RESOURCE_ID");
  });

  it.each([
    [{ amount: { currencyCode: "JPY", value: "12.00" } }, "422 DECIMALS_NOT_SUPPORTED"],
    [{ amount: { currencyCode: "TWD", value: "12.5" } }, "422 DECIMALS_NOT_SUPPORTED"],
    [{ amount: { currencyCode: "USD", value: "12.345" } }, "422 DECIMAL_PRECISION"],
    [{ amount: { currencyCode: "USD", value: "0.00" } }, "422 CANNOT_BE_ZERO_OR_NEGATIVE"],
    [{ amount: { currencyCode: "USD", value: "-1.00" } }, "422 CANNOT_BE_ZERO_OR_NEGATIVE"],
    [{ amount: { currencyCode: "KRW", value: "12" } }, "422 CURRENCY_NOT_SUPPORTED"],
    [{ invoiceId: "x".repeat(128) }, "400 INVALID_STRING_LENGTH"],
    [{ payee: { merchantId: "ANOTHERPAYEE2" } }, "422 PAYEE_ACCOUNT_INVALID"],
  ])("refuse %o", async (changes, issue) => {
    expect(await refusal(create(orderOf(changes)))).toBe(issue);
  });

  it.each([
    ["{", 400, "MALFORMED_REQUEST_JSON"],
    [{ purchase_units: [] }, 400, "MISSING_REQUIRED_PARAMETER"],
    [{ intent: "CAPTURE" }, 400, "MISSING_REQUIRED_PARAMETER"],
    [{ intent: "AUTHORIZE", purchase_units: [{ amount: {} }] }, 403, "PERMISSION_DENIED"],
  ])("refuse the body %o with %i", async (body, status, issue) => {
    merchant = await makePaypalMerchant(sandbox, { client_id: merchant.client_id });
    await get("X").catch(() => undefined);
    const token = merchant.exchanges.findLast(({ path }: Json) => path === "/v1/oauth2/token")?.body.access_token;
    const headers = { authorization: `Bearer ${token}` };
    const answer = await merchant.call("POST", "/v2/checkout/orders", body, headers);
    expect([answer.status, answer.body.details[0].issue]).toEqual([status, issue]);
  });

  it.each([
    ["JPY", "1234", 1_234],
    ["TWD", "1234", 123_400],
    ["HUF", "1234", 123_400],
    ["EUR", "12.34", 1_234],
  ])("take %s %s exactly", async (currencyCode, value, minor) => {
    const { order } = await payInFull({ amount: { currencyCode, value } });
    expect(order.purchaseUnits[0].payments.captures[0].amount).toEqual({ currencyCode, value });
    expect(await sandbox.control(`/trades/${order.id}`)).toMatchObject({ amount: minor, currency: currencyCode });
  });
});

describe("captures", () => {
  it("happen once, and are answered again for the same request id", async () => {
    const { order } = await payInFull();
    expect(await capture(order.id)).toEqual(order);
    expect(await refusal(capture(order.id, "another"))).toBe("422 ORDER_ALREADY_CAPTURED");
  });

  it("take the money of an invoice once", async () => {
    const { order } = await payInFull();
    const twin = await create(orderOf({ invoiceId: order.purchaseUnits[0].invoiceId }));
    await sandbox.control("/pay", { code: twin.id });
    expect(await refusal(capture(twin.id!))).toBe("422 DUPLICATE_INVOICE_ID");
  });

  it("find a declined instrument, and another one after the payer's next approval", async () => {
    const created = await create();
    await sandbox.control("/pay", { code: created.id, outcome: "fail" });
    expect(await refusal(capture(created.id!))).toBe("422 INSTRUMENT_DECLINED");
    const first: Json = merchant.exchanges.at(-1)?.body;
    expect(first.links).toEqual([expect.objectContaining({ rel: "redirect" })]);
    expect((await get(created.id!)).status).toBe("PAYER_ACTION_REQUIRED");
    await sandbox.control("/pay", { code: created.id });
    expect(await refusal(capture(created.id!))).toBe("422 INSTRUMENT_DECLINED");
    expect(await capture(created.id!, "with the other instrument")).toMatchObject({ status: "COMPLETED" });
  });

  it.each([
    ["success", "COMPLETED"],
    ["fail", "DECLINED"],
  ])("may be pending, and then end in %s", async (outcome, status) => {
    const created = await create();
    await sandbox.control("/pay", { code: created.id });
    await sandbox.control("/faults", { channel: "paypal", operation: "capture", fault: "capture_pending" });
    const order: Json = await capture(created.id!);
    expect(order).toMatchObject({ status: "COMPLETED" });
    const [{ id, statusDetails }] = order.purchaseUnits[0].payments.captures;
    expect(statusDetails).toEqual({ reason: "PENDING_REVIEW" });
    await sandbox.control("/pay", { code: created.id, outcome });
    expect((await merchant.payments.getCapturedPayment({ captureId: id })).result).toMatchObject({
      status,
      supplementaryData: { relatedIds: { orderId: created.id } },
      payee: { merchantId: merchant.merchant_id },
    });
  });
});

describe("refunds", () => {
  const refund = async (captureId: string, value: string | undefined, paypalRequestId: string, more: Json = {}) => {
    const body = { ...(value === undefined ? {} : { amount: { currencyCode: "USD", value } }), ...more };
    return (await merchant.payments.refundCapturedPayment({ captureId, body, paypalRequestId, prefer: whole })).result;
  };
  const statusOf = async (captureId: string) =>
    (await merchant.payments.getCapturedPayment({ captureId })).result.status;

  it("give parts back until nothing is left, once for each request id", async () => {
    const { order, captureId } = await payInFull();
    const first: Json = await refund(captureId, "2.34", "r1", { invoiceId: "REFUND-1", noteToPayer: "sorry" });
    expect(first).toMatchObject({
      status: "COMPLETED",
      invoiceId: "REFUND-1",
      payer: { merchantId: merchant.merchant_id },
    });
    expect((await refund(captureId, "2.34", "r1")).id).toBe(first.id);
    expect(await statusOf(captureId)).toBe("PARTIALLY_REFUNDED");
    expect(await refusal(refund(captureId, "10.01", "r2"))).toBe("422 REFUND_AMOUNT_EXCEEDED");
    expect(await refund(captureId, undefined, "r3")).toMatchObject({ amount: { value: "10.00" } });
    expect(await statusOf(captureId)).toBe("REFUNDED");
    expect(await refusal(refund(captureId, "0.01", "r4"))).toBe("422 CAPTURE_FULLY_REFUNDED");
    const { purchaseUnits }: Json = await get(order.id);
    expect(purchaseUnits[0].payments.refunds.map(({ amount }: Json) => amount.value)).toEqual(["2.34", "10.00"]);
    expect((await merchant.payments.getRefund({ refundId: first.id })).result.id).toBe(first.id);
  });

  it("are of the capture's currency, of a completed capture, and within 180 days", async () => {
    const { captureId } = await payInFull();
    const euros = { amount: { currencyCode: "EUR", value: "1.00" } };
    expect(await refusal(refund(captureId, undefined, "r5", euros))).toBe("422 REFUND_CAPTURE_CURRENCY_MISMATCH");
    expect(await refusal(refund("NOSUCHCAPTURE", "1.00", "r6"))).toBe("404 INVALID_RESOURCE_ID");
    await pass(181 * 86_400);
    expect(await refusal(refund(captureId, "1.00", "r7"))).toBe("422 REFUND_TIME_LIMIT_EXCEEDED");
  });

  it("may be pending, refused for want of funds, and given up", async () => {
    const { captureId } = await payInFull();
    const fault = (name: string) => sandbox.control("/faults", { channel: "paypal", operation: "refund", fault: name });
    await fault("not_enough");
    expect(await refusal(refund(captureId, "1.00", "r8"))).toBe("422 REFUND_FAILED_INSUFFICIENT_FUNDS");
    await fault("refund_processing");
    const pending = await refund(captureId, "1.00", "r9", { invoiceId: "REFUND-9" });
    expect(pending.status).toBe("PENDING");
    await sandbox.control("/refunds", { refund: "REFUND-9", outcome: "closed" });
    expect((await merchant.payments.getRefund({ refundId: pending.id! })).result.status).toBe("FAILED");
    expect(await refund(captureId, "12.34", "r10")).toMatchObject({ status: "COMPLETED" });
  });
});

describe("faults", () => {
  it.each([
    ["system_error", 500, "INTERNAL_SERVER_ERROR"],
    ["service_unavailable", 503, "SERVICE_UNAVAILABLE"],
    ["rate_limit", 429, "RATE_LIMIT_REACHED"],
    ["invalid_token", 401, undefined],
  ])("%s answers %i and does nothing", async (fault, status, name) => {
    await sandbox.control("/faults", { channel: "paypal", operation: "pay", fault });
    const thrown: Json = await create().catch((error: unknown) => error);
    expect([thrown.statusCode, JSON.parse(thrown.body).name]).toEqual([status, name]);
    expect((await sandbox.control("/trades")).data).toEqual([]);
  });

  it("has no signatures of answers to spoil", async () => {
    await expect(
      sandbox.control("/faults", { channel: "paypal", operation: "query", fault: "bad_signature" }),
    ).rejects.toThrow("does not exist in paypal");
  });
});
