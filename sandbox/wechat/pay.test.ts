/**
 * Guarantees that the simulated WeChat Pay takes, shows, closes and announces orders as API v3 does, judged by an
 * independent client (wechatpay-axios-plugin) that verifies every signed answer and decrypts every notice.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeCall, makeWechatMerchant, openNotice, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: WechatMerchantUnderTest;
let last = 0;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver();
  merchant = await makeWechatMerchant(sandbox);
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

function order(more: object = {}): Json {
  last += 1;
  return {
    mchid: merchant.mchid,
    appid: merchant.appid,
    description: "Tea 茶",
    out_trade_no: `ORDER${String(last).padStart(8, "0")}`,
    notify_url: `${receiver.url}/notice`,
    amount: { total: 1234, currency: "CNY" },
    ...more,
  };
}

const base = "/v3/pay/transactions";
const query = (number: string) =>
  merchant.call("get", `${base}/out-trade-no/${number}`, { params: { mchid: merchant.mchid } });

describe("placing an order", () => {
  it("answers a code_url for native, a prepay_id for jsapi and app, an h5_url for h5", async () => {
    const native = await merchant.call("post", `${base}/native`, order());
    expect(native.data.code_url).toMatch(/^weixin:\/\/wxpay\/bizpayurl\?pr=\w+$/);
    const jsapi = await merchant.call(
      "post",
      `${base}/jsapi`,
      order({ payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" } }),
    );
    expect(jsapi.data.prepay_id).toMatch(/^wx\d{14}[0-9a-f]{20}$/);
    const app = await merchant.call("post", `${base}/app`, order());
    expect(app.data.prepay_id).toMatch(/^wx/);
    const scene_info = { payer_client_ip: "10.0.0.1", h5_info: { type: "Wap" } };
    const h5 = await merchant.call("post", `${base}/h5`, order({ scene_info }));
    expect(h5.data.h5_url).toContain(`${sandbox.url}/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx`);
  });

  it.each([
    ["a missing description", { description: undefined }, "/description"],
    ["an amount of zero", { amount: { total: 0 } }, "/amount/total"],
    ["an amount with a fraction", { amount: { total: 1.5 } }, "/amount/total"],
    ["an amount as text", { amount: { total: "1" } }, "/amount/total"],
    ["another currency", { amount: { total: 1, currency: "USD" } }, "/amount/currency"],
    ["a short number", { out_trade_no: "A1" }, "/out_trade_no"],
    ["a number with a space", { out_trade_no: "ABC DEF" }, "/out_trade_no"],
    ["a public notify_url without TLS", { notify_url: "http://example.com/n" }, "/notify_url"],
    ["a notify_url with a query", { notify_url: "https://example.com/n?a=1" }, "/notify_url"],
    ["a time_expire of the past", { time_expire: "2020-01-01T00:00:00+08:00" }, "/time_expire"],
    ["another merchant's mchid", { mchid: "1900000109" }, "/mchid"],
  ])("refuses %s with PARAM_ERROR and names the field", async (_name, change, field) => {
    const refused = await merchant.call("post", `${base}/native`, order(change));
    expect(refused.status).toBe(400);
    expect(refused.data).toMatchObject({ code: "PARAM_ERROR", detail: { field } });
    expect(refused.headers["wechatpay-signature"]).toBeUndefined();
  });

  it("refuses a jsapi order without an openid and an h5 order without a scene", async () => {
    const jsapi = await merchant.call("post", `${base}/jsapi`, order());
    expect(jsapi.data).toMatchObject({ code: "PARAM_ERROR", detail: { field: "/payer" } });
    const h5 = await merchant.call("post", `${base}/h5`, order());
    expect(h5.data).toMatchObject({ code: "PARAM_ERROR", detail: { field: "/scene_info" } });
  });

  it("refuses an appid that is not the merchant's", async () => {
    const refused = await merchant.call("post", `${base}/native`, order({ appid: "wxffffffffffffffff" }));
    expect(refused.data.code).toBe("APPID_MCHID_NOT_MATCH");
  });

  it("answers the same code again for the same order, and OUT_TRADE_NO_USED for another one", async () => {
    const body = order();
    const first = await merchant.call("post", `${base}/native`, body);
    const again = await merchant.call("post", `${base}/native`, body);
    expect(again.data.code_url).toBe(first.data.code_url);
    const other = await merchant.call("post", `${base}/native`, { ...body, amount: { total: 9 } });
    expect(other.status).toBe(403);
    expect(other.data.code).toBe("OUT_TRADE_NO_USED");
  });

  it("refuses a number that is paid, and one that is closed", async () => {
    const body = order();
    await merchant.call("post", `${base}/native`, body);
    await sandbox.control("/pay", { code: body.out_trade_no });
    expect((await merchant.call("post", `${base}/native`, body)).data.code).toBe("ORDER_PAID");
    const other = order();
    await merchant.call("post", `${base}/native`, other);
    await merchant.call("post", `${base}/out-trade-no/${other.out_trade_no}/close`, { mchid: merchant.mchid });
    expect((await merchant.call("post", `${base}/native`, other)).data.code).toBe("ORDER_CLOSED");
  });
});

describe("paying", () => {
  it("moves NOTPAY to SUCCESS and sends a signed, encrypted notice", async () => {
    const body = order({ attach: "a/b" });
    const placed = await merchant.call("post", `${base}/native`, body);
    const before = await query(body.out_trade_no);
    expect(before.data).toMatchObject({ trade_state: "NOTPAY", amount: { total: 1234 } });
    expect(before.data.transaction_id).toBeUndefined();
    const paid = await sandbox.control("/pay", { code: placed.data.code_url, outcome: "success" });
    expect(paid).toMatchObject({ paid: true, channel: "wechat", out_trade_no: body.out_trade_no, amount: 1234 });
    const [message] = await receiver.until(1);
    const notice = openNotice(merchant, message!);
    expect(notice.event_type).toBe("TRANSACTION.SUCCESS");
    expect(notice.content).toMatchObject({
      mchid: merchant.mchid,
      appid: merchant.appid,
      out_trade_no: body.out_trade_no,
      transaction_id: paid.transaction_id,
      trade_type: "NATIVE",
      trade_state: "SUCCESS",
      attach: "a/b",
      amount: { total: 1234, payer_total: 1234, currency: "CNY", payer_currency: "CNY" },
    });
    const after = await merchant.call("get", `${base}/id/${paid.transaction_id}`, {
      params: { mchid: merchant.mchid },
    });
    expect(after.data).toMatchObject({ trade_state: "SUCCESS", payer: { openid: paid.payer } });
  });

  it("leaves the order open when the payment fails, and refuses a second payment", async () => {
    const body = order();
    await merchant.call("post", `${base}/native`, body);
    expect(await sandbox.control("/pay", { code: body.out_trade_no, outcome: "fail" })).toMatchObject({ paid: false });
    expect((await query(body.out_trade_no)).data.trade_state).toBe("NOTPAY");
    await sandbox.control("/pay", { code: body.out_trade_no });
    await expect(sandbox.control("/pay", { code: body.out_trade_no })).rejects.toThrow(/409.*paid already/);
  });

  it("lets a jsapi order be paid by its own openid only", async () => {
    const body = order({ payer: { openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" } });
    const placed = await merchant.call("post", `${base}/jsapi`, body);
    await expect(sandbox.control("/pay", { code: placed.data.prepay_id, payer: "someone else" })).rejects.toThrow(
      /openid/,
    );
    const paid = await sandbox.control("/pay", { code: placed.data.prepay_id });
    expect(paid.payer).toBe("oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
  });
});

describe("closing and expiry", () => {
  it("closes with a signed 204, again and again, and the code can no longer be paid", async () => {
    const body = order();
    const placed = await merchant.call("post", `${base}/native`, body);
    const path = `${base}/out-trade-no/${body.out_trade_no}/close`;
    expect((await merchant.call("post", path, { mchid: merchant.mchid })).status).toBe(204);
    expect((await merchant.call("post", path, { mchid: merchant.mchid })).status).toBe(204);
    expect((await query(body.out_trade_no)).data.trade_state).toBe("CLOSED");
    await expect(sandbox.control("/pay", { code: placed.data.code_url })).rejects.toThrow(/409.*closed/);
  });

  it("refuses to close a paid order and an unknown one", async () => {
    const body = order();
    await merchant.call("post", `${base}/native`, body);
    await sandbox.control("/pay", { code: body.out_trade_no });
    const paid = await merchant.call("post", `${base}/out-trade-no/${body.out_trade_no}/close`, {
      mchid: merchant.mchid,
    });
    expect(paid.data.code).toBe("ORDER_PAID");
    const unknown = await merchant.call("post", `${base}/out-trade-no/NOSUCHORDER/close`, { mchid: merchant.mchid });
    expect([unknown.status, unknown.data.code]).toEqual([404, "ORDER_NOT_EXIST"]);
  });

  it("closes by itself at time_expire", async () => {
    const own = await startTestSandbox({ now: () => now_ms });
    let now_ms = Date.now();
    const member = await makeWechatMerchant(own);
    const body = order({
      mchid: member.mchid,
      appid: member.appid,
      time_expire: new Date(now_ms + 60_000).toISOString(),
    });
    await member.call("post", `${base}/native`, body);
    now_ms += 61_000;
    const asked = await member.call("get", `${base}/out-trade-no/${body.out_trade_no}`, {
      params: { mchid: member.mchid },
    });
    expect(asked.data.trade_state).toBe("CLOSED");
    await own.close();
  });
});

describe("who signs", () => {
  it("uses the public key for a new merchant and 404s its certificates", async () => {
    const fresh = await makeWechatMerchant(sandbox, { verify_mode: "public_key" });
    expect(fresh.platform_certificate_pem).toBeUndefined();
    const body = order({ mchid: fresh.mchid, appid: fresh.appid });
    const placed = await fresh.call("post", `${base}/native`, body);
    expect(placed.headers["wechatpay-serial"]).toBe(fresh.public_key_id);
    await sandbox.control("/pay", { code: placed.data.code_url });
    const [message] = await receiver.until(1);
    expect(openNotice(fresh, message!).content.trade_state).toBe("SUCCESS");
    expect((await fresh.call("get", "/v3/certificates")).status).toBe(404);
  });

  it("chooses by Wechatpay-Serial for a migrating merchant", async () => {
    const both = await makeWechatMerchant(sandbox, { verify_mode: "both" });
    const body = () => order({ mchid: both.mchid, appid: both.appid });
    const old = await both.call("post", `${base}/native`, body());
    expect(old.headers["wechatpay-serial"]).toBe(both.platform_serial_no);
    const fresh = await both.call("post", `${base}/native`, body(), { "Wechatpay-Serial": both.public_key_id });
    expect(fresh.headers["wechatpay-serial"]).toBe(both.public_key_id);
  });

  it("rotates: an old trust no longer verifies, and the new certificate is downloadable with the APIv3 key", async () => {
    const member = await makeWechatMerchant(sandbox);
    const rotated = await sandbox.control("/keys/rotate", { channel: "wechat", merchant: member.mchid });
    expect(rotated.platform_serial_no).not.toBe(member.platform_serial_no);
    const body = order({ mchid: member.mchid, appid: member.appid });
    await expect(member.call("post", `${base}/native`, body)).rejects.toThrow(/serial/);
    const call = makeCall(sandbox, member, { [rotated.platform_serial_no]: rotated.platform_certificate_pem });
    const { data } = await call("get", "/v3/certificates");
    expect(data.data.map((item: Json) => item.serial_no)).toEqual([
      member.platform_serial_no,
      rotated.platform_serial_no,
    ]);
    const { Aes } = await import("wechatpay-axios-plugin");
    const { ciphertext, nonce, associated_data } = data.data[1].encrypt_certificate;
    expect(Aes.AesGcm.decrypt(ciphertext, member.api_v3_key, nonce, associated_data)).toBe(
      rotated.platform_certificate_pem,
    );
  });
});
