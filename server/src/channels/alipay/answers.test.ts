/**
 * Guarantee: every answer and notice of Alipay means what its documents say, read from the signed characters only, and
 * what they do not describe means nothing certain. The channel's side is signed here, with a key of the test.
 */
import { describe, expect, it } from "vitest";
import { makePayInput, makeRefundInput } from "../conformance/harness.ts";
import { signAsChannel } from "../conformance/keys.ts";
import { cancel, close } from "./close.ts";
import { readNotice } from "./notice.ts";
import { payQr } from "./pay.ts";
import { query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";
import { canonicalize } from "./sign.ts";
import { business, context, raw, signed, unsigned } from "./testing/answers.ts";

const pay = makePayInput("alipay.qr", "https://shop.example/n");
const refundInput = makeRefundInput(pay, "20261120", 100n);

describe("creating", () => {
  const precreate = "alipay.trade.precreate";

  it("reads a code whose slashes were escaped", async () => {
    const answer = signed(precreate, {
      code: "10000",
      out_trade_no: pay.serial_no,
      qr_code: "https://qr.alipay.com/x",
    });
    expect(await payQr.fromResponse(context, pay, answer)).toEqual({
      kind: "pending",
      action: { type: "qr_code", qr_code: "https://qr.alipay.com/x" },
    });
  });

  it("reads a signature that stands before the answer, and spaces between", async () => {
    const text = `{"code":"10000","qr_code":"https:\\/\\/qr.alipay.com\\/x"}`;
    const answer = raw(`{ "sign" : "${signAsChannel(text)}" ,\n "alipay_trade_precreate_response" : ${text} }`);
    expect(await payQr.fromResponse(context, pay, answer)).toMatchObject({ kind: "pending" });
  });

  it.each([
    ["20001", "aop.invalid-app-auth-token", "elsewhere"],
    ["40001", "isv.some-reason", "here"],
    ["40002", "isv.some-reason", "here"],
    ["40002", "isv.invalid-signature", "elsewhere"],
    ["40002", "isv.invalid-app-id", "elsewhere"],
    ["40006", "isv.insufficient-isv-permissions", "elsewhere"],
  ])("believes the gateway's own refusal %s %s without a signature, to be tried %s", async (code, sub_code, where) => {
    const data = { code, sub_code, sub_msg: "不行" };
    for (const member of ["error_response", "alipay_trade_precreate_response"]) {
      expect(await payQr.fromResponse(context, pay, unsigned(member, data))).toEqual({
        kind: "failed",
        failure: { code: sub_code, message: "不行", ...(where === "elsewhere" && { elsewhere: true }) },
      });
    }
  });

  it.each([
    ["ACQ.ACCESS_FORBIDDEN", true],
    ["ACQ.PARTNER_ERROR", true],
    ["ACQ.SELLER_BEEN_BLOCKED", true],
    ["ACQ.BUYER_BALANCE_NOT_ENOUGH", undefined],
    ["ACQ.TOTAL_FEE_EXCEED", undefined],
  ])("tells whose the refusal %s is: another account may take the order: %s", async (sub_code, elsewhere) => {
    const outcome = await payQr.fromResponse(context, pay, business(precreate, sub_code));
    if (outcome.kind !== "failed") throw new Error("a failure was expected");
    expect(outcome.failure.elsewhere).toBe(elsewhere);
  });

  it.each([
    [unsigned("error_response", { code: "20000", sub_code: "isp.unknow-error" }), "system_error"],
    [unsigned("error_response", { code: "40005" }), "rate_limited"],
    [
      unsigned("alipay_trade_precreate_response", { code: "40004", sub_code: "ACQ.INVALID_PARAMETER" }),
      "bad_signature",
    ],
    [unsigned("alipay_trade_precreate_response", { code: "10000", qr_code: "https://evil.example" }), "bad_signature"],
    [business(precreate, "ACQ.SYSTEM_ERROR"), "system_error"],
    [business(precreate, "AQC.SYSTEM_ERROR"), "system_error"],
    [business(precreate, "ACQ.CONTEXT_INCONSISTENT"), "duplicate"],
    [business(precreate, "ACQ.TRADE_HAS_CLOSE"), "duplicate"],
    [business(precreate, "ACQ.A_CODE_OF_NEXT_YEAR"), "refused"],
    [signed("alipay.trade.query", { code: "10000" }), "unreadable"],
  ])("does not know after answer %# (%s)", async (answer, reason) => {
    expect(await payQr.fromResponse(context, pay, answer)).toMatchObject({ kind: "unknown", reason });
  });

  it("writes the time of Beijing, not of the machine", async () => {
    const { url } = await payQr.toRequest(context, pay);
    expect(new URL(url).searchParams.get("timestamp")).toBe("2026-11-21 00:00:05");
  });
});

describe("asking", () => {
  const trade = (fields: Record<string, unknown>) =>
    signed("alipay.trade.query", {
      code: "10000",
      out_trade_no: pay.serial_no,
      trade_no: "20261120",
      total_amount: "88.01",
      ...fields,
    });

  it.each([
    ["WAIT_BUYER_PAY", undefined, "pending"],
    ["TRADE_SUCCESS", "2026-11-20 12:00:00", "succeeded"],
    ["TRADE_FINISHED", "2026-11-20 12:00:00", "succeeded"],
    ["TRADE_CLOSED", "2026-11-20 12:00:00", "succeeded"],
    ["TRADE_CLOSED", undefined, "closed"],
    ["TRADE_TELEPORTED", undefined, "unknown"],
  ])("reads %s, paid at %s, as %s", async (trade_status, send_pay_date, kind) => {
    expect(await query.fromResponse(context, pay, trade({ trade_status, send_pay_date }))).toMatchObject({ kind });
  });

  it.each([
    { total_amount: "88.011" },
    { total_amount: "8801e-2" },
    { total_amount: undefined },
    { trade_no: undefined },
  ])("does not call it paid with %o", async (spoilt) => {
    const outcome = await query.fromResponse(context, pay, trade({ trade_status: "TRADE_SUCCESS", ...spoilt }));
    expect(outcome).toMatchObject({ kind: "unknown" });
  });
});

describe("ending", () => {
  it.each([
    ["ACQ.TRADE_NOT_EXIST", "not_found"],
    ["ACQ.TRADE_STATUS_ERROR", "already_paid"],
    ["ACQ.TRADE_HAS_SUCCESS", "already_paid"],
    ["ACQ.SYSTEM_ERROR", "unknown"],
  ])("reads %s as %s", async (sub_code, kind) => {
    expect(await close.fromResponse(context, pay, business("alipay.trade.close", sub_code))).toMatchObject({ kind });
  });

  it("does not believe a cancel that asks to be tried again", async () => {
    const answer = signed("alipay.trade.cancel", { code: "10000", retry_flag: "Y", action: "refund" });
    expect(await cancel.fromResponse(context, pay, answer)).toMatchObject({ kind: "unknown", reason: "system_error" });
  });

  it.each([
    [{ action: "close" }, "closed"],
    [{ action: "refund" }, "closed"],
    // Nothing was done, as there is no such trade yet.
    [{}, "not_found"],
  ])("reads a cancel that did %o as %s", async (did, kind) => {
    const answer = signed("alipay.trade.cancel", {
      code: "10000",
      out_trade_no: pay.serial_no,
      retry_flag: "N",
      ...did,
    });
    expect(await cancel.fromResponse(context, pay, answer)).toEqual({ kind });
  });

  it.each(["ACQ.TRADE_HAS_FINISHED", "ACQ.TRADE_CANCEL_TIME_OUT", "ACQ.CANCEL_NOT_ALLOWED"])(
    "asks what became of a trade whose cancel is refused with %s",
    async (sub_code) => {
      const answer = business("alipay.trade.cancel", sub_code);
      expect(await cancel.fromResponse(context, pay, answer)).toEqual({ kind: "already_paid" });
    },
  );

  it("does not believe what is said about another trade", async () => {
    const other = { out_trade_no: "X".repeat(26) };
    const ended = { code: "10000", action: "close", ...other };
    const gone = { code: "40004", sub_code: "ACQ.TRADE_HAS_CLOSE", ...other };
    for (const data of [ended, gone]) {
      const integrity = { kind: "unknown", reason: "integrity" };
      expect(await close.fromResponse(context, pay, signed("alipay.trade.close", data))).toMatchObject(integrity);
      expect(await cancel.fromResponse(context, pay, signed("alipay.trade.cancel", data))).toMatchObject(integrity);
    }
  });
});

describe("refunding", () => {
  const answered = (fields: Record<string, unknown>) => signed("alipay.trade.refund", { code: "10000", ...fields });

  it.each([
    [answered({ fund_change: "Y", refund_fee: "5.00" }), "succeeded"],
    [answered({ fund_change: "N", refund_fee: "5.00" }), "pending"],
    [answered({ refund_fee: "5.00" }), "pending"],
    [answered({ fund_change: "Y", refund_fee: "0.50" }), "unknown"],
    [business("alipay.trade.refund", "ACQ.DISCORDANT_REPEAT_REQUEST"), "unknown"],
    [business("alipay.trade.refund", "ACQ.SELLER_BALANCE_NOT_ENOUGH"), "failed"],
    // They say nothing about an earlier request with the same number.
    [unsigned("error_response", { code: "40002", sub_code: "isv.invalid-signature" }), "unknown"],
  ])("reads answer %# as %s", async (answer, kind) => {
    expect(await refund.fromResponse(context, refundInput, answer)).toMatchObject({ kind });
  });

  it.each([{ out_request_no: "X".repeat(26) }, { out_trade_no: "X".repeat(26) }])(
    "does not believe what is said about another one, %o",
    async (other) => {
      const integrity = { kind: "unknown", reason: "integrity" };
      const refused = signed("alipay.trade.refund", { code: "40004", sub_code: "ACQ.REFUND_TIME_OUT", ...other });
      expect(await refund.fromResponse(context, refundInput, refused)).toMatchObject(integrity);
      const absent = signed("alipay.trade.fastpay.refund.query", { code: "10000", ...other });
      expect(await queryRefund.fromResponse(context, refundInput, absent)).toMatchObject(integrity);
    },
  );
});

describe("notices", () => {
  const paid = {
    app_id: "2021000000000001",
    seller_id: "2088000000000001",
    out_trade_no: pay.serial_no,
    trade_no: "20261120",
    trade_status: "TRADE_SUCCESS",
    total_amount: "88.01",
    gmt_payment: "2026-11-20 12:00:00",
    subject: "月饼 & 100%+茶 = 好",
  };

  function post(parameters: Record<string, string>, sign_type = "RSA2") {
    const sign = signAsChannel(canonicalize(parameters));
    const body = Buffer.from(new URLSearchParams({ ...parameters, sign, sign_type }).toString());
    return readNotice(context, { headers: {}, body });
  }

  it("reads texts with every special character", async () => {
    expect(await post(paid)).toMatchObject({
      kind: "payment_succeeded",
      payment: { paid_at: Date.UTC(2026, 10, 20, 4), merchant: "2088000000000001", app: "2021000000000001" },
    });
  });

  it.each([
    { refund_fee: "0.01", gmt_refund: "2026-11-20 13:00:00", out_biz_no: "R1" },
    { refund_fee: "88.01", trade_status: "TRADE_CLOSED" },
    { refund_fee: "0.00", trade_status: "TRADE_CLOSED", gmt_close: "2026-11-20 13:00:00" },
    { trade_status: "WAIT_BUYER_PAY" },
  ])("only acknowledges %o", async (changes) => {
    expect((await post({ ...paid, ...changes })).kind).toBe("ignored");
  });

  it("takes refund_fee 0.00 in a payment's notice for no refund", async () => {
    expect((await post({ ...paid, refund_fee: "0.00" })).kind).toBe("payment_succeeded");
  });

  it("takes auth_app_id for the application whose trade it is, when app_id is one of the account's", async () => {
    const appOf = async (changes: Record<string, string>) => {
      const result = await post({ ...paid, ...changes });
      return result.kind === "payment_succeeded" ? result.payment.app : result.kind;
    };
    expect(await appOf({ auth_app_id: "2021000000000009" })).toBe("2021000000000009");
    expect(await appOf({ auth_app_id: paid.app_id })).toBe(paid.app_id);
    expect(await appOf({ app_id: "2021000000000009", auth_app_id: paid.app_id })).toBe("2021000000000009");
  });

  it("refuses another kind of signature, and a trade without its amount", async () => {
    expect((await post(paid, "RSA")).kind).toBe("rejected");
    const { total_amount: _, ...rest } = paid;
    expect((await post(rest)).kind).toBe("rejected");
  });
});
