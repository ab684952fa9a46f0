/**
 * Guarantees that the simulated WeChat Pay is as strict as the real one about who is calling: signature, serial
 * number, clock skew, nonce, headers; and that each fault of an exchange happens as it is described.
 */
import { generateKeyPairSync, sign } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeOrder, makeWechatMerchant, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let merchant: WechatMerchantUnderTest;
const notify_url = "http://127.0.0.1:9/notice";
const path = "/v3/pay/transactions/native";

beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makeWechatMerchant(sandbox);
});
afterAll(() => sandbox.close());

type Hand = { key?: string; timestamp?: number; nonce?: string; serial?: string; signed_body?: string; headers?: Json };

let nonces = 0;

/** A request signed by hand, so that each part can be wrong on its own. */
async function send(body: Json, hand: Hand = {}): Promise<{ status: number; data: Json }> {
  nonces += 1;
  const text = JSON.stringify(body);
  const timestamp = hand.timestamp ?? Math.floor(Date.now() / 1000);
  const nonce = hand.nonce ?? `nonce${nonces}`;
  const message = `POST\n${path}\n${timestamp}\n${nonce}\n${hand.signed_body ?? text}\n`;
  const signature = sign("sha256", Buffer.from(message), hand.key ?? merchant.merchant_private_key_pem).toString(
    "base64",
  );
  const serial = hand.serial ?? merchant.merchant_serial_no;
  const response = await fetch(`${sandbox.url}${path}`, {
    method: "POST",
    body: text,
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "User-Agent": "test",
      Authorization: `WECHATPAY2-SHA256-RSA2048 mchid="${merchant.mchid}",nonce_str="${nonce}",signature="${signature}",timestamp="${timestamp}",serial_no="${serial}"`,
      ...hand.headers,
    },
  });
  return { status: response.status, data: await response.json() };
}

describe("verification", () => {
  it("accepts a right signature", async () => {
    expect((await send(makeOrder(merchant, notify_url))).status).toBe(200);
  });

  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" });
  const now_s = Math.floor(Date.now() / 1000);
  it.each<[string, Hand]>([
    ["another key's signature", { key: other.toString() }],
    ["a signature of another body", { signed_body: "{}" }],
    ["another serial number", { serial: "0".repeat(40) }],
    ["a timestamp six minutes old", { timestamp: now_s - 360 }],
    ["a timestamp six minutes ahead", { timestamp: now_s + 360 }],
    ["no authorization", { headers: { Authorization: "" } }],
    ["another scheme", { headers: { Authorization: "Bearer x" } }],
    [
      "an unknown merchant",
      {
        headers: {
          Authorization: 'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="a",signature="b",timestamp="1",serial_no="c"',
        },
      },
    ],
  ])("refuses %s with 401 SIGN_ERROR", async (_name, hand) => {
    const refused = await send(makeOrder(merchant, notify_url), hand);
    expect([refused.status, refused.data.code]).toEqual([401, "SIGN_ERROR"]);
  });

  it("refuses a replayed request", async () => {
    const body = makeOrder(merchant, notify_url);
    expect((await send(body, { nonce: "replayed" })).status).toBe(200);
    expect((await send(body, { nonce: "replayed" })).data.code).toBe("SIGN_ERROR");
  });

  it("refuses a body that is not labelled as JSON", async () => {
    const refused = await send(makeOrder(merchant, notify_url), { headers: { "Content-Type": "text/plain" } });
    expect([refused.status, refused.data.code]).toEqual([400, "PARAM_ERROR"]);
  });
});

