/**
 * Guarantees that the simulated Alipay gateway is as strict as the real one about who is calling and what it says,
 * and that each fault of an exchange, a refund or a notice happens as it is described.
 */
import { createSign, generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant, openNotice } from "../testing/alipay-client.ts";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { alipay_schedule_s } from "./notice.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: AlipayMerchantUnderTest;
let last = 0;

beforeAll(async () => {
  // Time stands still but for what a test advances, so that a slow machine cannot bring a retry forward.
  const started_ms = Date.now();
  sandbox = await startTestSandbox({ now: () => started_ms });
  receiver = await startReceiver({ status: 200, body: "success" });
  merchant = await makeAlipayMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  receiver.clear();
  receiver.reply = { status: 200, body: "success" };
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

function order(more: object = {}): Json {
  last += 1;
  return { out_trade_no: `B${String(last).padStart(8, "0")}`, total_amount: "12.34", subject: "Tea", ...more };
}

const place = (body: Json) => merchant.call("alipay.trade.precreate", body, { notifyUrl: `${receiver.url}/notice` });
const query = (body: Json) => merchant.call("alipay.trade.query", { out_trade_no: body.out_trade_no });
const ask = (operation: string, fault: string, delay_ms?: number) =>
  sandbox.control("/faults", { channel: "alipay", operation, fault, times: 1, ...(delay_ms && { delay_ms }) });

async function placeAndPay(): Promise<Json> {
  const body = order();
  await place(body);
  await sandbox.control("/pay", { code: body.out_trade_no });
  return body;
}

/** A request signed by hand, so that each part can be wrong on its own. */
async function send(
  change: Record<string, string | undefined>,
  key: string = merchant.app_private_key_pem,
): Promise<Json> {
  const parameters: Record<string, string> = {};
  const whole: Record<string, string | undefined> = {
    app_id: merchant.app_id,
    method: "alipay.trade.query",
    charset: "utf-8",
    sign_type: "RSA2",
    timestamp: "2026-11-20 12:00:00",
    version: "1.0",
    biz_content: '{"out_trade_no":"NOSUCH"}',
    ...change,
  };
  for (const [name, value] of Object.entries(whole)) if (value !== undefined) parameters[name] = value;
  const text = Object.keys(parameters)
    .sort()
    .map((name) => `${name}=${parameters[name]}`)
    .join("&");
  const sign = change.sign ?? createSign("RSA-SHA256").update(text).sign(key, "base64");
  const response = await fetch(merchant.gateway, {
    method: "POST",
    body: new URLSearchParams({ ...parameters, sign }),
  });
  expect(response.status).toBe(200);
  return response.json();
}

describe("verification", () => {
  it("answers a signed business error to a right signature", async () => {
    const answer = await send({});
    expect(answer.alipay_trade_query_response).toMatchObject({ code: "40004", sub_code: "ACQ.TRADE_NOT_EXIST" });
    expect(answer.sign).toBeTypeOf("string");
  });

  it.each<[string, Record<string, string | undefined>]>([
    ["isv.invalid-signature", { sign: "AAAA" }],
    ["isv.invalid-app-id", { app_id: "2021000000000000" }],
    ["isv.missing-app-id", { app_id: undefined }],
    ["isv.invalid-method", { method: "alipay.trade.nonsense" }],
    ["isv.missing-signature-type", { sign_type: undefined }],
    ["isv.invalid-signature-type", { sign_type: "RSA" }],
    ["isv.missing-timestamp", { timestamp: undefined }],
    ["isv.invalid-timestamp", { timestamp: "2026-11-20T12:00:00Z" }],
    ["isv.missing-version", { version: undefined }],
    ["isv.invalid-charset", { charset: "gbk" }],
    ["isv.invalid-parameter", { biz_content: "{" }],
  ])("refuses with %s, unsigned", async (sub_code, change) => {
    const answer = await send(change);
    expect(Object.values(answer)[0]).toMatchObject({ code: expect.stringMatching(/^4000[12]$/), sub_code });
    expect(answer.sign).toBeUndefined();
  });

  it("refuses another key's signature", async () => {
    const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const answer = await send({}, pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString());
    expect(answer.alipay_trade_query_response.sub_code).toBe("isv.invalid-signature");
  });

  it("refuses an unknown application certificate and an unknown root in certificate mode", async () => {
    const member = await makeAlipayMerchant(sandbox, { mode: "certificate" });
    const attempt = async (change: Record<string, string>) => {
      const base = {
        app_id: member.app_id,
        app_cert_sn: member.app_cert_sn,
        alipay_root_cert_sn: member.alipay_root_cert_sn,
      };
      const answer = await send({ ...base, ...change }, member.app_private_key_pem);
      return answer.alipay_trade_query_response.sub_code;
    };
    expect(await attempt({})).toBe("ACQ.TRADE_NOT_EXIST");
    expect(await attempt({ app_cert_sn: "0".repeat(32) })).toBe("isv.app-cert-not-exist");
    expect(await attempt({ alipay_root_cert_sn: "0".repeat(32) })).toBe("isv.invalid-alipay-root-cert-sn");
    await sandbox.control("/clock", { advance: 5 * 366 * 86_400 });
    expect(await attempt({})).toBe("isv.app-cert-expired");
  });
});

describe("orders", () => {
  it.each([
    ["an amount of zero", { total_amount: "0.00" }],
    ["three decimals", { total_amount: "1.234" }],
    ["a negative amount", { total_amount: "-1" }],
    ["no subject", { subject: undefined }],
    ["a number with a dash", { out_trade_no: "A-1" }],
    ["a bad timeout", { timeout_express: "5x" }],
    ["a time_expire of the past", { time_expire: "2020-01-01 00:00:00" }],
  ])("refuses %s with ACQ.INVALID_PARAMETER", async (_name, change) => {
    expect(await place(order(change))).toMatchObject({ code: "40004", sub_code: "ACQ.INVALID_PARAMETER" });
  });

  it("answers the same code for the same order, CONTEXT_INCONSISTENT for another one, and knows paid and closed ones", async () => {
    const body = order();
    const first = await place(body);
    expect((await place(body)).qr_code).toBe(first.qr_code);
    expect((await place({ ...body, total_amount: "9.99" })).sub_code).toBe("ACQ.CONTEXT_INCONSISTENT");
    await sandbox.control("/pay", { code: first.qr_code });
    expect((await place(body)).sub_code).toBe("ACQ.TRADE_HAS_SUCCESS");
    const other = order();
    await place(other);
    await fetch(`${sandbox.url}/wallet/pay?code=${other.out_trade_no}`);
    expect((await query(other)).trade_status).toBe("WAIT_BUYER_PAY");
    expect(await merchant.call("alipay.trade.close", { out_trade_no: other.out_trade_no })).toMatchObject({
      code: "10000",
    });
    expect((await query(other)).trade_status).toBe("TRADE_CLOSED");
    expect((await place(other)).sub_code).toBe("ACQ.TRADE_HAS_CLOSE");
    await expect(sandbox.control("/pay", { code: other.out_trade_no })).rejects.toThrow(/409.*closed/);
  });

  it("closes a trade that was opened and not paid in its time", async () => {
    const body = order({ timeout_express: "30m" });
    await place(body);
    await fetch(`${sandbox.url}/wallet/pay?code=${body.out_trade_no}`);
    await sandbox.control("/clock", { advance: 1801 });
    expect((await query(body)).trade_status).toBe("TRADE_CLOSED");
  });

  it("cancels: nothing for an unscanned code (which dies), close for an open trade, refund for a paid one", async () => {
    const cancel = (body: Json) => merchant.call("alipay.trade.cancel", { out_trade_no: body.out_trade_no });
    const unscanned = order();
    const { qr_code } = await place(unscanned);
    expect((await cancel(unscanned)).action).toBeUndefined();
    await expect(sandbox.control("/pay", { code: qr_code })).rejects.toThrow(/cancelled/);
    const open = order();
    await place(open);
    await fetch(`${sandbox.url}/wallet/pay?code=${open.out_trade_no}`);
    expect(await cancel(open)).toMatchObject({ code: "10000", action: "close", retry_flag: "N" });
    const paid = await placeAndPay();
    expect(await cancel(paid)).toMatchObject({ code: "10000", action: "refund" });
    expect((await query(paid)).trade_status).toBe("TRADE_CLOSED");
  });

  it("creates for a known buyer at once", async () => {
    const created = await merchant.call("alipay.trade.create", order({ buyer_id: "2088123412341234" }));
    expect(created).toMatchObject({ code: "10000", trade_no: expect.stringMatching(/^\d{28}$/) });
    const paid = await sandbox.control("/pay", { code: created.trade_no });
    expect(paid.payer).toBe("2088123412341234");
  });

  it("opens the order string of an app", async () => {
    const body = order({ product_code: "QUICK_MSECURITY_PAY" });
    const text = merchant.sdk.sdkExecute("alipay.trade.app.pay", { bizContent: body });
    expect(await sandbox.control("/pay", { code: text })).toMatchObject({
      paid: true,
      out_trade_no: body.out_trade_no,
    });
    await expect(sandbox.control("/pay", { code: text.replace("Tea", "Tee") })).rejects.toThrow(/invalid-signature/);
  });
});

describe("faults of an exchange", () => {
  it.each([
    ["timeout_before", 0],
    ["timeout_after", 1],
  ])("%s drops the connection with %i orders taken", async (fault, count) => {
    // The SDK tries a broken connection once more by itself.
    await sandbox.control("/faults", { channel: "alipay", operation: "pay", fault, times: 2, delay_ms: 20 });
    await expect(place(order())).rejects.toThrow(/socket|closed|HTTP/i);
    expect((await sandbox.control("/trades")).data).toHaveLength(count);
  });

  it.each([
    ["system_error", { code: "40004", sub_code: "ACQ.SYSTEM_ERROR" }],
    ["wrong_number", { code: "10000", out_trade_no: expect.stringMatching(/X$/) }],
  ])("%s is signed", async (fault, untrue) => {
    await ask("pay", fault);
    expect(await place(order())).toMatchObject(untrue);
  });

  it.each([
    ["service_unavailable", "20000"],
    ["rate_limit", "40005"],
  ])("%s is an unsigned gateway error with code %s", async (fault, code) => {
    await ask("query", fault);
    expect((await send({})).alipay_trade_query_response.code).toBe(code);
  });

  it.each(["http_500", "bad_signature", "no_signature", "html", "empty"])(
    "%s cannot be verified by the SDK",
    async (fault) => {
      await ask("pay", fault);
      await expect(place(order())).rejects.toThrow();
      expect(await place(order())).toMatchObject({ code: "10000" });
    },
  );

  it("slow answers all the same, and wrong_amount is untrue and well signed", async () => {
    const body = await placeAndPay();
    await ask("query", "slow", 20);
    expect((await query(body)).total_amount).toBe("12.34");
    await ask("query", "wrong_amount");
    expect((await query(body)).total_amount).toBe("12.35");
  });
});

describe("faults of a refund", () => {
  const refund = (body: Json) =>
    merchant.call("alipay.trade.refund", {
      out_trade_no: body.out_trade_no,
      refund_amount: "1.00",
      out_request_no: "R1",
    });
  const ask_refund = (body: Json) =>
    merchant.call("alipay.trade.fastpay.refund.query", { out_trade_no: body.out_trade_no, out_request_no: "R1" });

  it("not_enough refuses, and the same number succeeds later", async () => {
    const body = await placeAndPay();
    await ask("refund", "not_enough");
    expect((await refund(body)).sub_code).toBe("ACQ.SELLER_BALANCE_NOT_ENOUGH");
    expect((await refund(body)).fund_change).toBe("Y");
  });

  it("refund_processing moves no money until told", async () => {
    const body = await placeAndPay();
    await ask("refund", "refund_processing");
    expect(await refund(body)).toMatchObject({ fund_change: "N", refund_fee: "0.00" });
    expect((await ask_refund(body)).refund_status).toBeUndefined();
    await sandbox.control("/refunds", { refund: "R1", outcome: "success" });
    expect((await ask_refund(body)).refund_status).toBe("REFUND_SUCCESS");
  });

  it("refund_closed fails it, and the same number may be asked again", async () => {
    const body = await placeAndPay();
    await ask("refund", "refund_closed");
    expect((await refund(body)).fund_change).toBe("N");
    expect((await ask_refund(body)).refund_status).toBeUndefined();
    expect((await refund(body)).fund_change).toBe("Y");
  });
});

describe("notices", () => {
  it("are retried at the documented intervals until the reply is exactly success, with one notify_id", async () => {
    receiver.reply = { status: 200, body: "ok" };
    await placeAndPay();
    await receiver.until(1);
    for (const [index, wait_s] of alipay_schedule_s.entries()) {
      await sandbox.control("/clock", { advance: wait_s - 1 });
      expect(receiver.received).toHaveLength(index + 1);
      await sandbox.control("/clock", { advance: 1 });
      expect(receiver.received).toHaveLength(index + 2);
    }
    const ids = receiver.received.map((message) => openNotice(merchant, message).notify_id);
    expect(new Set(ids).size).toBe(1);
  });

  it("are tried three times at once first, of an application that is registered so", async () => {
    const eager = await makeAlipayMerchant(sandbox, { eager_notices: true });
    receiver.reply = { status: 200, body: "fail" };
    const notifyUrl = `${receiver.url}/notice`;
    const { qr_code } = await eager.call("alipay.trade.precreate", order(), { notifyUrl });
    await sandbox.control("/pay", { code: qr_code });
    await receiver.until(1);
    await sandbox.control("/clock", { advance: 0 });
    await sandbox.control("/clock", { advance: 0 });
    expect(receiver.received).toHaveLength(3);
    await sandbox.control("/clock", { advance: 239 });
    expect(receiver.received).toHaveLength(3);
    await sandbox.control("/clock", { advance: 1 });
    expect(receiver.received).toHaveLength(4);
  });

  it.each(["notice_tampered", "notice_bad_signature"])("%s does not verify; the next try does", async (fault) => {
    await ask("notice", fault);
    receiver.reply = { status: 200, body: "fail" };
    await placeAndPay();
    await receiver.until(1);
    expect(() => openNotice(merchant, receiver.received[0]!)).toThrow("bad signature");
    await sandbox.control("/clock", { advance: 240 });
    expect(openNotice(merchant, receiver.received[1]!).total_amount).toBe("12.34");
  });

  it.each([
    ["notice_wrong_amount", "total_amount", "12.35"],
    ["notice_wrong_merchant", "seller_id", "2088000000000001"],
  ])("%s is untrue and well signed", async (fault, field, untrue) => {
    await ask("notice", fault);
    await placeAndPay();
    expect(openNotice(merchant, (await receiver.until(1))[0]!)[field]).toBe(untrue);
  });
});

describe("authorization", () => {
  it("gives a code that is good once, for five minutes, and always the same user", async () => {
    const redirect_uri = "https://merchant.example/back?x=1";
    const authorize = async () => {
      const query_string = new URLSearchParams({
        app_id: merchant.app_id,
        scope: "auth_base",
        redirect_uri,
        state: "s1",
      });
      const response = await fetch(`${merchant.oauth_url}?${query_string}`, { redirect: "manual" });
      const target = new URL(response.headers.get("location")!);
      expect([target.searchParams.get("x"), target.searchParams.get("state")]).toEqual(["1", "s1"]);
      return target.searchParams.get("auth_code")!;
    };
    const token = (code: string) =>
      merchant.sdk.exec(
        "alipay.system.oauth.token",
        { grant_type: "authorization_code", code },
        { validateSign: true },
      ) as Promise<Json>;
    const code = await authorize();
    const first = await token(code);
    expect(first.user_id).toMatch(/^2088\d{12}$/);
    expect(first.code).toBeUndefined();
    expect((await token(await authorize())).user_id).toBe(first.user_id);
    const used = await send({
      method: "alipay.system.oauth.token",
      grant_type: "authorization_code",
      code,
      biz_content: undefined,
    });
    expect(used.error_response.sub_code).toBe("isv.code-invalid");
    const stale = await authorize();
    await sandbox.control("/clock", { advance: 301 });
    const late = await send({
      method: "alipay.system.oauth.token",
      grant_type: "authorization_code",
      code: stale,
      biz_content: undefined,
    });
    expect(late.error_response.sub_code).toBe("isv.code-invalid");
  });
});

describe("rotation", () => {
  it("signs with a new key, and the new certificate can be downloaded by its number", async () => {
    const member = await makeAlipayMerchant(sandbox, { mode: "certificate" });
    const rotated = await sandbox.control("/keys/rotate", { channel: "alipay", merchant: member.app_id });
    expect(rotated.alipay_cert_sn).not.toBe(member.alipay_cert_sn);
    await expect(member.call("alipay.trade.query", { out_trade_no: "NOSUCH" })).rejects.toThrow(/验签失败/);
    const answer = await member.sdk.exec("alipay.open.app.alipaycert.download", {
      bizContent: { alipay_cert_sn: rotated.alipay_cert_sn },
    });
    expect(Buffer.from((answer as Json).alipay_cert_content, "base64").toString()).toBe(rotated.alipay_cert_pem);
  });
});
