/**
 * Guarantees that the simulated Alipay takes, shows, closes, refunds and announces trades as the openapi gateway does,
 * judged by the official SDK with signature validation on, in key mode and in certificate mode.
 */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant, openNotice } from "../testing/alipay-client.ts";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let last = 0;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver({ status: 200, body: "success" });
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
  return { out_trade_no: `A${String(last).padStart(8, "0")}`, total_amount: "12.34", subject: "Tea 茶 a/b", ...more };
}

for (const mode of ["key", "certificate"]) {
  describe(`in ${mode} mode`, () => {
    let merchant: AlipayMerchantUnderTest;
    beforeAll(async () => {
      merchant = await makeAlipayMerchant(sandbox, { mode });
    });
    const place = (body: Json) =>
      merchant.call("alipay.trade.precreate", body, { notifyUrl: `${receiver.url}/notice` });

    it("precreates, knows nothing of the trade until it is scanned, and announces the payment", async () => {
      const body = order({ passback_params: "a%3D1" });
      const placed = await place(body);
      expect(placed).toMatchObject({ code: "10000", out_trade_no: body.out_trade_no });
      expect(placed.qr_code).toMatch(/^https:\/\/qr\.alipay\.com\/bax\w+$/);
      const absent = await merchant.call("alipay.trade.query", { out_trade_no: body.out_trade_no });
      expect(absent).toMatchObject({ code: "40004", sub_code: "ACQ.TRADE_NOT_EXIST" });
      const paid = await sandbox.control("/pay", { code: placed.qr_code });
      expect(paid).toMatchObject({ paid: true, channel: "alipay", amount: 1234 });
      const [message] = await receiver.until(1);
      expect(openNotice(merchant, message!)).toMatchObject({
        app_id: merchant.app_id,
        seller_id: merchant.seller_id,
        out_trade_no: body.out_trade_no,
        trade_no: paid.transaction_id,
        trade_status: "TRADE_SUCCESS",
        total_amount: "12.34",
        passback_params: "a%3D1",
      });
      const asked = await merchant.call("alipay.trade.query", { trade_no: paid.transaction_id });
      expect(asked).toMatchObject({ trade_status: "TRADE_SUCCESS", total_amount: "12.34", buyer_user_id: paid.payer });
    });

    it("refunds in parts with a cumulative refund_fee and fund_change N for a repetition", async () => {
      const body = order();
      await place(body);
      await sandbox.control("/pay", { code: body.out_trade_no, notify: false });
      const part = { out_trade_no: body.out_trade_no, refund_amount: "2.00", out_request_no: "R1" };
      expect(await merchant.call("alipay.trade.refund", part)).toMatchObject({ fund_change: "Y", refund_fee: "2.00" });
      expect(await merchant.call("alipay.trade.refund", part)).toMatchObject({ fund_change: "N", refund_fee: "2.00" });
      const discordant = await merchant.call("alipay.trade.refund", { ...part, refund_amount: "3.00" });
      expect(discordant.sub_code).toBe("ACQ.DISCORDANT_REPEAT_REQUEST");
      const excess = { ...part, out_request_no: "R2", refund_amount: "10.35" };
      expect((await merchant.call("alipay.trade.refund", excess)).sub_code).toBe("ACQ.REASON_TRADE_REFUND_FEE_ERR");
      const rest = await merchant.call("alipay.trade.refund", { ...excess, refund_amount: "10.34" });
      expect(rest).toMatchObject({ fund_change: "Y", refund_fee: "12.34" });
      const notices = (await receiver.until(2)).map((message) => openNotice(merchant, message));
      expect(notices.map((notice) => [notice.out_biz_no, notice.refund_fee, notice.trade_status])).toEqual([
        ["R1", "2.00", "TRADE_SUCCESS"],
        ["R2", "12.34", "TRADE_CLOSED"],
      ]);
      const number = { out_trade_no: body.out_trade_no };
      const asked = await merchant.call("alipay.trade.fastpay.refund.query", { ...number, out_request_no: "R1" });
      expect(asked).toMatchObject({ refund_status: "REFUND_SUCCESS", refund_amount: "2.00" });
      const unknown = await merchant.call("alipay.trade.fastpay.refund.query", { ...number, out_request_no: "R9" });
      expect(unknown.code).toBe("10000");
      expect(unknown.refund_status).toBeUndefined();
    });

    it("serves page and wap orders to a browser and comes back with signed parameters", async () => {
      const body = order({ product_code: "FAST_INSTANT_TRADE_PAY" });
      const url = merchant.sdk.pageExecute("alipay.trade.page.pay", "GET", {
        bizContent: body,
        returnUrl: "https://merchant.example/back?x=1",
        notifyUrl: `${receiver.url}/notice`,
      });
      const opened = await fetch(url, { redirect: "manual" });
      expect(opened.status).toBe(302);
      expect(opened.headers.get("location")).toContain(`${sandbox.url}/wallet/pay?code=lnk`);
      const asked = await merchant.call("alipay.trade.query", { out_trade_no: body.out_trade_no });
      expect(asked.trade_status).toBe("WAIT_BUYER_PAY");
      expect(await sandbox.control("/pay", { code: url })).toMatchObject({
        paid: true,
        out_trade_no: body.out_trade_no,
      });
      expect(openNotice(merchant, (await receiver.until(1))[0]!).trade_status).toBe("TRADE_SUCCESS");
    });
  });
}

describe("certificates", () => {
  it("are readable by Node, chained, and counted as the SDK counts them", async () => {
    const merchant = await makeAlipayMerchant(sandbox, { mode: "certificate" });
    const [leaf, issuer] = merchant.alipay_cert_pem.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g);
    const roots = merchant.alipay_root_cert_pem.match(/-----BEGIN[\s\S]+?-----END CERTIFICATE-----/g);
    const authority = new X509Certificate(issuer);
    expect(new X509Certificate(leaf).verify(authority.publicKey)).toBe(true);
    expect(new X509Certificate(merchant.app_cert_pem).verify(authority.publicKey)).toBe(true);
    const root = roots
      .map((pem: string) => new X509Certificate(pem))
      .find((item: X509Certificate) => item.subject === authority.issuer);
    expect(authority.verify(root.publicKey)).toBe(true);
    expect(authority.ca).toBe(true);
    const { config } = merchant.sdk;
    expect(config.appCertSn).toBe(merchant.app_cert_sn);
    expect(config.alipayCertSn).toBe(merchant.alipay_cert_sn);
    expect(config.alipayRootCertSn).toBe(merchant.alipay_root_cert_sn);
    expect(roots).toHaveLength(3);
  });
});
