/**
 * Guarantee: the sandbox speaks UnionPay ACP 5.1.0 at the wire: it takes only what is signed as the protocol says, signs
 * what it answers and tells under its own chain, and keeps the channel's states. Held by an independent client.
 */
import { X509Certificate } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readZip } from "../../server/src/channels/zip.ts";
import { type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeUnionpayMerchant, type UnionpayMerchantUnderTest, verifyMessage } from "../testing/unionpay-client.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: UnionpayMerchantUnderTest;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver({ status: 200, body: "" });
  merchant = await makeUnionpayMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  receiver.clear();
  receiver.reply = { status: 200, body: "" };
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

const notified = () => ({ backUrl: `${receiver.url}/notices` });
const back = (fields: Record<string, string>) => merchant.post("backTransReq", fields);
const ask = async (order: Record<string, string>) =>
  (await merchant.post("queryTrans", merchant.question(order))).fields;

async function placeAndPay(changes = {}) {
  const order = merchant.order({ ...notified(), ...changes });
  const { fields } = await back(order);
  const paid = await sandbox.control("/pay", { code: fields.qrCode });
  await receiver.until(1);
  return { order, queryId: String(paid.transaction_id) };
}

function refundOf(queryId: string, changes: Record<string, string> = {}) {
  const {
    currencyCode: _,
    orderDesc: __,
    ...order
  } = merchant.order({ ...notified(), txnType: "04", txnSubType: "00" });
  return { ...order, origQryId: queryId, txnAmt: "34", ...changes };
}

describe("signatures", () => {
  it("gives the merchant's serial number in decimal, all of its digits", () => {
    const { serialNumber } = new X509Certificate(merchant.merchant_certificate_pem);
    expect(merchant.cert_id).toBe(BigInt(`0x${serialNumber}`).toString());
    expect(Number.isSafeInteger(Number(merchant.cert_id))).toBe(false);
  });

  it.each([
    ["another amount", (fields: Record<string, string>) => ({ ...fields, txnAmt: "1" })],
    ["another certificate", (fields: Record<string, string>) => ({ ...fields, certId: "1" })],
    ["no signature", ({ signature: _, ...fields }: Record<string, string>) => fields],
    ["a field more", (fields: Record<string, string>) => ({ ...fields, reserved: "x" })],
  ])("refuses a request with %s, with code 11", async (_, spoil) => {
    const answer = await merchant.post("backTransReq", merchant.order(), spoil);
    expect(answer.fields.respCode).toBe("11");
  });

  it("does not count empty fields, and counts characters as they are", async () => {
    const answer = await back(merchant.order({ orderDesc: "月饼 100% + 茶 = 好", reqReserved: "" }));
    expect(answer.fields).toMatchObject({ respCode: "00", qrCode: expect.stringContaining("https://qr.95516.com/") });
  });

  it("answers a stranger in plain words, unsigned", async () => {
    const answer = await merchant.post("backTransReq", merchant.order({ merId: "777290000000000" }));
    expect(answer.text).toBe("Invalid request.");
  });

  it("writes values raw: the certificate's line ends and the signature's plus and equals signs", async () => {
    const { text } = await back(merchant.order());
    expect(text).toMatch(/signPubKeyCert=-----BEGIN CERTIFICATE-----\r\n/);
    expect(text).not.toContain("%2B");
  });

  it.each([
    ["txnAmt", "0", "10"],
    ["txnAmt", "12.34", "10"],
    ["txnAmt", "", "13"],
    ["orderId", "SHORT", "10"],
    ["orderId", "WITH-DASH-123", "10"],
    ["txnTime", "20261340120000", "10"],
    ["currencyCode", "840", "10"],
    ["version", "5.0.0", "10"],
    ["payTimeout", "20200101000000", "39"],
  ])("refuses %s %o with code %s", async (key, value, code) => {
    expect((await back(merchant.order({ [key]: value }))).fields.respCode).toBe(code);
  });
});

