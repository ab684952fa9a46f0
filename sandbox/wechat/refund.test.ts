/**
 * Guarantees that simulated WeChat refunds are asynchronous, bounded by what was paid, idempotent by their number,
 * and end as a fault or the control plane says, each end with its own notice.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Rsa } from "wechatpay-axios-plugin";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeWechatMerchant, openNotice, placeAndPay, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: WechatMerchantUnderTest;
let last = 0;
const path = "/v3/refund/domestic/refunds";

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver();
  merchant = await makeWechatMerchant(sandbox, { verify_mode: "both" });
});
beforeEach(async () => {
  // Answers when the notices of the test before have arrived.
  await sandbox.control("/clock", { advance: 0 });
  receiver.clear();
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

const pay = () => placeAndPay(sandbox, merchant, `${receiver.url}/pay`, { notify: false });

function refund(paid: Json, fen: number, more: object = {}): Json {
  last += 1;
  return {
    transaction_id: paid.transaction_id,
    out_refund_no: `R${last}`,
    notify_url: `${receiver.url}/refund`,
    amount: { refund: fen, total: 1234, currency: "CNY" },
    ...more,
  };
}

const ask = (fault: string, delay_ms?: number) =>
  sandbox.control("/faults", {
    channel: "wechat",
    operation: "refund",
    fault,
    times: 1,
    ...(delay_ms && { delay_ms }),
  });
const query = (number: string) => merchant.call("get", `${path}/${number}`);

it("answers PROCESSING, ends as SUCCESS, and announces it encrypted and signed", async () => {
  const paid = await pay();
  const body = refund(paid, 234);
  const asked = await merchant.call("post", path, body);
  expect(asked.data).toMatchObject({
    status: "PROCESSING",
    out_refund_no: body.out_refund_no,
    amount: { refund: 234, total: 1234 },
  });
  const [message] = await receiver.until(1);
  const notice = openNotice(merchant, message!);
  expect(notice).toMatchObject({ event_type: "REFUND.SUCCESS", resource: { original_type: "refund" } });
  expect(notice.content).toMatchObject({
    mchid: merchant.mchid,
    out_trade_no: paid.out_trade_no,
    refund_id: asked.data.refund_id,
    refund_status: "SUCCESS",
    amount: { total: 1234, refund: 234, payer_total: 1234, payer_refund: 234 },
  });
  expect((await query(body.out_refund_no)).data).toMatchObject({ status: "SUCCESS", refund_id: asked.data.refund_id });
  const url = `/v3/pay/transactions/id/${paid.transaction_id}`;
  expect((await merchant.call("get", url, { params: { mchid: merchant.mchid } })).data.trade_state).toBe("REFUND");
});

it("refunds in parts up to what was paid and no fen more", async () => {
  const paid = await pay();
  expect((await merchant.call("post", path, refund(paid, 1000))).status).toBe(200);
  const excess = await merchant.call("post", path, refund(paid, 235));
  expect([excess.status, excess.data.code]).toEqual([400, "INVALID_REQUEST"]);
  expect((await merchant.call("post", path, refund(paid, 234))).status).toBe(200);
});

it("answers the same refund for the same number, and refuses other content under it", async () => {
  const paid = await pay();
  const body = refund(paid, 10);
  const first = await merchant.call("post", path, body);
  const again = await merchant.call("post", path, body);
  expect(again.data.refund_id).toBe(first.data.refund_id);
  const other = await merchant.call("post", path, { ...body, amount: { ...body.amount, refund: 11 } });
  expect(other.data.code).toBe("INVALID_REQUEST");
});

it.each([
  ["a total that differs", { amount: { refund: 1, total: 1235, currency: "CNY" } }, 400, "INVALID_REQUEST"],
  ["no currency", { amount: { refund: 1, total: 1234 } }, 400, "PARAM_ERROR"],
  ["an unknown order", { transaction_id: "4200000000000000000000000000" }, 404, "RESOURCE_NOT_EXISTS"],
])("refuses %s", async (_name, change, status, code) => {
  const refused = await merchant.call("post", path, refund(await pay(), 1, change));
  expect([refused.status, refused.data.code]).toEqual([status, code]);
});

it("refuses after a year", async () => {
  const late = await startTestSandbox({ now: () => now_ms });
  let now_ms = Date.now() - 366 * 86_400_000;
  const member = await makeWechatMerchant(late);
  const order = { mchid: member.mchid, appid: member.appid, description: "x", out_trade_no: "OLDORDER1" };
  now_ms = Date.now();
  await member.call("post", "/v3/pay/transactions/native", {
    ...order,
    notify_url: receiver.url,
    amount: { total: 1234 },
  });
  now_ms = Date.now() - 366 * 86_400_000;
  const old = await late.control("/pay", { code: "OLDORDER1", notify: false });
  now_ms = Date.now();
  const refused = await member.call("post", path, refund(old, 1));
  expect([refused.status, refused.data.code]).toEqual([400, "INVALID_REQUEST"]);
  await late.close();
});

it("stays PROCESSING until told, when refund_processing has no delay", async () => {
  const body = refund(await pay(), 5);
  await ask("refund_processing");
  await merchant.call("post", path, body);
  expect((await query(body.out_refund_no)).data.status).toBe("PROCESSING");
  await sandbox.control("/refunds", { refund: body.out_refund_no, outcome: "success" });
  expect((await query(body.out_refund_no)).data.status).toBe("SUCCESS");
  await expect(sandbox.control("/refunds", { refund: body.out_refund_no })).rejects.toThrow(/SUCCESS already/);
});

it("ends by the clock, when refund_processing has a delay", async () => {
  const body = refund(await pay(), 5);
  await ask("refund_processing", 60_000);
  await merchant.call("post", path, body);
  await sandbox.control("/clock", { advance: 61 });
  expect((await query(body.out_refund_no)).data.status).toBe("SUCCESS");
  await sandbox.control("/clock", { reset: true });
});

it.each([
  ["refund_abnormal", "ABNORMAL"],
  ["refund_closed", "CLOSED"],
])("%s ends as %s with its notice", async (fault, status) => {
  const body = refund(await pay(), 5);
  await ask(fault);
  await merchant.call("post", path, body);
  const notice = openNotice(merchant, (await receiver.until(1))[0]!);
  expect([notice.event_type, notice.content.refund_status]).toEqual([`REFUND.${status}`, status]);
  expect((await query(body.out_refund_no)).data.status).toBe(status);
});

it("gives a closed refund's amount back to what can be refunded", async () => {
  const paid = await pay();
  await ask("refund_closed");
  await merchant.call("post", path, refund(paid, 1234));
  await receiver.until(1);
  expect((await merchant.call("post", path, refund(paid, 1234))).status).toBe(200);
});

it("not_enough refuses with 403 NOT_ENOUGH and keeps no refund", async () => {
  const body = refund(await pay(), 5);
  await ask("not_enough");
  const refused = await merchant.call("post", path, body);
  expect([refused.status, refused.data.code]).toEqual([403, "NOT_ENOUGH"]);
  expect((await query(body.out_refund_no)).status).toBe(404);
});

it("sends an abnormal refund to the merchant's account or to a card, only then, and tells of its end", async () => {
  const seal = (text: string) => Rsa.encrypt(text, Rsa.from(merchant.certs[merchant.public_key_id]!, "public"));
  const headers = { "Wechatpay-Serial": merchant.public_key_id as string };
  const paid = await pay();
  const apply = (made: Json, body: object) =>
    merchant.call("post", `${path}/${made.refund_id}/apply-abnormal-refund`, body, headers);
  for (const to of [
    { type: "MERCHANT_BANK_CARD" },
    {
      type: "USER_BANK_CARD",
      bank_type: "ICBC_DEBIT",
      bank_account: seal("6222020000000000000"),
      real_name: seal("张三"),
    },
  ]) {
    receiver.clear();
    await sandbox.control("/faults", { channel: "wechat", operation: "refund", fault: "refund_abnormal" });
    const made = (await merchant.call("post", path, refund(paid, 10))).data;
    expect(openNotice(merchant, (await receiver.until(1))[0]!).event_type).toBe("REFUND.ABNORMAL");
    const body = { out_refund_no: made.out_refund_no, ...to };
    expect((await apply({ refund_id: "5030000" }, body)).status).toBe(404);
    expect((await apply(made, { ...body, type: "CASH" })).data.code).toBe("PARAM_ERROR");
    expect((await apply(made, body)).data).toMatchObject({ status: "PROCESSING", refund_id: made.refund_id });
    expect(openNotice(merchant, (await receiver.until(2))[1]!).event_type).toBe("REFUND.SUCCESS");
    expect((await apply(made, body)).data.code).toBe("INVALID_REQUEST");
  }
  const clear = { type: "USER_BANK_CARD", bank_type: "ICBC_DEBIT", bank_account: "6222", real_name: "张三" };
  expect((await apply({ refund_id: "1" }, { out_refund_no: "R1", ...clear })).data.code).toBe("PARAM_ERROR");
});
