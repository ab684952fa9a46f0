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

test.each([
  ["wechat.mini", "payer.openid"],
  ["alipay.jsapi", "payer.buyer_id"],
])("%s says that it needs %s", async (method, param) => {
  const answer = await platform.call("POST", "/v1/payments", { ...paymentBody(), method, payer: {} });
  expect([answer.status, answer.body.error]).toMatchObject([400, { code: "payment.payer_required", param }]);
});
