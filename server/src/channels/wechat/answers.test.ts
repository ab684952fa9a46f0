/**
 * Guarantee: every answer of WeChat Pay means what its documents say, in every spelling seen in the wild, and an answer
 * that they do not describe means nothing certain. The channel's side is signed here, with a key of the test.
 */
import { describe, expect, it } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { makePayInput, makeRefundInput } from "../conformance/harness.ts";
import { channelPair, merchantPair, signAsChannel } from "../conformance/keys.ts";
import type { ChannelContext, WireResponse } from "../contract.ts";
import { cancelBarcodeV3 } from "./barcode-v3.ts";
import { close } from "./close.ts";
import { payH5, payNative } from "./pay.ts";
import { query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";

const KEY_ID = "PUB_KEY_ID_0123456789";
const at = Date.UTC(2026, 10, 20, 4, 0, 0);
const context: ChannelContext = {
  account: {
    id: "wechat-answers",
    version: 1,
    livemode: false,
    config: {
      mchid: "1900000001",
      appid: "wx0000000000000001",
      merchant_serial_no: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
      public_keys: [{ id: KEY_ID, pem: channelPair.public_pem }],
    },
    secrets: {
      merchant_private_key: new Secret(merchantPair.private_pem),
      api_v3_key: new Secret("0123456789abcdef0123456789abcdef"),
    },
  },
  clock: createManualClock(at),
  random: systemRandom,
};
const pay = makePayInput("wechat.native", "https://shop.example/n");
const refundInput = makeRefundInput(pay, "4200000000202611200000000001", 100n);

function signed(body: unknown, status = 200, skew_s = 0): WireResponse {
  const text = body === undefined ? "" : JSON.stringify(body);
  const timestamp = String(at / 1000 + skew_s);
  const headers = {
    "wechatpay-timestamp": timestamp,
    "wechatpay-nonce": "n",
    "wechatpay-serial": KEY_ID,
    "wechatpay-signature": signAsChannel(`${timestamp}\nn\n${text}\n`),
  };
  return { status, headers, body: Buffer.from(text) };
}

const refused = (status: number, code: string, message = ""): WireResponse => ({
  status,
  headers: {},
  body: Buffer.from(JSON.stringify({ code, message })),
});

const trade = (fields: Record<string, unknown>) =>
  signed({ mchid: "1900000001", appid: "wx0000000000000001", out_trade_no: pay.serial_no, ...fields });

describe("creating", () => {
  it.each([
    [400, "PARAM_ERROR"],
    [400, "ORDER_CLOSED"],
  ])("fails on %i %s, in the channel's words", async (status, code) => {
    const outcome = await payNative.fromResponse(context, pay, refused(status, code, "不行"));
    expect(outcome).toEqual({ kind: "failed", failure: { code, message: "不行" } });
  });

  it.each([
    [400, "APPID_MCHID_NOT_MATCH"],
    [401, "SIGN_ERROR"],
    [403, "NO_AUTH"],
    [403, "NOAUTH"],
    [403, "RULELIMIT"],
  ])("fails on %i %s, which another account may not meet", async (status, code) => {
    const outcome = await payNative.fromResponse(context, pay, refused(status, code, "不行"));
    expect(outcome).toEqual({ kind: "failed", failure: { code, message: "不行", elsewhere: true } });
  });

  it.each([
    [403, "OUT_TRADE_NO_USED", "商户订单号重复", "duplicate"],
    [400, "ORDERPAID", "该订单已支付", "duplicate"],
    [400, "INVALID_REQUEST", "201 商户订单号重复", "duplicate"],
    [400, "INVALID_REQUEST", "该订单已支付", "duplicate"],
    [429, "FREQUENCY_LIMITED", "", "rate_limited"],
    [403, "FREQUENCY_LIMITED", "", "rate_limited"],
    [500, "SYSTEMERROR", "", "system_error"],
    [400, "A_CODE_OF_NEXT_YEAR", "", "refused"],
  ])("does not know after %i %s %s", async (status, code, message, reason) => {
    const outcome = await payNative.fromResponse(context, pay, refused(status, code, message));
    expect(outcome).toMatchObject({ kind: "unknown", reason });
  });

  it("keeps the parameters of an h5 address and adds where to go back to", async () => {
    const h5_url = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=wx1&package=2";
    const outcome = await payH5.fromResponse(
      context,
      { ...pay, return_url: "https://a.example/?b=1&c=2" },
      signed({ h5_url }),
    );
    expect(outcome).toEqual({
      kind: "pending",
      action: { type: "redirect", url: `${h5_url}&redirect_url=https%3A%2F%2Fa.example%2F%3Fb%3D1%26c%3D2` },
    });
  });

  it("does not know when a good answer lacks what the payer needs", async () => {
    const outcome = await payNative.fromResponse(context, pay, signed({}));
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unreadable" });
  });
});

describe("asking", () => {
  const paid = {
    trade_state: "SUCCESS",
    transaction_id: "4200",
    success_time: "2026-11-20T11:59:00+08:00",
    amount: { total: 8801, currency: "CNY" },
    payer: { openid: "o1" },
  };

  it("reads a partial refund's REFUND as paid", async () => {
    const outcome = await query.fromResponse(context, pay, trade({ ...paid, trade_state: "REFUND" }));
    expect(outcome).toMatchObject({ kind: "succeeded", payment: { paid_at: at - 60_000, payer: "o1" } });
  });

  it.each([
    ["NOTPAY", "pending"],
    ["USERPAYING", "pending"],
    ["CLOSED", "closed"],
    ["REVOKED", "closed"],
    ["PAYERROR", "failed"],
    ["ACCEPT", "unknown"],
  ])("reads %s as %s", async (trade_state, kind) => {
    expect(await query.fromResponse(context, pay, trade({ trade_state }))).toMatchObject({ kind });
  });

  it.each([
    { amount: { total: 88.01, currency: "CNY" } },
    { amount: { total: "8801", currency: "CNY" } },
    { amount: { total: 1e20, currency: "CNY" } },
    { amount: { total: 8801, currency: "yuan" } },
    { amount: undefined },
    { transaction_id: undefined },
    { mchid: undefined },
    { success_time: "yesterday" },
  ])("does not call it paid with %o", async (spoilt) => {
    expect(await query.fromResponse(context, pay, trade({ ...paid, ...spoilt }))).toMatchObject({ kind: "unknown" });
  });

  it.each([
    [300, "succeeded"],
    [-300, "succeeded"],
    [301, "unknown"],
    [-301, "unknown"],
  ])("with a clock %i s away: %s", async (skew_s, kind) => {
    const body = { mchid: "1900000001", out_trade_no: pay.serial_no, ...paid };
    expect(await query.fromResponse(context, pay, signed(body, 200, skew_s))).toMatchObject({ kind });
  });

  it.each(["ORDER_NOT_EXIST", "ORDERNOTEXIST"])("does not find an order on 404 %s", async (code) => {
    expect(await query.fromResponse(context, pay, refused(404, code))).toEqual({ kind: "not_found" });
  });

  it("does not take a proxy's 404 for the channel's", async () => {
    const page = { status: 404, headers: {}, body: Buffer.from("<h1>404</h1>") };
    expect(await query.fromResponse(context, pay, page)).toMatchObject({ kind: "unknown", reason: "unreadable" });
  });
});

describe("closing", () => {
  it.each([
    [signed(undefined, 204), "closed"],
    [refused(400, "ORDERPAID"), "already_paid"],
    [refused(400, "ORDER_CLOSED"), "closed"],
    [refused(404, "ORDER_NOT_EXIST"), "not_found"],
    [refused(401, "SIGN_ERROR"), "unknown"],
    [signed({ code: "USERPAYING" }, 202), "unknown"],
    [{ status: 204, headers: {}, body: Buffer.alloc(0) }, "unknown"],
  ])("reads answer %# as %s", async (response, kind) => {
    expect(await close.fromResponse(context, pay, response)).toMatchObject({ kind });
  });
});

describe("reversing over API v3", () => {
  it.each([
    [{}, { kind: "closed" }],
    [{ out_trade_no: pay.serial_no }, { kind: "closed" }],
    [{ out_trade_no: "X".repeat(26) }, { kind: "unknown", reason: "integrity" }],
  ])("reads an answer that echoes %o", async (body, outcome) => {
    expect(await cancelBarcodeV3.fromResponse(context, pay, signed(body))).toMatchObject(outcome);
  });
});

describe("refunding", () => {
  it.each([
    ["PROCESSING", "pending"],
    ["ABNORMAL", "pending"],
    ["CLOSED", "failed"],
    ["SUCCESS", "succeeded"],
    ["WONDERFUL", "unknown"],
  ])("reads %s as %s", async (status, kind) => {
    const answer = signed({ status, out_refund_no: refundInput.refund_no, amount: { refund: 100, currency: "CNY" } });
    expect(await refund.fromResponse(context, refundInput, answer)).toMatchObject({ kind });
    expect(await queryRefund.fromResponse(context, refundInput, answer)).toMatchObject({ kind });
  });

  it.each([{ out_refund_no: "X".repeat(26) }, { out_trade_no: "X".repeat(26) }])(
    "does not believe any state of another refund, %o",
    async (other) => {
      for (const status of ["CLOSED", "SUCCESS", "PROCESSING"]) {
        const answer = signed({ status, out_refund_no: refundInput.refund_no, ...other });
        const integrity = { kind: "unknown", reason: "integrity" };
        expect(await refund.fromResponse(context, refundInput, answer)).toMatchObject(integrity);
        expect(await queryRefund.fromResponse(context, refundInput, answer)).toMatchObject(integrity);
      }
    },
  );

  it.each([
    [403, "NOT_ENOUGH", "failed"],
    [403, "NOTENOUGH", "failed"],
    [400, "INVALID_REQUEST", "failed"],
    [429, "FREQUENCY_LIMITED", "unknown"],
    [500, "SYSTEM_ERROR", "unknown"],
    // It says nothing about an earlier request with the same number.
    [401, "SIGN_ERROR", "unknown"],
  ])("after %i %s it is %s", async (status, code, kind) => {
    expect(await refund.fromResponse(context, refundInput, refused(status, code))).toMatchObject({ kind });
  });

  it("does not know when the refund number was used with other particulars", async () => {
    const answer = refused(400, "INVALID_REQUEST", "商户退款单号重复，退款参数与之前请求不一致");
    expect(await refund.fromResponse(context, refundInput, answer)).toMatchObject({ reason: "duplicate" });
  });

  it("cuts a long reason at 80 bytes without breaking a character", async () => {
    const { body } = await refund.toRequest(context, { ...refundInput, reason: "买家不想要了🥮".repeat(10) });
    const { reason } = JSON.parse(body!) as { reason: string };
    expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(80);
    expect(reason.isWellFormed()).toBe(true);
  });
});

describe("repeating", () => {
  it("sends identical particulars however late it is, at most seven days ahead", async () => {
    const input = { ...pay, expires_at: pay.created_at + 30 * 86_400_000 };
    const later = { ...context, clock: createManualClock(at + 5_000) };
    const bodies = [await payNative.toRequest(context, input), await payNative.toRequest(later, input)].map(
      (r) => r.body,
    );
    expect(bodies[0]).toBe(bodies[1]);
    const { time_expire } = JSON.parse(bodies[0]!) as { time_expire: string };
    expect(time_expire).toMatch(/\+08:00$/);
    expect(Date.parse(time_expire)).toBe(Math.floor((pay.created_at + 7 * 86_400_000) / 1000) * 1000);
  });
});