describe("faults of an exchange", () => {
  const place = (body: Json) => merchant.call("post", path, body);
  const query = (number: string) =>
    merchant.call("get", `/v3/pay/transactions/out-trade-no/${number}`, { params: { mchid: merchant.mchid } });
  const ask = (fault: string, operation = "pay") =>
    sandbox.control("/faults", { channel: "wechat", operation, fault, times: 1, delay_ms: 20 });

  it.each([
    ["timeout_before", 404],
    ["timeout_after", 200],
  ])("%s drops the connection; the order is then asked for with %i", async (fault, status) => {
    await ask(fault);
    const body = makeOrder(merchant, notify_url);
    await expect(place(body)).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect((await query(body.out_trade_no)).status).toBe(status);
    expect((await place(body)).data.code_url).toMatch(/^weixin:/);
  });

  it.each([
    ["http_500", 500, undefined],
    ["system_error", 500, "SYSTEM_ERROR"],
    ["rate_limit", 429, "FREQUENCY_LIMITED"],
  ])("%s answers %i and does nothing", async (fault, status, code) => {
    await ask(fault);
    const body = makeOrder(merchant, notify_url);
    const refused = await place(body);
    expect([refused.status, refused.data.code]).toEqual([status, code]);
    expect((await query(body.out_trade_no)).status).toBe(404);
  });

  it.each(["bad_signature", "no_signature", "html", "empty"])(
    "%s does the work and cannot be verified",
    async (fault) => {
      await ask(fault);
      const body = makeOrder(merchant, notify_url);
      await expect(place(body)).rejects.toThrow(/failed|incomplete|must have/i);
      expect((await query(body.out_trade_no)).data.trade_state).toBe("NOTPAY");
    },
  );

  it("slow answers all the same", async () => {
    await ask("slow");
    expect((await place(makeOrder(merchant, notify_url))).status).toBe(200);
  });

  it("slow lets the payer pay before the merchant has its answer", async () => {
    await sandbox.control("/faults", { channel: "wechat", operation: "pay", fault: "slow", times: 1, delay_ms: 1500 });
    const body = makeOrder(merchant, notify_url);
    let answered = false;
    const placing = place(body).then((placed: Json) => {
      answered = true;
      return placed;
    });
    const pay = () => sandbox.control("/pay", { code: body.out_trade_no, notify: false }).catch(() => undefined);
    let paid = await pay();
    while (paid === undefined && !answered) paid = await pay();
    expect([paid.paid, answered]).toEqual([true, false]);
    expect((await placing).data.code_url).toMatch(/^weixin:/);
  });

  it.each([
    ["wrong_amount", { amount: { total: 1235, currency: "CNY" } }],
    ["wrong_currency", { amount: { total: 1234, currency: "USD" } }],
    ["wrong_merchant", { mchid: "1900000001" }],
  ])("%s is untrue and well signed", async (fault, untrue) => {
    const body = makeOrder(merchant, notify_url);
    await place(body);
    await ask(fault, "query");
    expect((await query(body.out_trade_no)).data).toMatchObject(untrue);
    expect((await query(body.out_trade_no)).data).toMatchObject({
      mchid: merchant.mchid,
      amount: { total: 1234, currency: "CNY" },
    });
  });

  it("wrong_number is untrue and well signed", async () => {
    const body = makeOrder(merchant, notify_url);
    await place(body);
    await ask("wrong_number", "query");
    expect((await query(body.out_trade_no)).data.out_trade_no).not.toBe(body.out_trade_no);
  });

  it("keeps to its merchant, its operation and its count", async () => {
    const fault = { channel: "wechat", operation: "pay", fault: "system_error", times: 2, merchant: merchant.mchid };
    await sandbox.control("/faults", fault);
    const other = await makeWechatMerchant(sandbox);
    expect((await other.call("post", path, makeOrder(other, notify_url))).status).toBe(200);
    expect((await sandbox.control("/faults")).data).toMatchObject([{ fault: "system_error", times: 2 }]);
    const statuses: number[] = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await place(makeOrder(merchant, notify_url))).status);
    expect(statuses).toEqual([500, 500, 200]);
  });

  it.each([
    [{ channel: "wechat", operation: "pay", fault: "wrong_amount" }, /happens in query/],
    [{ channel: "wechat", operation: "query", fault: "notice_lost" }, /happens in notice/],
    [{ channel: "wechat", operation: "pay", fault: "nonsense" }, /"fault" must be one of/],
    [{ channel: "acme", operation: "pay", fault: "slow" }, /"channel" must be one of/],
    [{ channel: "alipay", operation: "notice", fault: "notice_signtest" }, /does not exist in alipay/],
    [{ channel: "wechat", operation: "pay", fault: "slow", times: 0 }, /"times" must be/],
    [{ channel: "wechat", operation: "pay", fault: "slow", tims: 1 }, /Unknown field "tims"/],
  ])("refuses %j with a sentence", async (fault, sentence) => {
    await expect(sandbox.control("/faults", fault)).rejects.toThrow(sentence);
  });
});
