/**
 * Guarantee: the bills of a day say what was paid, refunded and moved on it, byte by byte in WeChat Pay's form, their hash is
 * of what they unpack to, and they show what was asked to be wrong. Held by an independent client (wechatpay-axios-plugin).
 */
import { hash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Formatter, Rsa } from "wechatpay-axios-plugin";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeWechatMerchant, placeAndPay, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";

/** Noon in Beijing; client and sandbox follow it, as signatures must be of the same five minutes. */
const day = "2026-11-20";
const noon = Date.UTC(2026, 10, 20, 4);
const next_day = noon + 24 * 3_600_000;
let now = noon;

let sandbox: TestSandbox;
let merchant: WechatMerchantUnderTest;
beforeAll(async () => {
  sandbox = await startTestSandbox({ now: () => now });
});
beforeEach(async () => {
  now = noon;
  await sandbox.control("/reset", { merchants: true });
  merchant = await makeWechatMerchant(sandbox);
});
afterAll(() => sandbox.close());

/** A signed request by the client library's own tools, at the test's time. */
async function get(path: string, from: Json = merchant): Promise<{ status: number; body: Buffer; headers: Headers }> {
  const timestamp = String(Math.floor(now / 1000));
  const nonce = Formatter.nonce();
  const key = Rsa.from(from.merchant_private_key_pem, "private");
  const signature = Rsa.sign(Formatter.request("GET", path, timestamp, nonce, ""), key);
  const authorization = Formatter.authorization(from.mchid, nonce, signature, timestamp, from.merchant_serial_no);
  const headers = { authorization, accept: "application/json", "user-agent": "test" };
  const response = await fetch(sandbox.url + path, { headers });
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()), headers: response.headers };
}
const locate = async (query: string, kind = "tradebill") => {
  const { status, body } = await get(`/v3/bill/${kind}?${query}`);
  return { status, ...(JSON.parse(body.toString()) as Json) };
};
const download = async (located: Json, from: Json = merchant) => {
  const { pathname, search } = new URL(located.download_url);
  return get(pathname + search, from);
};
async function fetchText(query: string, kind?: string): Promise<string> {
  const located = await locate(`${query}&tar_type=GZIP`, kind);
  const { status, body, headers } = await download(located);
  expect([status, headers.get("wechatpay-signature")]).toEqual([200, null]);
  const text = gunzipSync(body);
  expect([located.hash_type, located.hash_value]).toEqual(["SHA1", hash("sha1", text)]);
  return text.toString("utf8");
}
/** The rows by the names of their columns, without the backticks. */
function parse(text: string): { rows: Record<string, string>[]; sums: Record<string, string> } {
  expect(text.startsWith("\uFEFF") && text.endsWith("\r\n")).toBe(true);
  const lines = text.slice(1).split("\r\n").slice(0, -1);
  const read = (head: string, line: string) =>
    Object.fromEntries(
      line.split(",").map((cell, index) => {
        expect(cell.startsWith("`")).toBe(true);
        return [head.split(",")[index], cell.slice(1)];
      }),
    );
  const rows = lines.slice(1, -2).map((line) => read(lines[0]!, line));
  return { rows, sums: read(lines.at(-2)!, lines.at(-1)!) };
}

/** The client signs by the machine's clock: whatever it calls happens while the sandbox follows that clock. */
function atMachineTime<T>(work: () => Promise<T>): Promise<T> {
  now = Date.now();
  return work();
}
const today = () => new Date(now + 8 * 3_600_000).toISOString().slice(0, 10);

