/**
 * Guarantee: money that was held back is shared within WeChat Pay's rules only, each receiver has a result of its own, and
 * every number repeats harmlessly. Held by an independent client (wechatpay-axios-plugin), which encrypts the names.
 */

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Rsa } from "wechatpay-axios-plugin";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeOrder, makeWechatMerchant, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let merchant: WechatMerchantUnderTest;
const name = "模拟分账方有限公司";
const receiver = { type: "MERCHANT_ID", account: "1900000999" };
const person = { type: "PERSONAL_OPENID", account: "o-partner" };

function seal(text: string): { name: string; headers: Record<string, string> } {
  const serial = merchant.platform_serial_no as string;
  const key = Rsa.from(merchant.certs[serial]!, "public");
  return { name: Rsa.encrypt(text, key), headers: { "Wechatpay-Serial": serial } };
}

async function add(who: object, clear: string | undefined) {
  const { headers, ...sealed } = clear === undefined ? { headers: {} } : seal(clear);
  const body = { appid: merchant.appid, ...who, ...sealed, relation_type: "PARTNER" };
  return merchant.call("post", "/v3/profitsharing/receivers/add", body, headers);
}

beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makeWechatMerchant(sandbox);
  expect((await add(receiver, name)).status).toBe(200);
  expect((await add(person, undefined)).status).toBe(200);
});
afterAll(() => sandbox.close());
beforeEach(async () => {
  await sandbox.control("/clock", { reset: true });
});

const numbers = Array.from({ length: 100 }, (_, index) => `SHARING${String(index).padStart(6, "0")}`);
const nextNumber = () => numbers.shift()!;

/** An order of 12.34 yuan, paid and, unless told otherwise, held back for more than a minute. */
async function pay(settle_info: object = { profit_sharing: true }, wait_s = 61): Promise<Json> {
  const order = makeOrder(merchant, "https://shop.example/n", { settle_info });
  const placed = await merchant.call("post", "/v3/pay/transactions/native", order);
  const paid = await sandbox.control("/pay", { code: placed.data.code_url, notify: false });
  if (wait_s > 0) await sandbox.control("/clock", { advance: wait_s });
  return { ...paid, out_trade_no: order.out_trade_no };
}

/** The client's clock has not moved: signatures older than five minutes would be refused. */
const part = (amount: number, who: object = receiver) => ({ ...who, amount, description: "share" });
async function share(paid: Json, receivers: object[], more: object = {}, headers: Record<string, string> = {}) {
  const body = {
    appid: merchant.appid,
    transaction_id: paid.transaction_id,
    out_order_no: nextNumber(),
    receivers,
    unfreeze_unsplit: false,
    ...more,
  };
  return merchant.call("post", "/v3/profitsharing/orders", body, headers);
}
const queryShare = async (paid: Json, out_order_no: string) =>
  (
    await merchant.call("get", `/v3/profitsharing/orders/${out_order_no}`, {
      params: { transaction_id: paid.transaction_id },
    })
  ).data;
const held = async (paid: Json) =>
  (await merchant.call("get", `/v3/profitsharing/transactions/${paid.transaction_id}/amounts`)).data.unsplit_amount;

test("parts are taken first and done later, and the rest is released under a number of its own", async () => {
  const paid = await pay();
  const taken = await share(paid, [part(100), part(50, person)]);
  expect(taken.data).toMatchObject({ state: "PROCESSING", receivers: [{ result: "PENDING" }, { result: "PENDING" }] });
  const { out_order_no } = taken.data;
  expect(await queryShare(paid, out_order_no)).toMatchObject({
    state: "FINISHED",
    receivers: [
      { ...receiver, amount: 100, result: "SUCCESS" },
      { ...person, amount: 50, result: "SUCCESS" },
    ],
  });
  expect(await held(paid)).toBe(1084);
  const release = { transaction_id: paid.transaction_id, description: "rest" };
  const reused = await merchant.call("post", "/v3/profitsharing/orders/unfreeze", { ...release, out_order_no });
  expect([reused.status, await held(paid)]).toEqual([200, 1084]);
  const number = nextNumber();
  await merchant.call("post", "/v3/profitsharing/orders/unfreeze", { ...release, out_order_no: number });
  expect(await queryShare(paid, number)).toMatchObject({
    state: "FINISHED",
    receivers: [{ account: merchant.mchid, amount: 1084, result: "SUCCESS" }],
  });
  expect(await held(paid)).toBe(0);
  expect((await share(paid, [part(1)])).data.code).toBe("INVALID_REQUEST");
});

test("the same number with the same content answers the same sharing, with other content a refusal", async () => {
  const paid = await pay();
  const out_order_no = nextNumber();
  const { name: sealed, headers } = seal(name);
  const again = seal(name);
  const first = await share(paid, [{ ...part(100), name: sealed }], { out_order_no }, headers);
  const second = await share(paid, [{ ...part(100), name: again.name }], { out_order_no }, headers);
  expect([second.data.order_id, await held(paid)]).toEqual([first.data.order_id, 1134]);
  const other = await share(paid, [part(99)], { out_order_no });
  expect([other.status, other.data.code]).toEqual([400, "INVALID_REQUEST"]);
});

