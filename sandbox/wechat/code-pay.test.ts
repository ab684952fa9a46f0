/**
 * Guarantee: code payments speak API v2 and API v3 as the channel does, held to it by an independent client, and every
 * way in which a payer behind a code can behave has the channel's own answer.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeV2Call, makeWechatMerchant, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";
import { readXml, signFields, writeXml } from "./xml.ts";

let sandbox: TestSandbox;
let merchant: WechatMerchantUnderTest;
let v2: ReturnType<typeof makeV2Call>;
beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makeWechatMerchant(sandbox);
  v2 = makeV2Call(sandbox, merchant, "HMAC-SHA256");
});
afterEach(() => sandbox.control("/clock", { reset: true }));
afterAll(() => sandbox.close());

let last = 0;
const nextNumber = () => `CODE${String(++last).padStart(8, "0")}`;
const draw = async (behaviour: string): Promise<string> =>
  (await sandbox.control("/auth_codes", { channel: "wechat", behaviour })).auth_code;
const past15s = () => sandbox.control("/clock", { advance: 16 });

function micropay(out_trade_no: string, auth_code: string, more: object = {}): Promise<Json> {
  const order = {
    body: "Tea 茶 & <cake>",
    out_trade_no,
    total_fee: "1234",
    spbill_create_ip: "203.0.113.7",
    auth_code,
  };
  return v2("pay/micropay", { ...order, ...more });
}

describe("API v2", () => {
  test.each(["HMAC-SHA256", "MD5"] as const)(
    "takes the money at once and tells of it, signed with %s",
    async (type) => {
      const call = makeV2Call(sandbox, merchant, type);
      const out_trade_no = nextNumber();
      const order = { body: "Tea", out_trade_no, total_fee: "1234", spbill_create_ip: "203.0.113.7" };
      const paid = await call("pay/micropay", { ...order, auth_code: await draw("success") });
      expect(paid).toMatchObject({ result_code: "SUCCESS", trade_type: "MICROPAY", total_fee: "1234", out_trade_no });
      const asked = await call("pay/orderquery", { out_trade_no });
      expect(asked).toMatchObject({ trade_state: "SUCCESS", transaction_id: paid.transaction_id });
      expect(asked.time_end).toMatch(/^\d{14}$/);
      expect((await sandbox.control(`/trades/${out_trade_no}`)).notices).toEqual([]);
    },
  );

  test.each([
    ["confirm", "USERPAYING", "USERPAYING"],
    ["bank_error", "BANKERROR", "USERPAYING"],
    ["system_error", "SYSTEMERROR", "SUCCESS"],
  ])("%s: answers %s, and the order is %s", async (behaviour, err_code, trade_state) => {
    const out_trade_no = nextNumber();
    expect(await micropay(out_trade_no, await draw(behaviour))).toMatchObject({ result_code: "FAIL", err_code });
    expect(await v2("pay/orderquery", { out_trade_no })).toMatchObject({ trade_state });
  });

  test.each([
    ["expired", "AUTHCODEEXPIRE"],
    ["invalid", "AUTH_CODE_INVALID"],
    ["not_enough", "NOTENOUGH"],
  ])("%s: answers %s, and there is no order", async (behaviour, err_code) => {
    const out_trade_no = nextNumber();
    expect(await micropay(out_trade_no, await draw(behaviour))).toMatchObject({ result_code: "FAIL", err_code });
    expect(await v2("pay/orderquery", { out_trade_no })).toMatchObject({ err_code: "ORDERNOTEXIST" });
  });

  test("a code pays one order, within a minute", async () => {
    const code = await draw("success");
    await micropay(nextNumber(), code);
    expect(await micropay(nextNumber(), code)).toMatchObject({ err_code: "AUTH_CODE_INVALID" });
    const old = await draw("success");
    await sandbox.control("/clock", { advance: 61 });
    expect(await micropay(nextNumber(), old)).toMatchObject({ err_code: "AUTHCODEEXPIRE" });
  });

  test("the same order again answers what became of it, another one under its number is refused", async () => {
    const [out_trade_no, code] = [nextNumber(), await draw("confirm")];
    await micropay(out_trade_no, code);
    expect(await micropay(out_trade_no, code)).toMatchObject({ err_code: "USERPAYING" });
    expect(await micropay(out_trade_no, code, { total_fee: "1" })).toMatchObject({ err_code: "OUT_TRADE_NO_USED" });
    await sandbox.control("/pay", { code: out_trade_no });
    expect(await micropay(out_trade_no, code)).toMatchObject({ err_code: "ORDERPAID" });
  });

  test("a payer who must confirm pays, or declines", async () => {
    const [paid, declined] = [nextNumber(), nextNumber()];
    await micropay(paid, await draw("confirm"));
    await micropay(declined, await draw("confirm"));
    const page = await fetch(`${sandbox.url}/wallet/pay?code=${paid}`);
    expect(await page.text()).toContain("输入密码并付款");
    await sandbox.control("/pay", { code: paid });
    await sandbox.control("/pay", { code: declined, outcome: "fail" });
    expect(await v2("pay/orderquery", { out_trade_no: paid })).toMatchObject({ trade_state: "SUCCESS" });
    expect(await v2("pay/orderquery", { out_trade_no: declined })).toMatchObject({ trade_state: "PAYERROR" });
  });

  test("a reversal waits 15 s, ends what waits, and gives paid money back", async () => {
    const [waiting, paid] = [nextNumber(), nextNumber()];
    await micropay(waiting, await draw("confirm"));
    await micropay(paid, await draw("success"));
    expect(await v2("secapi/pay/reverse", { out_trade_no: waiting })).toMatchObject({
      err_code: "USERPAYING",
      recall: "Y",
    });
    await past15s();
    for (const out_trade_no of [waiting, paid, paid]) {
      expect(await v2("secapi/pay/reverse", { out_trade_no })).toMatchObject({ result_code: "SUCCESS", recall: "N" });
      expect(await v2("pay/orderquery", { out_trade_no })).toMatchObject({ trade_state: "REVOKED" });
    }
    await expect(sandbox.control("/pay", { code: waiting })).rejects.toThrow("409");
  });

  test("a reversal meets a payer who enters the password: try again", async () => {
    const out_trade_no = nextNumber();
    await micropay(out_trade_no, await draw("confirm"));
    await past15s();
    await sandbox.control("/faults", { channel: "wechat", operation: "cancel", fault: "user_paying" });
    expect(await v2("secapi/pay/reverse", { out_trade_no })).toMatchObject({ err_code: "USERPAYING", recall: "Y" });
    expect(await v2("secapi/pay/reverse", { out_trade_no })).toMatchObject({ result_code: "SUCCESS", recall: "N" });
  });

  test.each(["bad_signature", "no_signature"])("%s is noticed by the client", async (fault) => {
    await sandbox.control("/faults", { channel: "wechat", operation: "pay", fault });
    await expect(micropay(nextNumber(), await draw("success"))).rejects.toThrow();
  });

  test("refuses what is not signed with the merchant's key, without a signature of its own", async () => {
    const fields = { appid: merchant.appid, mch_id: merchant.mchid, nonce_str: "n", out_trade_no: "CODE1" };
    for (const key of ["0".repeat(32), merchant.api_v3_key]) {
      const body = writeXml({ ...fields, sign: signFields(fields, key, "MD5") });
      const answer = await fetch(`${sandbox.url}/pay/orderquery`, { method: "POST", body });
      expect(readXml(await answer.text())).toEqual({ return_code: "FAIL", return_msg: "签名错误" });
    }
  });

  test.each([
    '<!DOCTYPE xml [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><a>&x;</a></xml>',
    "<xml><a>&x;</a></xml>",
    "<xml><a><b>1</b></a></xml>",
    "<xml><a>1</a><a>2</a></xml>",
    "<xml><a>1</b></xml>",
    "<xml><a>1</a>stray</xml>",
    "{}",
  ])("reads nothing but flat XML: %s", async (body) => {
    const answer = await fetch(`${sandbox.url}/pay/orderquery`, { method: "POST", body });
    expect(readXml(await answer.text())).toEqual({ return_code: "FAIL", return_msg: "XML格式错误" });
  });
});

describe("API v3", () => {
  const place = (out_trade_no: string, auth_code: string) =>
    merchant.call("post", "/v3/pay/transactions/codepay", {
      appid: merchant.appid,
      mchid: merchant.mchid,
      description: "Tea 茶",
      out_trade_no,
      payer: { auth_code },
      amount: { total: 1234, currency: "CNY" },
      scene_info: { device_ip: "203.0.113.7" },
    });
  const reverse = (out_trade_no: string) =>
    merchant.call("post", `/v3/pay/transactions/out-trade-no/${out_trade_no}/reverse`, {
      appid: merchant.appid,
      mchid: merchant.mchid,
    });

  test("takes the money at once and tells of it", async () => {
    const out_trade_no = nextNumber();
    const { status, data } = await place(out_trade_no, await draw("success"));
    expect([status, data]).toMatchObject([200, { trade_state: "SUCCESS", out_trade_no, amount: { total: 1234 } }]);
  });

  test.each([
    ["confirm", "USERPAYING"],
    ["expired", "AUTHCODEEXPIRE"],
    ["invalid", "AUTH_CODE_INVALID"],
    ["not_enough", "NOTENOUGH"],
    ["system_error", "SYSTEM_ERROR"],
  ])("%s: refuses with %s", async (behaviour, code) => {
    expect((await place(nextNumber(), await draw(behaviour))).data).toMatchObject({ code });
  });

  test("reverses, and does not close", async () => {
    const out_trade_no = nextNumber();
    await place(out_trade_no, await draw("confirm"));
    const close = `/v3/pay/transactions/out-trade-no/${out_trade_no}/close`;
    expect((await merchant.call("post", close, { mchid: merchant.mchid })).data).toMatchObject({
      code: "INVALID_REQUEST",
    });
    expect((await reverse(out_trade_no)).data).toMatchObject({ code: "USERPAYING" });
    await past15s();
    expect(await reverse(out_trade_no)).toMatchObject({ status: 200, data: { out_trade_no } });
    const query = { mchid: merchant.mchid };
    const asked = await merchant.call("get", `/v3/pay/transactions/out-trade-no/${out_trade_no}`, { params: query });
    expect(asked.data).toMatchObject({ trade_state: "REVOKED" });
  });
});
