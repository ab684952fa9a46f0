/**
 * Guarantee: a service provider collects for its own sub-merchants only, under its own app or theirs, and every answer and
 * notice names both. Held by an independent client (wechatpay-axios-plugin).
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import {
  makeOrder,
  makeV2Call,
  makeWechatMerchant,
  openNotice,
  type WechatMerchantUnderTest,
} from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let provider: WechatMerchantUnderTest;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver();
  provider = await makeWechatMerchant(sandbox, { mode: "partner" });
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

const base = "/v3/pay/partner/transactions";

function makePartnerOrder(more: object = {}): Json {
  const { mchid, appid, ...order } = makeOrder(provider, `${receiver.url}/n`);
  return { sp_mchid: mchid, sp_appid: appid, sub_mchid: provider.sub_mchid, ...order, ...more };
}

test("an order for a sub-merchant is placed, paid, told of, refunded and asked about under both numbers", async () => {
  const order = makePartnerOrder({ sub_appid: provider.sub_appid });
  const placed = await provider.call("post", `${base}/native`, order);
  receiver.clear();
  const paid = await sandbox.control("/pay", { code: placed.data.code_url });
  const [message] = await receiver.until(1);
  const { content } = openNotice(provider, message!);
  const numbers = {
    sp_mchid: provider.mchid,
    sp_appid: provider.appid,
    sub_mchid: provider.sub_mchid,
    sub_appid: provider.sub_appid,
  };
  expect(content).toMatchObject({ ...numbers, trade_state: "SUCCESS", payer: { sub_openid: paid.payer } });
  expect(content).not.toHaveProperty("mchid");

  const asked = { sp_mchid: provider.mchid, sub_mchid: provider.sub_mchid };
  for (const path of [`out-trade-no/${order.out_trade_no}`, `id/${paid.transaction_id}`]) {
    const found = await provider.call("get", `${base}/${path}`, { params: asked });
    expect(found.data).toMatchObject({ ...numbers, transaction_id: paid.transaction_id });
  }
  const refund = {
    out_trade_no: order.out_trade_no,
    out_refund_no: `R${order.out_trade_no}`,
    amount: { refund: 100, total: 1234, currency: "CNY" },
  };
  expect((await provider.call("post", "/v3/refund/domestic/refunds", refund)).status).toBe(400);
  const taken = await provider.call("post", "/v3/refund/domestic/refunds", {
    ...refund,
    sub_mchid: provider.sub_mchid,
  });
  expect(taken.data).toMatchObject({ status: "PROCESSING" });
  const path = `/v3/refund/domestic/refunds/${refund.out_refund_no}`;
  expect((await provider.call("get", path)).status).toBe(400);
  expect((await provider.call("get", path, { params: { sub_mchid: provider.sub_mchid } })).data.status).toBe("SUCCESS");
});

test("a strange sub-merchant, a strange app, and the two kinds of merchant in each other's place are refused", async () => {
  const other = await makeWechatMerchant(sandbox, { mode: "partner" });
  const direct = await makeWechatMerchant(sandbox);
  const refusals = [
    await provider.call("post", `${base}/native`, makePartnerOrder({ sub_mchid: other.sub_mchid })),
    await provider.call("post", `${base}/native`, makePartnerOrder({ sub_appid: other.sub_appid })),
    await provider.call("post", "/v3/pay/transactions/native", makeOrder(provider, receiver.url)),
    await direct.call("post", `${base}/native`, { ...makePartnerOrder(), sp_mchid: direct.mchid }),
    await provider.call("post", `${base}/jsapi`, makePartnerOrder({ payer: { sub_openid: "o1" } })),
  ];
  expect(refusals.map(({ status, data }) => [status, data.code])).toEqual([
    [403, "NO_AUTH"],
    [400, "APPID_MCHID_NOT_MATCH"],
    [400, "PARAM_ERROR"],
    [403, "NO_AUTH"],
    [400, "PARAM_ERROR"],
  ]);
});

test("a code is charged over API v2 for the sub-merchant, which every answer names", async () => {
  const call = makeV2Call(sandbox, provider, "HMAC-SHA256");
  const { auth_code } = await sandbox.control("/auth_codes", { channel: "wechat" });
  const order = {
    body: "Tea",
    out_trade_no: "PARTNERCODE0001",
    total_fee: "100",
    spbill_create_ip: "127.0.0.1",
    auth_code,
  };
  expect(await call("pay/micropay", order)).toMatchObject({ return_code: "FAIL" });
  const sub = { sub_mch_id: provider.sub_mchid, sub_appid: provider.sub_appid };
  const charged = await call("pay/micropay", { ...order, ...sub });
  expect(charged).toMatchObject({ result_code: "SUCCESS", mch_id: provider.mchid, ...sub });
  expect([charged.openid, charged.sub_openid].every((openid) => /^o.{27}$/.test(openid))).toBe(true);
  expect(await call("pay/orderquery", { out_trade_no: order.out_trade_no, ...sub })).toMatchObject({
    trade_state: "SUCCESS",
    sub_mch_id: provider.sub_mchid,
  });
});
