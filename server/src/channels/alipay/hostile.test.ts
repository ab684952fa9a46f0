/**
 * Guarantee: whatever stands between us and Alipay (another character set, a proxy that writes a notice anew, fields whose
 * borders were moved, a notice of another merchant) is either what Alipay signed, fact for fact, or nothing; and a number
 * that is asked for again with other particulars ends nothing.
 */
import { sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeGbk } from "../../../../sandbox/kit/gbk.ts";
import { money } from "../../kit/money.ts";
import { changeAccount, makePayInput, makeRefundInput } from "../conformance/harness.ts";
import { channelPair } from "../conformance/keys.ts";
import { payInFull, startPayment, useWorld } from "../conformance/subject.ts";
import type { NoticeResult, WireResponse } from "../contract.ts";
import { checkIntegrity, expectPayment } from "../integrity.ts";
import { alipay } from "./index.ts";
import { query } from "./query.ts";
import { context } from "./testing/answers.ts";
import { subjectOf } from "./testing/subject.ts";

const pay = makePayInput("alipay.qr", "https://shop.example/n");
const signBytes = (bytes: Buffer) => sign("sha256", bytes, channelPair.key).toString("base64");

type Encode = (text: string) => Buffer;
const utf8: Encode = (text) => Buffer.from(text);
type Fields = Readonly<Record<string, string>>;

const paid: Fields = {
  app_id: "2021000000000001",
  auth_app_id: "2021000000000001",
  seller_id: "2088000000000001",
  out_trade_no: pay.serial_no,
  trade_no: "20261120",
  trade_status: "TRADE_SUCCESS",
  total_amount: "88.01",
  gmt_payment: "2026-11-20 12:00:00",
  subject: "一盒月饼 + 茶",
  charset: "utf-8",
};

/** What Alipay signs, in the bytes of the notice's character set. */
function signatureOf(fields: Fields, encode: Encode): string {
  const names = Object.keys(fields).sort();
  return signBytes(encode(names.map((name) => `${name}=${fields[name]}`).join("&")));
}

const percent = (bytes: Buffer) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
const write = (fields: [string, string][], encode: Encode) =>
  fields.map(([name, value]) => `${name}=${percent(encode(value))}`).join("&");
const read = (body: string): Promise<NoticeResult> =>
  alipay.readNotice(context, { headers: {}, body: Buffer.from(body, "latin1") });

describe("an answer in another character set", () => {
  const body = (text: string, encode: Encode): WireResponse => {
    const bytes = encode(text);
    const head = Buffer.from('{"alipay_trade_query_response":');
    return {
      status: 200,
      headers: {},
      body: Buffer.concat([head, bytes, Buffer.from(`,"sign":"${signBytes(bytes)}"}`)]),
    };
  };
  const trade = JSON.stringify({
    code: "10000",
    out_trade_no: pay.serial_no,
    trade_no: "20261120",
    trade_status: "TRADE_SUCCESS",
    total_amount: "88.01",
    store_name: "小满茶铺",
  });

  it("is not believed, though its bytes are signed: GBK where UTF-8 was due", async () => {
    expect(await query.fromResponse(context, pay, body(trade, utf8))).toMatchObject({ kind: "succeeded" });
    const outcome = await query.fromResponse(context, pay, body(trade, encodeGbk));
    expect(outcome).toMatchObject({ kind: "unknown", reason: "bad_signature" });
  });
});

