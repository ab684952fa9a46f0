/**
 * Guarantee: every answer of API v2 means what its documents say, and one that is unsigned, about another order or not
 * described means nothing certain. The channel's side is signed here, from the documents' rule.
 */
import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { makePayInput } from "../conformance/harness.ts";
import { channelPair, merchantPair } from "../conformance/keys.ts";
import type { ChannelContext, WireResponse } from "../contract.ts";
import { cancelBarcodeV2, payBarcodeV2, queryBarcodeV2 } from "./barcode-v2.ts";
import { parseXml } from "./v2-xml.ts";

const API_KEY = "192006250b4c09247ec02edce69f6a2d";
const context: ChannelContext = {
  account: {
    id: "wechat-barcode-answers",
    version: 1,
    livemode: false,
    config: {
      mchid: "1900000001",
      appid: "wx0000000000000001",
      merchant_serial_no: "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
      merchant_certificate: "-----BEGIN CERTIFICATE-----",
      public_keys: [{ id: "PUB_KEY_ID_0123456789", pem: channelPair.public_pem }],
    },
    secrets: {
      merchant_private_key: new Secret(merchantPair.private_pem),
      api_v3_key: new Secret("0123456789abcdef0123456789abcdef"),
      api_v2_key: new Secret(API_KEY),
    },
  },
  clock: createManualClock(Date.UTC(2026, 10, 20, 4)),
  random: systemRandom,
};
const input = makePayInput("wechat.barcode", "https://shop.example/n", { payer: { auth_code: "134567890123456789" } });

type Fields = Record<string, string>;

function sign(fields: Fields, key = API_KEY): string {
  const pairs = Object.keys(fields)
    .sort()
    .filter((name) => fields[name] !== "" && name !== "sign");
  const text = `${pairs.map((name) => `${name}=${fields[name]}`).join("&")}&key=${key}`;
  return createHmac("sha256", key).update(text).digest("hex").toUpperCase();
}

const wire = (fields: Fields, status = 200): WireResponse => ({
  status,
  headers: {},
  body: Buffer.from(
    `<xml>${Object.entries(fields)
      .map(([k, v]) => `<${k}><![CDATA[${v}]]></${k}>`)
      .join("\n")}</xml>`,
  ),
});

const head = { return_code: "SUCCESS", appid: "wx0000000000000001", mch_id: "1900000001", nonce_str: "n" };
function signed(fields: Fields): WireResponse {
  const all = { ...head, ...fields };
  return wire({ ...all, sign: sign(all) });
}
const refused = (err_code: string, more: Fields = {}) =>
  signed({ result_code: "FAIL", err_code, err_code_des: "不行", ...more });

const paid: Fields = {
  result_code: "SUCCESS",
  out_trade_no: input.serial_no,
  transaction_id: "4200000000202611200000000001",
  total_fee: "8801",
  fee_type: "CNY",
  time_end: "20261120120030",
  openid: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
};

describe("a request", () => {
  it("is signed over every field with the v2 key, and only a reversal shows the certificate", async () => {
    const requests = [
      await payBarcodeV2.toRequest(context, input),
      await queryBarcodeV2.toRequest(context, input),
      await cancelBarcodeV2.toRequest(context, input),
    ];
    for (const { body } of requests) {
      const fields = parseXml(body!)!;
      expect(fields.sign).toBe(sign({ ...fields }));
      expect(fields.sign_type).toBe("HMAC-SHA256");
    }
    expect(requests.map(({ client_certificate }) => client_certificate !== undefined)).toEqual([false, false, true]);
    expect(parseXml(requests[0]!.body!)).toMatchObject({ total_fee: "8801", auth_code: "134567890123456789" });
  });

  it("agrees with the example of the documents", () => {
    const fields = {
      appid: "wxd930ea5d5a258f4f",
      body: "test",
      device_info: "1000",
      mch_id: "10000100",
      nonce_str: "ibuaiVcKdpRxkhJA",
    };
    expect(sign(fields)).toBe("6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6");
  });
});

