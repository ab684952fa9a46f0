/**
 * Guarantee: the sandbox speaks UnionPay ACP 5.1.0 at the wire: it takes only what is signed as the protocol says, signs
 * what it answers and tells under its own chain, and keeps the channel's states. Held by an independent client.
 */
import { X509Certificate } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
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

  it("refuses a merchant whose certificate has run out, with code 11", async () => {
    await sandbox.control("/clock", { advance: 731 * 86_400 });
    expect((await back(merchant.order())).fields.respCode).toBe("11");
    await sandbox.control("/clock", { reset: true });
    expect((await back(merchant.order())).fields.respCode).toBe("00");
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

describe("the app's authorization", () => {
  const redirectUrl = "https://shop.example/c/1?state=s";
  const authorize = async (version = "1.0.0") => {
    const query = new URLSearchParams({ version, redirectUrl });
    return fetch(`${sandbox.url}/qrcGtwWeb-web/api/userAuth?${query}`, { redirect: "manual" });
  };
  const exchange = async (userAuthCode: string, changes: Record<string, string> = {}) => {
    const { orderId, txnTime } = merchant.order() as Record<string, string>;
    const request = {
      txnType: "00",
      txnSubType: "10",
      bizType: "000000",
      channelType: "08",
      orderId: orderId!,
      txnTime: txnTime!,
    };
    const identifier = { appUpIdentifier: "UnionPay/1.0 CloudPay" };
    return (await merchant.post("newAppTransReq", { ...request, ...identifier, userAuthCode, ...changes })).fields;
  };

  it("gives a code that is changed for the payer's id once, within five minutes", async () => {
    const back = new URL((await authorize()).headers.get("location")!);
    expect([back.searchParams.get("state"), back.searchParams.get("respCode")]).toEqual(["s", "00"]);
    const code = back.searchParams.get("userAuthCode")!;
    expect((await exchange(code, { appUpIdentifier: "UnionPay/1.0 Another" })).respCode).toBe("36");
    const { appUserId } = await exchange(code);
    expect(appUserId).toMatch(/^[\w+/]{64}$/);
    expect((await exchange(code)).respCode).toBe("34");
    const late = new URL((await authorize()).headers.get("location")!).searchParams.get("userAuthCode")!;
    await sandbox.control("/clock", { advance: 301 });
    expect((await exchange(late)).respCode).toBe("34");
    expect((await authorize("2")).status).toBe(400);
  });

  it("names the payer of an order for the app's browser, which is led to a page", async () => {
    const code = new URL((await authorize()).headers.get("location")!).searchParams.get("userAuthCode")!;
    const { appUserId } = await exchange(code);
    const order = merchant.order({ txnSubType: "01", tradeType: "mobileWeb", qrCodeType: "0", appUserId: appUserId! });
    const { payUrl } = (await merchant.post("newAppTransReq", order)).fields;
    expect(await (await fetch(payUrl!)).text()).toContain("云闪付");
    expect(await sandbox.control("/pay", { code: payUrl, notify: false })).toMatchObject({ paid: true });
    const { appUserId: _, ...nobodys } = merchant.order({ ...order, orderId: "NOBODYS01" }) as Record<string, string>;
    expect((await merchant.post("newAppTransReq", nobodys)).fields.respCode).toBe("13");
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

it("signs under a new middle certificate after a rotation", async () => {
  const rotating = await makeUnionpayMerchant(sandbox);
  const renewed = await sandbox.control("/keys/rotate", { channel: "unionpay", merchant: rotating.mer_id });
  expect(renewed.root_certificate_pem).toBe(rotating.root_certificate_pem);
  await expect(rotating.post("backTransReq", rotating.order())).rejects.toThrow("broken chain");
});