test("too soon, too much, too late, too many, strangers and money that was not held back are refused", async () => {
  const free = await pay({}, 61);
  const tooSoon = await share(await pay({ profit_sharing: true }, 0), [part(1)]);
  const old = await pay();
  const refusals = [
    await share(free, [part(1)]),
    tooSoon,
    await share(old, [part(371)]),
    await share(old, [part(1, { type: "MERCHANT_ID", account: "1900000111" })]),
    await share(
      old,
      Array.from({ length: 51 }, () => part(1)),
    ),
    await share(old, [{ ...part(1), name: seal("another name").name }], {}, seal("x").headers),
    await share(old, [{ ...part(1), name: "clear text" }], {}, seal("x").headers),
    await share({ transaction_id: "4200000000000000000000000000" }, [part(1)]),
  ];
  expect(refusals.map(({ status, data }) => `${status} ${data.code}`)).toEqual([
    "400 INVALID_REQUEST",
    "400 INVALID_REQUEST",
    "403 RULE_LIMIT",
    "400 INVALID_REQUEST",
    "400 PARAM_ERROR",
    "400 INVALID_REQUEST",
    "400 PARAM_ERROR",
    "404 RESOURCE_NOT_EXISTS",
  ]);
  expect((await share(old, [part(370)])).status).toBe(200);
});

test("a part may fail by itself, and one under way is ended on request", async () => {
  const paid = await pay();
  await sandbox.control("/faults", { channel: "wechat", operation: "share", fault: "payout_failed" });
  const failed = await share(paid, [part(100), part(50, person)]);
  expect((await queryShare(paid, failed.data.out_order_no)).receivers).toMatchObject([
    { result: "SUCCESS" },
    { result: "CLOSED", fail_reason: "ACCOUNT_ABNORMAL" },
  ]);
  expect(await held(paid)).toBe(1134);
  await sandbox.control("/faults", { channel: "wechat", operation: "share", fault: "payout_processing" });
  const waits = await share(paid, [part(10)]);
  expect(await queryShare(paid, waits.data.out_order_no)).toMatchObject({ state: "PROCESSING" });
  await sandbox.control("/sharings", { sharing: waits.data.out_order_no });
  expect(await queryShare(paid, waits.data.out_order_no)).toMatchObject({ state: "FINISHED" });
  await expect(sandbox.control("/sharings", { sharing: waits.data.out_order_no })).rejects.toThrow("409");
});

test("a merchant gives parts back, never more than it got, and what is shared cannot be refunded", async () => {
  const paid = await pay();
  const { out_order_no } = (await share(paid, [part(300), part(50, person)])).data;
  const give = (amount: number, more: object = {}) =>
    merchant.call("post", "/v3/profitsharing/return-orders", {
      out_order_no,
      out_return_no: nextNumber(),
      return_mchid: receiver.account,
      amount,
      description: "refund",
      ...more,
    });
  const refund = (amount: number) =>
    merchant.call("post", "/v3/refund/domestic/refunds", {
      transaction_id: paid.transaction_id,
      out_refund_no: nextNumber(),
      amount: { refund: amount, total: 1234, currency: "CNY" },
    });
  expect((await refund(1234)).data.code).toBe("NOT_ENOUGH");
  const given = await give(200, { out_return_no: "RETURN000001" });
  expect(given.data).toMatchObject({ result: "SUCCESS", amount: 200 });
  expect((await give(200, { out_return_no: "RETURN000001" })).data.return_id).toBe(given.data.return_id);
  expect((await give(201, { out_return_no: "RETURN000001" })).data.code).toBe("INVALID_REQUEST");
  expect((await give(101)).data.code).toBe("NOT_ENOUGH");
  expect((await give(1, { return_mchid: "1900000111" })).data.code).toBe("INVALID_REQUEST");
  const params = { out_order_no };
  const asked = await merchant.call("get", "/v3/profitsharing/return-orders/RETURN000001", { params });
  expect(asked.data).toMatchObject({ result: "SUCCESS", return_mchid: receiver.account });
  expect((await merchant.call("get", "/v3/profitsharing/return-orders/NONE", { params })).status).toBe(404);
  expect((await refund(1084)).status).toBe(200);
});

test("a receiver that was removed gets nothing any more", async () => {
  const gone = { type: "PERSONAL_OPENID", account: "o-gone" };
  await add(gone, undefined);
  const body = { appid: merchant.appid, ...gone };
  expect((await merchant.call("post", "/v3/profitsharing/receivers/delete", body)).status).toBe(200);
  expect((await merchant.call("post", "/v3/profitsharing/receivers/delete", body)).data.code).toBe("INVALID_REQUEST");
  expect((await share(await pay(), [part(1, gone)])).data.code).toBe("INVALID_REQUEST");
  expect((await add(receiver, undefined)).data.code).toBe("PARAM_ERROR");
});