describe("the answer to a charge", () => {
  const read = (response: WireResponse) => payBarcodeV2.fromResponse(context, input, response);

  it("tells of the payment", async () => {
    expect(await read(signed(paid))).toEqual({
      kind: "succeeded",
      payment: {
        serial_no: input.serial_no,
        channel_trade_no: "4200000000202611200000000001",
        amount: { amount: 8801n, currency: "CNY" },
        merchant: "1900000001",
        app: "wx0000000000000001",
        paid_at: Date.UTC(2026, 10, 20, 4, 0, 30),
        payer: "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
      },
    });
  });

  it.each(["AUTHCODEEXPIRE", "AUTH_CODE_INVALID", "AUTH_CODE_ERROR", "NOTENOUGH", "NOTSUPORTCARD", "PARAM_ERROR"])(
    "fails on %s, in the channel's words",
    async (code) => {
      expect(await read(refused(code))).toEqual({ kind: "failed", failure: { code, message: "不行" } });
    },
  );

  it.each(["RULELIMIT", "NOAUTH", "MCHID_NOT_EXIST"])(
    "fails on %s, which another account may not meet",
    async (code) => {
      const failure = { code, message: "不行", elsewhere: true };
      expect(await read(refused(code))).toEqual({ kind: "failed", failure });
    },
  );

  it.each([
    ["SYSTEMERROR", "system_error"],
    ["BANKERROR", "system_error"],
    ["FREQUENCY_LIMITED", "rate_limited"],
    ["ORDERPAID", "duplicate"],
    ["ORDERREVERSED", "duplicate"],
    ["OUT_TRADE_NO_USED", "duplicate"],
    ["A_NEW_CODE", "refused"],
  ])("does not know after %s", async (code, reason) => {
    expect(await read(refused(code))).toMatchObject({ kind: "unknown", reason });
  });

  it("waits on USERPAYING", async () => {
    expect(await read(refused("USERPAYING"))).toEqual({ kind: "pending", action: { type: "none" } });
  });

  it.each<[string, WireResponse, string]>([
    ["a wrong key", wire({ ...head, ...paid, sign: sign({ ...head, ...paid }, "0".repeat(32)) }), "bad_signature"],
    ["a changed field", wire({ ...head, ...paid, total_fee: "1", sign: sign({ ...head, ...paid }) }), "bad_signature"],
    ["no signature", wire({ ...head, ...paid }), "bad_signature"],
    ["an unsigned refusal", wire({ return_code: "FAIL", return_msg: "签名错误" }), "refused"],
    ["another merchant's answer", signed({ ...paid, mch_id: "1900000002" }), "integrity"],
    ["another app's answer", signed({ ...paid, appid: "wx2" }), "integrity"],
    ["a success without its number", signed({ ...paid, transaction_id: "" }), "unreadable"],
    ["an amount with a fraction", signed({ ...paid, total_fee: "88.01" }), "unreadable"],
    ["a time that is none", signed({ ...paid, time_end: "20269999999999" }), "unreadable"],
    ["a refusal without a code", signed({ result_code: "FAIL" }), "unreadable"],
    ["status 502", wire({ ...head, ...paid }, 502), "http_status"],
    ["status 429", wire({}, 429), "rate_limited"],
  ])("does not know after %s", async (_, response, reason) => {
    expect(await read(response)).toMatchObject({ kind: "unknown", reason });
  });
});

describe("the answer to a query", () => {
  const read = (fields: Fields) => queryBarcodeV2.fromResponse(context, input, signed(fields));

  it.each([
    ["SUCCESS", "succeeded"],
    ["REFUND", "succeeded"],
    ["NOTPAY", "pending"],
    ["USERPAYING", "pending"],
    ["ACCEPT", "pending"],
    ["CLOSED", "closed"],
    ["REVOKED", "closed"],
    ["PAYERROR", "failed"],
    ["A_NEW_STATE", "unknown"],
  ])("%s is %s", async (trade_state, kind) => {
    expect((await read({ ...paid, trade_state })).kind).toBe(kind);
  });

  it("says whether there is an order, and does not believe another one's state", async () => {
    expect(await queryBarcodeV2.fromResponse(context, input, refused("ORDERNOTEXIST"))).toEqual({ kind: "not_found" });
    const other = { ...paid, out_trade_no: "X".repeat(26), trade_state: "CLOSED" };
    expect(await read(other)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });
});

describe("the answer to a reversal", () => {
  const read = (response: WireResponse) => cancelBarcodeV2.fromResponse(context, input, response);

  it("is done only when nothing is left to call again", async () => {
    expect(await read(signed({ result_code: "SUCCESS", recall: "N" }))).toEqual({ kind: "closed" });
    expect(await read(signed({ result_code: "SUCCESS", recall: "Y" }))).toMatchObject({ kind: "unknown" });
    expect(await read(refused("USERPAYING"))).toMatchObject({ kind: "unknown" });
    expect(await read(refused("SYSTEMERROR", { recall: "Y" }))).toMatchObject({ kind: "unknown" });
    expect(await read(refused("ORDERNOTEXIST", { recall: "N" }))).toEqual({ kind: "not_found" });
  });

  it("asks what became of an order that it came too late for", async () => {
    expect(await read(refused("REVERSE_EXPIRE", { recall: "N" }))).toEqual({ kind: "already_paid" });
  });

  it("does not believe what is said about another order", async () => {
    const other = { out_trade_no: "X".repeat(26), recall: "N" };
    for (const answer of [signed({ result_code: "SUCCESS", ...other }), refused("ORDERREVERSED", other)]) {
      expect(await read(answer)).toMatchObject({ kind: "unknown", reason: "integrity" });
    }
  });
});