test("each payment and refund of the day has its row, and the sums are theirs", async () => {
  const { first, date } = await atMachineTime(async () => {
    const paid = await placeAndPay(sandbox, merchant, "https://shop.example/n", { notify: false });
    await placeAndPay(sandbox, merchant, "https://shop.example/n", { notify: false });
    now += 1000;
    const refund = { transaction_id: paid.transaction_id, out_refund_no: "REFUND0001" };
    const amount = { refund: 34, total: 1234, currency: "CNY" };
    await merchant.call("post", "/v3/refund/domestic/refunds", { ...refund, amount });
    return { first: paid, date: today() };
  });
  now += 36 * 3_600_000;
  const { rows, sums } = parse(await fetchText(`bill_date=${date}&bill_type=ALL`));
  expect(rows).toHaveLength(3);
  expect(rows[0]).toMatchObject({
    商户号: merchant.mchid,
    特约商户号: "0",
    微信订单号: first.transaction_id,
    商户订单号: first.out_trade_no,
    交易类型: "NATIVE",
    交易状态: "SUCCESS",
    应结订单金额: "12.34",
    订单金额: "12.34",
    手续费: "0.05000",
    商户退款单号: "0",
  });
  const refunds = rows.filter((row) => row.交易状态 === "REFUND");
  expect(refunds).toMatchObject([
    { 商户退款单号: "REFUND0001", 退款金额: "0.34", 申请退款金额: "0.34", 退款状态: "SUCCESS", 订单金额: "0.00" },
  ]);
  expect(sums).toMatchObject({ 总交易单数: "3", 订单总金额: "24.68", 退款总金额: "0.34", 手续费总金额: "0.10000" });
  expect(parse(await fetchText(`bill_date=${date}&bill_type=SUCCESS`)).rows).toHaveLength(2);
  expect(parse(await fetchText(`bill_date=${date}&bill_type=REFUND`)).rows[0]).toHaveProperty("退款成功时间");

  const flow = parse(await fetchText(`bill_date=${date}&account_type=BASIC`, "fundflowbill"));
  expect(flow.rows.map((row) => [row.业务名称, row.收支类型, row["收支金额(元)"]])).toEqual([
    ["交易", "收入", "12.34"],
    ["扣除交易手续费", "支出", "0.05"],
    ["交易", "收入", "12.34"],
    ["扣除交易手续费", "支出", "0.05"],
    ["退款", "支出", "0.34"],
  ]);
  expect(flow.rows.at(-1)).toMatchObject({ "账户结余(元)": "24.24", 业务凭证号: "REFUND0001" });
  expect(flow.sums).toMatchObject({ 资金流水总笔数: "5", 收入金额: "24.68", 支出金额: "0.44" });
});

test("it comes at ten of the next day, by a link of five minutes that is the merchant's own", async () => {
  const stranger = await makeWechatMerchant(sandbox);
  await atMachineTime(() => placeAndPay(sandbox, merchant, "https://shop.example/n", { notify: false }));
  const date = today();
  const midnight = Date.parse(`${date}T00:00:00+08:00`);
  expect(await locate(`bill_date=${date}`)).toMatchObject({ status: 400, code: "PARAM_ERROR" });
  now = midnight + 33 * 3_600_000;
  expect(await locate(`bill_date=${date}`)).toMatchObject({ status: 400, code: "STATEMENT_CREATING" });
  now = midnight + 34 * 3_600_000;
  const located = await locate(`bill_date=${date}`);
  const plain = await download(located);
  expect([plain.status, hash("sha1", plain.body)]).toEqual([200, located.hash_value]);
  expect((await download(located, stranger)).status).toBe(404);
  now += 300_001;
  expect((await download(located)).status).toBe(400);
  now = midnight + 94 * 24 * 3_600_000;
  expect(await locate(`bill_date=${date}`)).toMatchObject({ status: 400, code: "PARAM_ERROR" });
});

test("a day without trades has none, and what makes no sense is refused", async () => {
  now = next_day;
  const codes = [
    (await locate(`bill_date=${day}`)).code,
    (await locate(`bill_date=${day}`, "fundflowbill")).code,
    (await locate(`bill_date=${day}&account_type=FEES`, "fundflowbill")).code,
    (await locate("bill_date=20261120")).code,
    (await locate(`bill_date=${day}&bill_type=SOME`)).code,
    (await locate(`bill_date=${day}&sub_mchid=1700000000`)).code,
  ];
  expect(codes).toEqual([
    ...["NO_STATEMENT_EXIST", "NO_STATEMENT_EXIST", "NO_STATEMENT_EXIST"],
    ...["PARAM_ERROR", "PARAM_ERROR", "NO_AUTH"],
  ]);
});

test("what was asked to be wrong is in the bill of trades, at once", async () => {
  const made = await atMachineTime(async () => {
    const paid = await placeAndPay(sandbox, merchant, "https://shop.example/n", { notify: false });
    const other = await placeAndPay(sandbox, merchant, "https://shop.example/n", { notify: false });
    return [paid.out_trade_no, other.out_trade_no];
  });
  await sandbox.control("/bills", {
    channel: "wechat",
    date: today(),
    discrepancies: [
      { kind: "missing", number: made[0] },
      { kind: "amount", by: 100 },
      { kind: "extra", number: "NEVERWAS01", amount: 500 },
    ],
  });
  const { rows } = parse(await fetchText(`bill_date=${today()}`));
  expect(rows.map((row) => [row.商户订单号, row.订单金额])).toEqual([
    [made[1], "13.34"],
    ["NEVERWAS01", "5.00"],
  ]);
});
