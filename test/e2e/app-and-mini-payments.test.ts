/**
 * Guarantee: payments inside a merchant's app, a mini program or Alipay travel the whole way: the parameters that the
 * API gives can be paid by, the notice books the payment once, and it can be refunded.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { nextNumber, OPENID, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

const BUYER_ID = "2088102122458832";

let platform: Platform;
beforeAll(async () => {
  platform = await startPlatform();
});
afterAll(() => platform.close());
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});

const ways: readonly { method: string; payer: object; code: (action: Json) => string }[] = [
  { method: "wechat.mini", payer: { openid: OPENID }, code: (action) => action.parameters.package },
  { method: "wechat.app", payer: {}, code: (action) => action.parameters.prepayid },
  { method: "alipay.app", payer: {}, code: (action) => action.order_string },
  { method: "alipay.jsapi", payer: { buyer_id: BUYER_ID }, code: (action) => action.parameters.tradeNO },
];

test.each(ways)("$method is paid by what the API gives, and refunded", async ({ method, payer, code }) => {
  const body = { ...paymentBody(), method, payer };
  const payment = await platform.post("/v1/payments", body);
  expect(payment).toMatchObject({ status: "processing", method });
  await platform.sandbox.pay(code(payment.action));
  await platform.settle();
  expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({
    status: "succeeded",
    action: { type: "none" },
  });
  const refund = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 234 };
  const made = await platform.post("/v1/refunds", refund);
  await platform.settle();
  expect(await platform.get(`/v1/refunds/${made.id}`)).toMatchObject({ status: "succeeded", amount: 234 });
});

test("a mini program's login code tells the openid that pays, once", async () => {
  const { config } = (await platform.services.accounts.open(platform.merchant.accounts.wechat))!;
  const code = await platform.sandbox.logIn(String(config.mini_appid));
  const identity = await platform.call("POST", "/v1/payer_identities", { method: "wechat.mini", code });
  expect([identity.status, identity.body]).toEqual([
    200,
    { object: "payer_identity", method: "wechat.mini", openid: expect.stringMatching(/^o/) },
  ]);
  const payer = { openid: identity.body.openid };
  const payment = await platform.post("/v1/payments", { ...paymentBody(), method: "wechat.mini", payer });
  await platform.sandbox.pay(payment.action.parameters.package);
  await platform.settle();
  expect(await platform.get(`/v1/payments/${payment.id}`)).toMatchObject({ status: "succeeded" });
});

test("a used code, one that nobody gave, and a channel that does not answer are told apart", async () => {
  const identify = async (code: string, method = "wechat.mini") => {
    const { status, body } = await platform.call("POST", "/v1/payer_identities", { method, code });
    return [status, body.error?.code];
  };
  expect(await identify("nobodys")).toEqual([400, "payment.code_refused"]);
  expect(await identify("nobodys", "wechat.jsapi")).toEqual([400, "payment.code_refused"]);
  expect(await identify("nobodys", "alipay.jsapi")).toEqual([400, "payment.code_refused"]);
  expect(await identify("nobodys", "wechat.native")).toEqual([400, "request.invalid"]);
  await platform.sandbox.fault("wechat", "oauth", "http_500");
  expect(await identify("nobodys")).toEqual([502, "payment.identity_unavailable"]);
});

test.each([
  ["wechat.mini", "payer.openid"],
  ["alipay.jsapi", "payer.buyer_id"],
])("%s says that it needs %s", async (method, param) => {
  const answer = await platform.call("POST", "/v1/payments", { ...paymentBody(), method, payer: {} });
  expect([answer.status, answer.body.error]).toMatchObject([400, { code: "payment.payer_required", param }]);
});
