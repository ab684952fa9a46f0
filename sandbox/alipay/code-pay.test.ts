/**
 * Guarantee: alipay.trade.pay answers as the channel does, held to it by an independent client, for every way in which
 * a payer behind a code can behave.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant } from "../testing/alipay-client.ts";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let merchant: AlipayMerchantUnderTest;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makeAlipayMerchant(sandbox);
});
afterAll(() => sandbox.close());

let last = 0;
const nextNumber = () => `CODE${String(++last).padStart(8, "0")}`;
const draw = async (behaviour: string): Promise<string> =>
  (await sandbox.control("/auth_codes", { channel: "alipay", behaviour })).auth_code;
const pay = (out_trade_no: string, auth_code: string, more: object = {}): Promise<Json> =>
  merchant.call("alipay.trade.pay", {
    out_trade_no,
    auth_code,
    scene: "bar_code",
    total_amount: "12.34",
    subject: "Tea 茶",
    ...more,
  });
const query = (out_trade_no: string): Promise<Json> => merchant.call("alipay.trade.query", { out_trade_no });

test("takes the money at once and tells of it", async () => {
  const out_trade_no = nextNumber();
  const paid = await pay(out_trade_no, await draw("success"));
  expect(paid).toMatchObject({
    code: "10000",
    out_trade_no,
    total_amount: "12.34",
    buyer_user_id: expect.stringMatching(/^2088/),
  });
  expect(await query(out_trade_no)).toMatchObject({ trade_status: "TRADE_SUCCESS", trade_no: paid.trade_no });
});

test("10003: waits for the payer, who pays, declines, or sees it cancelled", async () => {
  const [paid, declined, cancelled] = [nextNumber(), nextNumber(), nextNumber()];
  for (const number of [paid, declined, cancelled]) {
    const code = await draw("confirm");
    expect(await pay(number, code)).toMatchObject({ code: "10003", out_trade_no: number });
    expect(await pay(number, code)).toMatchObject({ code: "10003" });
    expect(await query(number)).toMatchObject({ trade_status: "WAIT_BUYER_PAY" });
  }
  await sandbox.control("/pay", { code: paid });
  await sandbox.control("/pay", { code: declined, outcome: "fail" });
  const ended = await merchant.call("alipay.trade.cancel", { out_trade_no: cancelled });
  expect(ended).toMatchObject({ code: "10000", action: "close", retry_flag: "N" });
  expect((await query(paid)).trade_status).toBe("TRADE_SUCCESS");
  expect((await query(declined)).trade_status).toBe("TRADE_CLOSED");
  expect((await query(cancelled)).trade_status).toBe("TRADE_CLOSED");
});

test.each([
  ["system_error", "TRADE_SUCCESS"],
  ["bank_error", "WAIT_BUYER_PAY"],
])("%s: answers 20000, and the trade is %s", async (behaviour, trade_status) => {
  const out_trade_no = nextNumber();
  const body = {
    out_trade_no,
    auth_code: await draw(behaviour),
    scene: "bar_code",
    total_amount: "1.00",
    subject: "x",
  };
  // The answer is not signed, as the gateway's own are not.
  expect(await merchant.sdk.exec("alipay.trade.pay", { bizContent: body })).toMatchObject({ code: "20000" });
  expect(await query(out_trade_no)).toMatchObject({ trade_status });
});

test.each([
  ["expired", "ACQ.PAYMENT_AUTH_CODE_INVALID"],
  ["invalid", "ACQ.PAYMENT_AUTH_CODE_INVALID"],
  ["not_enough", "ACQ.BUYER_BALANCE_NOT_ENOUGH"],
])("%s: refuses with %s, and there is no trade", async (behaviour, sub_code) => {
  const out_trade_no = nextNumber();
  expect(await pay(out_trade_no, await draw(behaviour))).toMatchObject({ code: "40004", sub_code });
  expect(await query(out_trade_no)).toMatchObject({ sub_code: "ACQ.TRADE_NOT_EXIST" });
});

test("a code pays one order; the number of a paid one is refused", async () => {
  const [out_trade_no, code] = [nextNumber(), await draw("success")];
  await pay(out_trade_no, code);
  expect(await pay(nextNumber(), code)).toMatchObject({ sub_code: "ACQ.PAYMENT_AUTH_CODE_INVALID" });
  expect(await pay(out_trade_no, code)).toMatchObject({ sub_code: "ACQ.TRADE_HAS_SUCCESS" });
});

test("needs the scene, and another channel's code is none", async () => {
  const code = await draw("success");
  expect(await pay(nextNumber(), code, { scene: "" })).toMatchObject({ sub_code: "ACQ.INVALID_PARAMETER" });
  const { auth_code } = await sandbox.control("/auth_codes", { channel: "wechat" });
  expect(await pay(nextNumber(), auth_code)).toMatchObject({ sub_code: "ACQ.PAYMENT_AUTH_CODE_INVALID" });
});