describe("a notice", () => {
  const signed = (fields: Fields, encode = utf8): [string, string][] => [
    ...Object.entries(fields),
    ["sign", signatureOf(fields, encode)],
    ["sign_type", "RSA2"],
  ];

  it("in GBK is read over its bytes", async () => {
    const chinese = { ...paid, charset: "GBK" };
    const result = await read(write(signed(chinese, encodeGbk), encodeGbk));
    expect(result).toMatchObject({ kind: "payment_succeeded", payment: { serial_no: pay.serial_no } });
    // The same text, written in another character set on the way, is not what was signed.
    expect((await read(write(signed(chinese, encodeGbk), utf8))).kind).toBe("rejected");
  });

  it("written anew as a form by a proxy says the same: other escapes, another order, plus for blank", async () => {
    const fields = signed(paid);
    const anew = [
      write([...fields].reverse(), utf8),
      new URLSearchParams(fields).toString(),
      write(fields, utf8).replaceAll(/%[0-9a-f]{2}/g, (escaped) => escaped.toUpperCase()),
      `${new URLSearchParams(fields)}&`,
    ];
    for (const body of anew) expect((await read(body)).kind).toBe("payment_succeeded");
  });

  it("written anew as something else says nothing", async () => {
    const fields = signed(paid);
    const trimmed = fields.map(([name, value]): [string, string] => [name, value.replaceAll(" ", "")]);
    const others = [
      JSON.stringify(Object.fromEntries(fields)),
      write(trimmed, utf8),
      write(fields.slice(0, -2), utf8),
      "",
    ];
    for (const body of others) expect((await read(body)).kind).toBe("rejected");
  });

  it("whose fields' borders were moved is refused, though what is signed is the same", async () => {
    const names = Object.keys(paid).sort();
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: names.length - 2 }), async (at) => {
        // Two neighbours become one, so that the second is hidden in the first.
        const [first, second] = [names[at]!, names[at + 1]!];
        const { [second]: hidden, ...rest } = paid;
        const merged = { ...rest, [first]: `${paid[first]}&${second}=${hidden}` };
        expect(signatureOf(merged, utf8)).toBe(signatureOf(paid, utf8));
        expect(await read(write(signed(merged), utf8))).toMatchObject({
          kind: "rejected",
          detail: "a field of the notice looks like several",
        });
      }),
    );
    // One becomes two, so that a text turns into a fact.
    const text = { ...paid, subject: "x&total_amount=0.01" };
    expect((await read(write(signed(text), utf8))).kind).toBe("rejected");
  });

  it("changed in any one field is refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...Object.keys(paid)), fc.string({ minLength: 1 }), async (name, extra) => {
        const fields = signed(paid).map(([key, value]): [string, string] => [
          key,
          key === name ? value + extra : value,
        ]);
        expect((await read(write(fields, utf8))).kind).toBe("rejected");
      }),
    );
  });
});

describe("a notice for another merchant's account", () => {
  const world = useWorld(subjectOf("isv"));

  it("under the same provider's keys differs in merchant and application", async () => {
    const { account, control, receiver } = world();
    const { input, code } = await startPayment(world(), subjectOf("isv"));
    await control.post("pay", { code });
    const notice = await receiver.next(input.serial_no);
    const other = changeAccount(account, {
      config: { seller_id: "2088999999999999", auth_app_id: "2021999999999999" },
    });
    const result = await alipay.readNotice({ ...context, account: other }, notice);
    if (result.kind !== "payment_succeeded") throw new Error("a good signature was expected");
    expect(checkIntegrity(expectPayment(alipay, other, input), result.payment).join("; ")).toMatch(
      /merchant is 2088999999999999.*app is 2021999999999999/,
    );
    expect(checkIntegrity(expectPayment(alipay, account, input), result.payment)).toEqual([]);
  });
});

describe("a number that is asked for again with other particulars", () => {
  const subject = subjectOf("key");
  const world = useWorld(subject);

  it("ends neither the order nor the refund that it was first used for", async () => {
    const { caller, account } = world();
    const { input, code } = await startPayment(world(), subject);
    const dearer = { ...input, amount: money(8_802n, "CNY") };
    expect(await caller.pay(alipay, account, dearer)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    const { transaction_id } = await world().control.post("pay", { code, notify: false });
    const refund = makeRefundInput(input, String(transaction_id), 100n);
    expect((await caller.refund(alipay, account, refund)).kind).toBe("succeeded");
    const more = { ...refund, amount: money(101n, "CNY") };
    expect(await caller.refund(alipay, account, more)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    // Its query is about the first one, whose amount is another.
    expect(await caller.queryRefund(alipay, account, more)).toMatchObject({ kind: "unknown", reason: "integrity" });
  });

  it("is taken for paid when it was paid", async () => {
    const { caller, account } = world();
    const { input } = await payInFull(world(), subject);
    expect(await caller.pay(alipay, account, input)).toMatchObject({ kind: "unknown", reason: "duplicate" });
    expect(await caller.query(alipay, account, input)).toMatchObject({ kind: "succeeded" });
  });
});
