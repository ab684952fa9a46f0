/**
 * Guarantee: whatever stands in for UnionPay (a chain that has run out, another company under the same authority, a text in
 * another character set, values that look like fields, a proxy that writes a notice anew) is either what UnionPay signed,
 * fact for fact, or nothing.
 */
import { createHash, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeGbk } from "../../../../sandbox/kit/gbk.ts";
import { issueCertificate } from "../../../../sandbox/kit/x509.ts";
import { createManualClock } from "../../kit/clock.ts";
import { systemRandom } from "../../kit/random.ts";
import { Secret } from "../../kit/secret.ts";
import { makePayInput, makeRefundInput } from "../conformance/harness.ts";
import type { ChannelContext, WireResponse } from "../contract.ts";
import { checkIntegrity, expectPayment } from "../integrity.ts";
import { unionpay } from "./index.ts";
import { readNotice } from "./notice.ts";
import { payQr } from "./pay.ts";
import { query } from "./query.ts";
import { queryRefund, refund } from "./refund.ts";

type Fields = Record<string, string>;
type Encode = (text: string) => Buffer;

const UNIONPAY = "中国银联股份有限公司";
const NOW = Date.UTC(2026, 10, 20, 4);
const DAY_MS = 86_400_000;
const MER_ID = "777290058110048";

interface Holder {
  readonly key: KeyObject;
  readonly public_key: KeyObject;
  readonly pem: string;
}

function createPair(): { key: KeyObject; public_key: KeyObject } {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { key: privateKey, public_key: publicKey };
}

let last = 0x10;
function certify(cn: string, issuer: { cn: string; key: KeyObject }, authority: boolean, until = NOW + 365 * DAY_MS) {
  return (pair: { key: KeyObject; public_key: KeyObject }): Holder => {
    last += 1;
    const pem = issueCertificate({
      serial_hex: `40${last.toString(16).padStart(4, "0")}`,
      subject: [["CN", cn]],
      issuer: [["CN", issuer.cn]],
      public_key: pair.public_key,
      signer: issuer.key,
      not_before_ms: NOW - 365 * DAY_MS,
      not_after_ms: until,
      authority,
    });
    return { ...pair, pem };
  };
}

const leafName = (company: string) => `041@Z12@${company}@00000000:SIGN@00000001`;

/** The account's authority, and leaves of it that are UnionPay's, another company's, and under what has run out. */
let signer: Holder;
let company: Holder;
let underExpired: Holder;
let stranger: Holder;
let context: ChannelContext;

beforeAll(() => {
  const rootPair = createPair();
  const root = certify("ROOT", { cn: "ROOT", key: rootPair.key }, true)(rootPair);
  const middle = certify("MIDDLE", { cn: "ROOT", key: root.key }, true)(createPair());
  const expired = certify("OLD", { cn: "ROOT", key: root.key }, true, NOW - DAY_MS)(createPair());
  signer = certify(leafName(UNIONPAY), { cn: "MIDDLE", key: middle.key }, false)(createPair());
  company = certify(leafName("某某网络科技有限公司"), { cn: "MIDDLE", key: middle.key }, false)(createPair());
  underExpired = certify(leafName(UNIONPAY), { cn: "OLD", key: expired.key }, false)(createPair());
  const strangerPair = createPair();
  stranger = certify(leafName(UNIONPAY), { cn: "MIDDLE", key: strangerPair.key }, false)(strangerPair);
  const merchant = certify("041@MERCHANT@SIGN@1", { cn: "MIDDLE", key: middle.key }, false)(createPair());
  context = {
    account: {
      id: "unionpay-hostile",
      version: 1,
      livemode: true,
      config: {
        mer_id: MER_ID,
        merchant_certificate: merchant.pem,
        root_certificate: root.pem,
        middle_certificates: [{ pem: middle.pem }, { pem: expired.pem }],
      },
      secrets: {
        merchant_private_key: new Secret(merchant.key.export({ type: "pkcs8", format: "pem" }).toString()),
      },
    },
    clock: createManualClock(NOW),
    random: systemRandom,
  };
});

const pay = makePayInput("unionpay.qr", "https://shop.example/n", { created_at: NOW });
const refundInput = makeRefundInput(pay, "202611201200001234567", 100n, { created_at: NOW });

function digest(fields: Fields, encode: Encode): string {
  const lines = Object.entries(fields).filter(([name, value]) => name !== "signature" && value !== "");
  const text = lines
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((line) => line.join("="))
    .join("&");
  return createHash("sha256").update(encode(text)).digest("hex");
}

