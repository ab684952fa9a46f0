/**
 * Guarantee: every answer and notice of UnionPay means what its documents say, read from signed fields only, and what
 * they do not describe means nothing certain. UnionPay's side is signed here, by first principles, with a certificate of
 * the simulated authority.
 */
import { createHash, createSign, createVerify, X509Certificate } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSandbox } from "../../../../sandbox/main.ts";
import { createManualClock, systemClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { changeAccount, createControlPlane, makePayInput, makeRefundInput } from "../conformance/harness.ts";
import type { ChannelAccount, ChannelContext, Method, WireResponse } from "../contract.ts";
import { readNotice } from "./notice.ts";
import { payQr } from "./pay.ts";
import { query } from "./query.ts";
import { parseRawForm } from "./raw-form.ts";
import { queryRefund, refund } from "./refund.ts";
import { reverse } from "./reverse.ts";
import { fromTraceTime, settlementDay } from "./times.ts";

type Fields = Record<string, string>;
type Made = Record<string, string>;

let sandbox: Awaited<ReturnType<typeof startSandbox>>;
/** Of two authorities: the account's, and a stranger's that is just as well formed. */
let own: Made;
let foreign: Made;
let context: ChannelContext;

beforeAll(async () => {
  const other = await startSandbox({ port: 0 });
  sandbox = await startSandbox({ port: 0 });
  own = (await createControlPlane(sandbox.url).post("merchants", { channel: "unionpay" })) as Made;
  foreign = (await createControlPlane(other.url).post("merchants", { channel: "unionpay" })) as Made;
  await other.close();
  const account: ChannelAccount = {
    id: "unionpay-answers",
    version: 1,
    livemode: false,
    config: {
      mer_id: own.mer_id,
      merchant_certificate: own.merchant_certificate_pem,
      root_certificate: own.root_certificate_pem,
      middle_certificates: [{ pem: own.middle_certificate_pem }],
      // The third part of the CN of the certificates that the sandbox issues to merchants: here one signs as UnionPay.
      signer_name: "SIGN",
    },
    secrets: { merchant_private_key: new Secret(own.merchant_private_key_pem!) },
  };
  context = { account, clock: systemClock, random: systemRandom };
});
afterAll(() => sandbox.close());

const pay = makePayInput("unionpay.qr", "https://shop.example/n");
const refundInput = makeRefundInput(pay, "202611201200001234567", 100n);

/** `k=v&…` of all non-empty fields but the signature, in the order of their names' bytes. */
function digest(fields: Fields): string {
  const lines = Object.entries(fields).filter(([name, value]) => name !== "signature" && value !== "");
  const text = lines
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
  return createHash("sha256").update(text).digest("hex");
}

function signed(fields: Fields, authority = own): Fields {
  const all: Fields = {
    merId: own.mer_id!,
    signMethod: "01",
    signPubKeyCert: authority.merchant_certificate_pem!,
    ...fields,
  };
  const signer = createSign("RSA-SHA256").update(digest(all));
  return { ...all, signature: signer.sign(authority.merchant_private_key_pem!, "base64") };
}

function raw(fields: Fields): WireResponse {
  const text = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return { status: 200, headers: {}, body: Buffer.from(text.join("&")) };
}

const found = (origRespCode: string, more: Fields = {}) =>
  raw(
    signed({
      respCode: "00",
      orderId: pay.serial_no,
      origRespCode,
      queryId: "202611201200001234567",
      txnAmt: "8801",
      currencyCode: "156",
      txnTime: "20261120120000",
      traceTime: "1120120005",
      ...more,
    }),
  );
const asked = (method: Method, response: WireResponse) => query.fromResponse(context, { ...pay, method }, response);

describe("requests", () => {
  it("carry a signature and a decimal certId that an independent reading of the protocol agrees with", async () => {
    const { body } = await payQr.toRequest(context, pay);
    const fields = Object.fromEntries(new URLSearchParams(body));
    const certificate = new X509Certificate(own.merchant_certificate_pem!);
    const verifier = createVerify("RSA-SHA256").update(digest(fields));
    expect(verifier.verify(certificate.publicKey, fields.signature!, "base64")).toBe(true);
    expect(fields.certId).toBe(BigInt(`0x${certificate.serialNumber}`).toString());
    expect(fields).toMatchObject({ version: "5.1.0", encoding: "UTF-8", txnAmt: "8801", currencyCode: "156" });
    expect(Object.values(fields)).not.toContain("");
  });

  it("are the same each time, so that a repeated one is harmless", async () => {
    expect(await payQr.toRequest(context, pay)).toEqual(await payQr.toRequest(context, pay));
    expect(await refund.toRequest(context, refundInput)).toEqual(await refund.toRequest(context, refundInput));
  });
});

describe("raw answers", () => {
  it("keep equals signs, pluses, line ends, and ampersands within braces", () => {
    expect(parseRawForm("signature=a+b/c==&cert=-----BEGIN\r\nMII=\r\n&info={a=1&b=2}&respCode=00&empty=")).toEqual({
      signature: "a+b/c==",
      cert: "-----BEGIN\r\nMII=\r\n",
      info: "{a=1&b=2}",
      respCode: "00",
      empty: "",
    });
  });

  it("are read as far as they go when they are cut or odd", () => {
    expect(parseRawForm("respCode=00&sig")).toEqual({ respCode: "00" });
    expect(parseRawForm("info={a=1&respCode=00")).toEqual({ info: "{a=1", respCode: "00" });
    expect(Object.keys(parseRawForm("__proto__=1"))).toEqual(["__proto__"]);
    expect(parseRawForm("")).toEqual({});
  });
});

describe("trust", () => {
  const spoilt: [string, () => ChannelContext, () => WireResponse][] = [
    ["a stranger's authority", () => context, () => raw(signed({ respCode: "00", orderId: pay.serial_no }, foreign))],
    [
      "another name in the certificate",
      () => ({
        ...context,
        account: changeAccount(context.account, { config: { signer_name: "中国银联股份有限公司" } }),
      }),
      () => found("00"),
    ],
    [
      "a certificate that is over",
      () => ({ ...context, clock: createManualClock(Date.UTC(2099, 0)) }),
      () => found("00"),
    ],
    [
      "a middle certificate of another root",
      () => ({
        ...context,
        account: changeAccount(context.account, { config: { root_certificate: foreign.root_certificate_pem } }),
      }),
      () => found("00"),
    ],
    [
      "a certificate in place of the leaf's issuer",
      () => ({
        ...context,
        account: changeAccount(context.account, {
          config: { middle_certificates: [{ pem: own.merchant_certificate_pem }] },
        }),
      }),
      () => found("00"),
    ],
    ["a certificate that is none", () => context, () => raw({ ...signed({ respCode: "00" }), signPubKeyCert: "x" })],
    ["another signMethod", () => context, () => raw(signed({ respCode: "00", signMethod: "11" }))],
    ["a field added", () => context, () => raw({ ...signed({ respCode: "34" }), orderId: pay.serial_no })],
  ];
  it.each(spoilt)("does not reach to %s", (_, inContext, response) => {
    const outcome = query.fromResponse(inContext(), pay, response());
    expect(outcome).toMatchObject({ kind: "unknown", reason: "bad_signature" });
  });
});

describe("asking", () => {
  it.each([
    ["00", "succeeded", "succeeded"],
    ["A6", "succeeded", "succeeded"],
    // A payer may try again until payTimeout; a shown code has one try.
    ["64", "pending", "failed"],
    ["01", "pending", "failed"],
    ["60", "pending", "failed"],
    ["46", "closed", "closed"],
    ["03", "unknown", "unknown"],
    ["04", "unknown", "unknown"],
    ["05", "unknown", "pending"],
    // The money was taken, and what follows is not certain.
    ["42", "unknown", "unknown"],
    ["74", "unknown", "unknown"],
    ["ZZ", "unknown", "unknown"],
    ["", "unknown", "unknown"],
  ])("reads origRespCode %s as %s, and of a shown code as %s", async (code, scanned, shown) => {
    expect(await asked("unionpay.qr", found(code))).toMatchObject({ kind: scanned });
    expect(await asked("unionpay.barcode", found(code))).toMatchObject({ kind: shown });
  });

  it.each([{ txnAmt: "88.01" }, { txnAmt: "" }, { queryId: "" }, { currencyCode: "840" }, { currencyCode: "" }])(
    "does not call it paid with %o",
    async (spoilt) => {
      expect(await asked("unionpay.qr", found("00", spoilt))).toMatchObject({ kind: "unknown" });
    },
  );

  it.each([
    ["6217001234567890123", "621700*********0123"],
    ["621700******0123", "621700******0123"],
    ["kP0vQ2xYz==", undefined],
  ])("keeps of the card %s only %s", async (accNo, payer) => {
    expect(await asked("unionpay.qr", found("00", { accNo }))).toMatchObject({ payment: { payer } });
  });

  it.each([
    ["34", { kind: "not_found" }],
    ["11", { kind: "unknown", reason: "refused" }],
    ["37", { kind: "unknown", reason: "rate_limited" }],
  ])("reads a refused query (%s)", async (respCode, outcome) => {
    expect(await asked("unionpay.qr", raw(signed({ respCode, orderId: pay.serial_no })))).toMatchObject(outcome);
  });
});

describe("starting and refunding", () => {
  const answer = (respCode: string, orderId: string) => raw(signed({ respCode, orderId, respMsg: "不行" }));

  it.each([
    ["64", { kind: "failed", failure: { code: "64", message: "不行" } }],
    ["11", { kind: "failed" }],
    ["12", { kind: "unknown", reason: "duplicate" }],
    ["01", { kind: "unknown", reason: "refused" }],
    ["60", { kind: "unknown", reason: "refused" }],
    ["03", { kind: "unknown", reason: "system_error" }],
    ["00", { kind: "unknown", reason: "unreadable" }],
  ])("reads %s on starting", async (code, outcome) => {
    expect(await payQr.fromResponse(context, pay, answer(code, pay.serial_no))).toMatchObject(outcome);
  });

  it.each([
    ["00", { kind: "pending" }],
    ["36", { kind: "failed" }],
    ["12", { kind: "unknown", reason: "duplicate" }],
    // It tells nothing about an earlier request with the same number.
    ["11", { kind: "unknown", reason: "refused" }],
    ["03", { kind: "unknown", reason: "system_error" }],
  ])("reads %s on refunding", async (code, outcome) => {
    expect(await refund.fromResponse(context, refundInput, answer(code, refundInput.refund_no))).toMatchObject(outcome);
  });

  it.each([
    ["00", "succeeded"],
    ["05", "pending"],
    ["03", "unknown"],
    ["30", "failed"],
    ["42", "unknown"],
  ])("reads origRespCode %s of a refund as %s", async (code, kind) => {
    const response = found(code, { orderId: refundInput.refund_no, origQryId: "202611201200001234567", txnAmt: "100" });
    expect(await queryRefund.fromResponse(context, refundInput, response)).toMatchObject({ kind });
  });
});

describe("reversing", () => {
  it.each([
    ["00", { kind: "closed" }],
    ["46", { kind: "closed" }],
    ["34", { kind: "not_found" }],
    // It cannot be reversed, which says nothing of the money: the query does.
    ["35", { kind: "already_paid" }],
    ["39", { kind: "already_paid" }],
    ["03", { kind: "unknown", reason: "system_error" }],
    ["60", { kind: "unknown", reason: "refused" }],
  ])("reads %s", async (respCode, outcome) => {
    const response = raw(signed({ respCode, orderId: pay.serial_no }));
    expect(await reverse.fromResponse(context, pay, response)).toMatchObject(outcome);
  });
});

describe("notices", () => {
  const paid = {
    respCode: "00",
    txnType: "01",
    orderId: pay.serial_no,
    queryId: "202611201200001234567",
    txnAmt: "8801",
    currencyCode: "156",
    txnTime: "20261120120000",
    traceTime: "1120120005",
    reqReserved: "月饼 & 100%+茶 = 好",
  };
  const post = (fields: Fields) =>
    readNotice(context, { headers: {}, body: Buffer.from(new URLSearchParams(fields).toString()) });

  it("state what was paid, by whatever else they carry", async () => {
    expect(await post(signed(paid))).toMatchObject({
      kind: "payment_succeeded",
      payment: { serial_no: pay.serial_no, paid_at: Date.UTC(2026, 10, 20, 4, 0, 5), merchant: own.mer_id },
    });
  });

  it.each([{ respCode: "64" }, { txnType: "02" }])("are only acknowledged with %o", async (changes) => {
    expect((await post(signed({ ...paid, ...changes }))).kind).toBe("ignored");
  });

  it.each([{ currencyCode: "840" }, { queryId: "" }])("are refused with %o", async (changes) => {
    expect((await post(signed({ ...paid, ...changes }))).kind).toBe("rejected");
  });

  it("of a refund are for the account's own merchant", async () => {
    const told = { ...paid, txnType: "04", orderId: refundInput.refund_no };
    expect(await post(signed(told))).toMatchObject({ kind: "refund", refund: { refund_no: refundInput.refund_no } });
    expect((await post(signed({ ...told, merId: "777290058110000" }))).kind).toBe("rejected");
  });
});

describe("times", () => {
  it("take the year of a trace from its order, over New Year too", () => {
    expect(fromTraceTime("0101000012", "20261231235950")).toBe(Date.UTC(2026, 11, 31, 16, 0, 12));
    expect(fromTraceTime("1231235959", "20261231235950")).toBe(Date.UTC(2026, 11, 31, 15, 59, 59));
    expect(fromTraceTime("0101000012", "20260101000000")).toBe(Date.UTC(2025, 11, 31, 16, 0, 12));
    // The bank's clock was a second behind that of the order.
    expect(fromTraceTime("1231235959", "20270101000001")).toBe(Date.UTC(2026, 11, 31, 15, 59, 59));
    expect(fromTraceTime("1301000012", "20260101000000")).toBeUndefined();
    expect(fromTraceTime("", "20260101000000")).toBeUndefined();
  });

  it("turn the day at 23:00 in Beijing", () => {
    const eleven = Date.UTC(2026, 10, 20, 15);
    expect(settlementDay(eleven) - settlementDay(eleven - 1)).toBe(1);
    expect(settlementDay(eleven + 86_399_999)).toBe(settlementDay(eleven));
  });
});