describe("orders", () => {
  it("are unknown until a payer tries, say why a try failed, and are paid by the next", async () => {
    const order = merchant.order();
    const { qrCode } = (await back(order)).fields;
    expect((await ask(order)).respCode).toBe("34");
    await sandbox.control("/pay", { code: qrCode, outcome: "fail" });
    expect(await ask(order)).toMatchObject({ respCode: "00", origRespCode: "64" });
    await sandbox.control("/pay", { code: qrCode, notify: false });
    expect(await ask(order)).toMatchObject({
      respCode: "00",
      origRespCode: "00",
      txnAmt: "1234",
      currencyCode: "156",
      queryId: expect.stringMatching(/^\d{21}$/),
      traceTime: expect.stringMatching(/^\d{10}$/),
    });
    await expect(sandbox.control("/pay", { code: qrCode })).rejects.toThrow("409");
  });

  it("are found by number and time together", async () => {
    const { order } = await placeAndPay();
    expect((await ask({ ...order, txnTime: "20261120120001" })).respCode).toBe("34");
  });

  it("are the same again for the same content, and a duplicate for other content or when paid", async () => {
    const order = merchant.order();
    const first = (await back(order)).fields.qrCode;
    expect((await back(order)).fields.qrCode).toBe(first);
    expect((await back({ ...order, txnAmt: "1" })).fields.respCode).toBe("12");
    await sandbox.control("/pay", { code: first, notify: false });
    expect((await back(order)).fields.respCode).toBe("12");
  });

  it("cannot be paid after payTimeout", async () => {
    const soon = new Date(Date.parse((await sandbox.control("/clock")).now) + 8 * 3_600_000 + 60_000);
    const payTimeout = soon.toISOString().slice(0, 19).replace(/\D/g, "");
    const { qrCode } = (await back(merchant.order({ payTimeout }))).fields;
    await sandbox.control("/clock", { advance: 61 });
    await expect(sandbox.control("/pay", { code: qrCode })).rejects.toThrow("409");
  });

  it("of an app are known by their tn", async () => {
    const order = merchant.order({ txnSubType: "01", bizType: "000201" });
    const { tn } = (await merchant.post("appTransReq", order)).fields;
    expect(tn).toMatch(/^\d{21}$/);
    expect(await sandbox.control("/pay", { code: tn, notify: false })).toMatchObject({ paid: true, amount: 1234 });
  });

  it("of a browser lead to the wallet, whose page posts the signed result back", async () => {
    const web = { txnSubType: "01", bizType: "000201", channelType: "07", frontUrl: "https://shop.example/back" };
    const fields = merchant.sign(merchant.order(web));
    const post = (body: Record<string, string>, path = "/gateway/api/frontTransReq.do") =>
      fetch(sandbox.url + path, { method: "POST", body: new URLSearchParams(body), redirect: "manual" });
    const wallet = (await post(fields)).headers.get("location") ?? "";
    const code = new URL(wallet).searchParams.get("code")!;
    expect(await (await fetch(wallet)).text()).toContain("云闪付");
    const page = await (await post({ code, outcome: "success" }, "/wallet/decide")).text();
    expect(page).toContain('action="https://shop.example/back"');
    const inputs = [...page.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
    expect(verifyMessage(merchant, Object.fromEntries(inputs))).toMatchObject({ respCode: "00", txnAmt: "1234" });
    const spoilt = await post({ ...fields, txnAmt: "1" });
    expect(spoilt.headers.get("location")).toContain("/wallet/error?name=11");
  });
});

describe("shown codes", () => {
  const charge = { txnSubType: "06" };
  const draw = async (behaviour: string) =>
    String((await sandbox.control("/auth_codes", { channel: "unionpay", behaviour })).auth_code);

  it.each([
    ["success", "00", "00"],
    ["confirm", "00", "05"],
    ["bank_error", "05", "05"],
    ["system_error", "03", "00"],
    ["not_enough", "64", undefined],
    ["expired", "86", undefined],
    ["invalid", "88", undefined],
  ])("of a payer with %s are answered %s, and a query says %s", async (behaviour, code, origRespCode) => {
    const order = merchant.order({ ...charge, qrNo: await draw(behaviour) });
    expect((await back(order)).fields.respCode).toBe(code);
    expect((await ask(order)).origRespCode).toBe(origRespCode);
  });

  it("are used once", async () => {
    const qrNo = await draw("success");
    await back(merchant.order({ ...charge, qrNo }));
    expect((await back(merchant.order({ ...charge, qrNo }))).fields.respCode).toBe("86");
  });

  it("are reversed by the order's own number, twice as well as once", async () => {
    const order = merchant.order({ ...charge, qrNo: await draw("confirm") });
    await back(order);
    const { orderId, txnTime, txnAmt } = order as Record<string, string>;
    const reversal = { txnType: "99", txnSubType: "01", bizType: "000000", channelType: "08" };
    for (let count = 0; count < 2; count += 1) {
      const answer = await back({ ...reversal, orderId: orderId!, txnTime: txnTime! });
      expect(answer.fields.respCode).toBe("00");
    }
    const other = { ...reversal, orderId: orderId!, txnTime: txnTime!, txnAmt: `${txnAmt}0` };
    expect((await back(other)).fields.respCode).toBe("36");
    expect((await ask(order)).origRespCode).toBe("46");
    await expect(sandbox.control("/pay", { code: orderId! })).rejects.toThrow("409");
  });
});

describe("refunds", () => {
  it("are accepted, then done, each an order of its own, up to what was paid", async () => {
    const { queryId } = await placeAndPay();
    const refund = refundOf(queryId);
    expect((await back(refund)).fields).toMatchObject({ respCode: "00", queryId: expect.stringMatching(/^\d{21}$/) });
    expect(await ask(refund)).toMatchObject({ origRespCode: "00", txnAmt: "34", origQryId: queryId });
    expect((await back(refund)).fields.respCode).toBe("00");
    expect((await back({ ...refund, txnAmt: "35" })).fields.respCode).toBe("12");
    expect((await back(refundOf(queryId, { txnAmt: "1201" }))).fields.respCode).toBe("36");
    expect((await back(refundOf(queryId, { txnAmt: "1200" }))).fields.respCode).toBe("00");
    const { refunds } = await sandbox.control(`/trades/${queryId}`);
    expect(refunds.map(({ amount }: { amount: number }) => amount)).toEqual([34, 1200]);
  });

  it("of nothing paid, or of another merchant's payment, find no payment", async () => {
    const { queryId } = await placeAndPay();
    expect((await back(refundOf("1".repeat(21)))).fields.respCode).toBe("35");
    const stranger = await makeUnionpayMerchant(sandbox);
    expect((await stranger.post("backTransReq", refundOf(queryId))).fields.respCode).toBe("35");
  });

  it("by undo take all of it, on UnionPay's own day", async () => {
    const { queryId } = await placeAndPay();
    const undo = (txnAmt: string) => back(refundOf(queryId, { txnType: "31", txnAmt }));
    expect((await undo("34")).fields.respCode).toBe("36");
    await sandbox.control("/clock", { advance: 86_400 });
    expect((await undo("1234")).fields.respCode).toBe("39");
    await sandbox.control("/clock", { reset: true });
    expect((await undo("1234")).fields.respCode).toBe("00");
    expect((await back(refundOf(queryId))).fields.respCode).toBe("36");
  });
});

describe("notices", () => {
  it("tell of a payment and of a refund, signed, as forms", async () => {
    const { order, queryId } = await placeAndPay();
    await back(refundOf(queryId));
    const told = (await receiver.until(2)).map(({ body }) =>
      verifyMessage(merchant, Object.fromEntries(new URLSearchParams(body))),
    );
    expect(told).toMatchObject([
      { respCode: "00", txnType: "01", orderId: order.orderId, txnAmt: "1234", merId: merchant.mer_id, queryId },
      { respCode: "00", txnType: "04", txnAmt: "34", origQryId: queryId },
    ]);
  });

  it("come five times at most, after 0, 1, 2 and 4 minutes, until status 200", async () => {
    receiver.reply = { status: 500, body: "" };
    await placeAndPay();
    await receiver.until(2);
    for (const [seconds, count] of [
      [60, 3],
      [120, 4],
      [240, 5],
      [86_400, 5],
    ] as const) {
      await sandbox.control("/clock", { advance: seconds });
      expect(receiver.received).toHaveLength(count);
    }
  });

  it("do not tell of a failed try", async () => {
    const { qrCode } = (await back(merchant.order(notified()))).fields;
    await sandbox.control("/pay", { code: qrCode, outcome: "fail" });
    await sandbox.control("/clock", { advance: 600 });
    expect(receiver.received).toEqual([]);
  });
});

describe("files", () => {
  const widths =
    "3,11,11,6,10,19,12,4,2,21,2,32,2,6,10,13,13,4,15,2,2,6,2,4,32,1,21,15,1,15,32,13,13,8,32,13,13,12,2,1,32,98";
  const fetchFile = (settleDate: string) =>
    merchant.post("/", {
      txnType: "76",
      txnSubType: "01",
      bizType: "000000",
      txnTime: "20261120120000",
      settleDate,
      fileType: "00",
    });
  const today = async () => {
    const now = Date.parse((await sandbox.control("/clock")).now);
    // The day turns at 23:00 in Beijing, 15:00 UTC.
    return new Date(now + 9 * 3_600_000).toISOString().slice(0, 10);
  };
  const monthDay = (date: string) => date.slice(5).replace("-", "");

  /** The rows of the file whose name begins so, cut by bytes at the documents' widths; columns count from 1. */
  async function rowsOf(fields: Record<string, string>, prefix: string): Promise<string[][]> {
    for await (const { name, chunks } of readZip(
      Readable.from([inflateSync(Buffer.from(fields.fileContent!, "base64"))]),
    )) {
      const text = (await buffer(chunks)).toString("latin1");
      if (!name.slice(11).startsWith(prefix)) continue;
      return text
        .split("\r\n")
        .slice(0, -1)
        .map((line) => {
          let at = 0;
          const cells = widths.split(",").map((width) => {
            const cell = line.slice(at, at + Number(width));
            at += Number(width) + 1;
            return new TextDecoder("gbk").decode(Buffer.from(cell, "latin1")).trimEnd();
          });
          expect(at).toBe(line.length + 1);
          return ["", ...cells];
        });
    }
    throw new Error(`no file ${prefix}`);
  }

  it("list what went through on a day, by the documents' columns", async () => {
    const date = await today();
    const { order, queryId } = await placeAndPay();
    await placeAndPay();
    const refund = refundOf(queryId);
    await back(refund);
    await back(merchant.order());
    expect((await fetchFile(monthDay(date))).fields.respCode).toBe("98");
    await sandbox.control("/clock", { advance: 2 * 86_400 });
    const { fields } = await fetchFile(monthDay(date));
    expect(fields).toMatchObject({
      respCode: "00",
      settleDate: monthDay(date),
      fileName: `${merchant.mer_id}_${date.replaceAll("-", "")}.zip`,
    });
    const rows = await rowsOf(fields, "ZM_");
    expect(rows.map((row) => [row[20], row[12], row[7]])).toEqual([
      ["01", order.orderId, "000000001234"],
      ["01", expect.any(String), "000000001234"],
      ["04", refund.orderId, "000000000034"],
    ]);
    expect([rows[0]![10], rows[0]![16], rows[0]![17], rows[0]![28]]).toEqual([
      queryId,
      "D000000000005",
      "C000000001229",
      merchant.mer_id,
    ]);
    expect([rows[2]![27], rows[2]![41], rows[2]![17]]).toEqual([queryId, order.orderId, "D000000000034"]);
    expect(await rowsOf(fields, "ZME_")).toEqual([]);
  });

  it("show what was asked to be wrong with them, at once", async () => {
    const date = await today();
    const { order } = await placeAndPay();
    const other = await placeAndPay();
    await sandbox.control("/bills", {
      channel: "unionpay",
      date,
      discrepancies: [
        { kind: "missing", number: order.orderId },
        { kind: "amount", by: 100 },
        { kind: "extra", number: "NEVERWAS01", amount: 500 },
      ],
    });
    const rows = await rowsOf((await fetchFile(monthDay(date))).fields, "ZM_");
    expect(rows.map((row) => [row[12], row[7]])).toEqual([
      [other.order.orderId, "000000001334"],
      ["NEVERWAS01", "000000000500"],
    ]);
  });

  it("are not there for a day without transactions, and refused for no day", async () => {
    expect((await fetchFile("0102")).fields.respCode).toBe("98");
    expect((await fetchFile("1345")).fields.respCode).toBe("10");
  });
});

it("signs under a new middle certificate after a rotation", async () => {
  const rotating = await makeUnionpayMerchant(sandbox);
  const renewed = await sandbox.control("/keys/rotate", { channel: "unionpay", merchant: rotating.mer_id });
  expect(renewed.root_certificate_pem).toBe(rotating.root_certificate_pem);
  await expect(rotating.post("backTransReq", rotating.order())).rejects.toThrow("broken chain");
});