const utf8 = (text: string) => Buffer.from(text, "utf8");

function signed(fields: Fields, by: Holder = signer, encode: Encode = utf8): Fields {
  const all: Fields = { merId: MER_ID, signMethod: "01", signPubKeyCert: by.pem, ...fields };
  const signature = createSign("RSA-SHA256").update(digest(all, encode)).sign(by.key, "base64");
  return { ...all, signature };
}

function raw(fields: Fields, encode: Encode = utf8): WireResponse {
  const text = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return { status: 200, headers: {}, body: encode(text.join("&")) };
}

const paid: Fields = {
  respCode: "00",
  respMsg: "成功[0000000]",
  origRespCode: "00",
  txnType: "01",
  orderId: pay.serial_no,
  queryId: "202611201200001234567",
  txnAmt: "8801",
  currencyCode: "156",
  txnTime: "20261120120000",
  traceTime: "1120120005",
};
const ask = (response: WireResponse) => query.fromResponse(context, pay, response);
const tell = (body: string | Buffer, account = context) =>
  readNotice(account, { headers: {}, body: Buffer.from(body) });
const form = (fields: Fields) => new URLSearchParams(fields).toString();

describe("a chain", () => {
  it("of UnionPay's is believed", async () => {
    expect(await ask(raw(signed(paid)))).toMatchObject({ kind: "succeeded" });
    expect(await tell(form(signed(paid)))).toMatchObject({ kind: "payment_succeeded" });
  });

  it.each([
    ["a middle certificate that has run out", () => underExpired, "not valid now"],
    ["another company under the same authority", () => company, "not a certificate of UnionPay's own"],
    ["a certificate that only names its issuer", () => stranger, "was not issued by"],
  ])("with %s is not believed", async (_, by, reason) => {
    const answer = await ask(raw(signed(paid, by())));
    expect(answer).toMatchObject({ kind: "unknown", reason: "bad_signature", detail: expect.stringContaining(reason) });
    expect(await tell(form(signed(paid, by())))).toMatchObject({ kind: "rejected" });
  });

  it("whose certificate was put beside another's signature is not believed", async () => {
    const mixed = { ...signed(paid, company), signPubKeyCert: signer.pem };
    expect(await ask(raw(mixed))).toMatchObject({ kind: "unknown", reason: "bad_signature" });
    expect((await tell(form(mixed))).kind).toBe("rejected");
  });
});

describe("another character set", () => {
  it("in an answer is not known, whether it was signed in it or not", async () => {
    for (const signedIn of [utf8, encodeGbk])
      expect(await ask(raw(signed(paid, signer, signedIn), encodeGbk))).toMatchObject({
        kind: "unknown",
        reason: "bad_signature",
      });
  });

  it("in a notice is refused, so that it is sent again", async () => {
    const fields = signed({ ...paid, encoding: "GBK" }, signer, encodeGbk);
    const percent = (text: string) =>
      [...encodeGbk(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
    const body = Object.entries(fields).map(([name, value]) => `${name}=${percent(value)}`);
    expect((await tell(body.join("&"))).kind).toBe("rejected");
  });
});

describe("values that look like fields", () => {
  it.each(["a=b=c", "1+1=2", "{a=1&b=2}", "x == y + z"])("are read as they are: %s", async (respMsg) => {
    expect(await ask(raw(signed({ ...paid, respMsg })))).toMatchObject({ kind: "succeeded" });
  });

  it("never turn an order that is not paid into one that is", async () => {
    const unpaid = { ...paid, origRespCode: "34" };
    const pieces = fc.constantFrom("&", "=", "+", "{", "}", "origRespCode=00", "respMsg", "orderId=", "x", "\r\n");
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async (parts) => {
        const response = raw(signed({ ...unpaid, origRespMsg: parts.join("") }));
        expect((await ask(response)).kind).not.toBe("succeeded");
      }),
      { numRuns: 300 },
    );
  });

  it("cannot be made of a notice by moving its field borders", async () => {
    const good = signed({ ...paid, accessType: "0", bizType: "000000", encoding: "UTF-8", version: "5.1.0" });
    const names = Object.keys(good)
      .filter((name) => name !== "signature")
      .sort();
    for (const [index, name] of names.entries()) {
      const next = names[index + 1];
      if (next === undefined) continue;
      const { [next]: swallowed, ...rest } = good;
      const merged = { ...rest, [name]: `${good[name]}&${next}=${swallowed}` };
      const renamed = { ...rest, [`${name}=${good[name]}&${next}`]: swallowed! };
      for (const moved of [merged, renamed]) expect((await tell(form(moved))).kind).toBe("rejected");
    }
    const braced = signed({ ...paid, payCardInfo: "{txnAmt=1&zz=2}" });
    const { payCardInfo: _, ...rest } = braced;
    expect((await tell(form(braced))).kind).toBe("payment_succeeded");
    expect((await tell(form({ ...rest, payCardInfo: "{txnAmt=1", zz: "2}" }))).kind).toBe("rejected");
  });
});

describe("codes that say too little", () => {
  it.each(["01", "03", "04", "05", "12", "60"])(
    "%s ends no payment and no refund when it is asked for",
    async (respCode) => {
      const answer = (orderId: string) => raw(signed({ respCode, orderId }));
      expect((await payQr.fromResponse(context, pay, answer(pay.serial_no))).kind).toBe("unknown");
      expect((await refund.fromResponse(context, refundInput, answer(refundInput.refund_no))).kind).toBe("unknown");
      expect((await ask(answer(pay.serial_no))).kind).toBe("unknown");
    },
  );

  it("34 says that there is no such order in a query, and nothing anywhere else", async () => {
    const answer = (orderId: string) => raw(signed({ respCode: "34", orderId }));
    expect(await ask(answer(pay.serial_no))).toEqual({ kind: "not_found" });
    expect(await queryRefund.fromResponse(context, refundInput, answer(refundInput.refund_no))).toEqual({
      kind: "not_found",
    });
    expect((await payQr.fromResponse(context, pay, answer(pay.serial_no))).kind).toBe("unknown");
    expect((await refund.fromResponse(context, refundInput, answer(refundInput.refund_no))).kind).toBe("unknown");
  });

  it.each([
    ["11", true],
    ["31", true],
    ["32", true],
    ["43", true],
    ["10", undefined],
    ["33", undefined],
    ["64", undefined],
  ])("%s leads elsewhere when it lies with the account: %s", async (respCode, elsewhere) => {
    const outcome = await payQr.fromResponse(context, pay, raw(signed({ respCode, orderId: pay.serial_no })));
    if (outcome.kind !== "failed") throw new Error("a failure was expected");
    expect(outcome.failure.elsewhere).toBe(elsewhere);
  });
});

describe("a notice on its way", () => {
  it("means the same in another order of its fields, and in another spelling of its bytes", async () => {
    const good = signed(paid);
    const truth = await tell(form(good));
    const entries = Object.entries(good).reverse();
    const spelled = entries.map((entry) => entry.map((text) => encodeURIComponent(text)).join("="));
    expect(await tell(new URLSearchParams(entries).toString())).toEqual(truth);
    expect(await tell(spelled.join("&"))).toEqual(truth);
  });

  it.each([
    ["decoded once", (fields: Fields) => decodeURIComponent(form(fields))],
    ["turned into JSON", (fields: Fields) => JSON.stringify(fields)],
    ["trimmed", (fields: Fields) => form({ ...fields, respMsg: "成功" })],
    ["given a field", (fields: Fields) => form({ ...fields, forwarded: "1" })],
    ["without its certificate", ({ signPubKeyCert: _, ...fields }: Fields) => form(fields)],
    ["with a field twice", (fields: Fields) => `${form(fields)}&txnAmt=1`],
  ])("is refused when a proxy has %s it", async (_, rewrite) => {
    expect((await tell(rewrite(signed(paid)))).kind).toBe("rejected");
  });

  it("for another merchant does not survive the comparison, though UnionPay signed it", async () => {
    const told = await tell(form(signed({ ...paid, merId: "777290058110097" })));
    if (told.kind !== "payment_succeeded") throw new Error("a payment was expected");
    expect(checkIntegrity(expectPayment(unionpay, context.account, pay), told.payment).join()).toContain("merchant");
  });

  it("is as good a year later as long as the chain is, and not after", async () => {
    const later = (at_ms: number) => ({ ...context, clock: createManualClock(at_ms) });
    const body = form(signed(paid));
    expect((await tell(body, later(NOW + 364 * DAY_MS))).kind).toBe("payment_succeeded");
    expect((await tell(body, later(NOW + 366 * DAY_MS))).kind).toBe("rejected");
  });
});
