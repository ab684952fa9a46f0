/**
 * Guarantees that WeChat notices are retried by the documented schedule until 200 or 204, and that each fault of a
 * delivery reaches the merchant as it is described, the true notice following in the end.
 */

import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Formatter, Rsa } from "wechatpay-axios-plugin";
import { type Json, type Receiver, startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeWechatMerchant, openNotice, placeAndPay, type WechatMerchantUnderTest } from "../testing/wechat-client.ts";
import { wechat_schedule_s } from "./notice.ts";

let sandbox: TestSandbox;
let receiver: Receiver;
let merchant: WechatMerchantUnderTest;

beforeAll(async () => {
  // Time stands still but for what a test advances, so that a slow machine cannot bring a retry forward.
  const started_ms = Date.now();
  sandbox = await startTestSandbox({ now: () => started_ms });
  receiver = await startReceiver();
  merchant = await makeWechatMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  receiver.clear();
  receiver.reply = { status: 204, body: "" };
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

const pay = () => placeAndPay(sandbox, merchant, `${receiver.url}/notice`);
const ask = (fault: string, delay_ms?: number) =>
  sandbox.control("/faults", {
    channel: "wechat",
    operation: "notice",
    fault,
    times: 1,
    ...(delay_ms && { delay_ms }),
  });
const advance = (seconds: number) => sandbox.control("/clock", { advance: seconds });

it("retries a refused notice at the documented intervals, with the same id, and then gives up", async () => {
  receiver.reply = { status: 500, body: '{"code":"FAIL","message":""}' };
  const paid = await pay();
  await receiver.until(1);
  for (const [index, wait_s] of wechat_schedule_s.entries()) {
    await advance(wait_s - 1);
    expect(receiver.received).toHaveLength(index + 1);
    await advance(1);
    expect(receiver.received).toHaveLength(index + 2);
  }
  await advance(30 * 86_400);
  expect(receiver.received).toHaveLength(16);
  expect(new Set(receiver.received.map((message) => JSON.parse(message.body).id)).size).toBe(1);
  const { notices } = await sandbox.control(`/trades/${paid.out_trade_no}`);
  expect(notices).toMatchObject([{ attempts: 16, status: "exhausted" }]);
});

it("walks through the whole schedule in one move of the clock", async () => {
  receiver.reply = { status: 500, body: "" };
  await pay();
  await advance(3 * 86_400);
  expect(receiver.received).toHaveLength(16);
});

it("stops at the first reply that accepts", async () => {
  receiver.reply = { status: 401, body: "" };
  await pay();
  await receiver.until(1);
  receiver.reply = { status: 200, body: "anything" };
  await advance(86_400);
  expect(receiver.received).toHaveLength(2);
});

it.each(["notice_tampered", "notice_bad_signature"])("%s does not verify; the next try does", async (fault) => {
  await ask(fault);
  receiver.reply = { status: 401, body: "" };
  await pay();
  await receiver.until(1);
  expect(() => openNotice(merchant, receiver.received[0]!)).toThrow("bad signature");
  await advance(15);
  expect(openNotice(merchant, receiver.received[1]!).content.trade_state).toBe("SUCCESS");
});

it("notice_stale_timestamp is well signed and ten minutes old", async () => {
  await ask("notice_stale_timestamp");
  await pay();
  const [message] = await receiver.until(1);
  expect(openNotice(merchant, message!).event_type).toBe("TRANSACTION.SUCCESS");
  expect(Date.now() / 1000 - Number(message!.headers["wechatpay-timestamp"])).toBeGreaterThan(590);
});

it("notice_signtest probes with a marked signature before the true notice", async () => {
  await ask("notice_signtest");
  await pay();
  await receiver.until(2);
  const [probe, real] = receiver.received;
  expect(probe!.headers["wechatpay-signature"]).toMatch(/^WECHATPAY\/SIGNTEST\//);
  expect(openNotice(merchant, real!).event_type).toBe("TRANSACTION.SUCCESS");
});

it.each([
  ["notice_wrong_amount", (content: Json) => content.amount.total, 1235],
  ["notice_wrong_merchant", (content: Json) => content.mchid, "1900000001"],
])("%s is untrue and well signed", async (fault, pick, untrue) => {
  await ask(fault);
  await pay();
  const [message] = await receiver.until(1);
  expect(pick(openNotice(merchant, message!).content)).toBe(untrue);
});

it("notice_lost never arrives, and the retry does", async () => {
  await ask("notice_lost");
  const paid = await pay();
  await advance(14);
  expect(receiver.received).toHaveLength(0);
  await advance(1);
  expect(receiver.received).toHaveLength(1);
  const { data } = await sandbox.control(`/notices?trade=${paid.out_trade_no}`);
  expect(data.map((item: Json) => [item.fault, item.accepted])).toEqual([
    ["notice_lost", false],
    [undefined, true],
  ]);
});

it("notice_late waits for its delay", async () => {
  await ask("notice_late", 60_000);
  await pay();
  await advance(59);
  expect(receiver.received).toHaveLength(0);
  await advance(1);
  expect(receiver.received).toHaveLength(1);
});

it("notice_duplicate arrives twice with one id", async () => {
  await ask("notice_duplicate");
  await pay();
  await receiver.until(2);
  expect(JSON.parse(receiver.received[0]!.body).id).toBe(JSON.parse(receiver.received[1]!.body).id);
});

it("notice_reordered arrives after a later one", async () => {
  await ask("notice_reordered");
  const first = await pay();
  const second = await pay();
  await receiver.until(2);
  const numbers = receiver.received.map((message) => openNotice(merchant, message).content.out_trade_no);
  expect(numbers).toEqual([second.out_trade_no, first.out_trade_no]);
});

it("replays on demand: ten at once, and after notify: false", async () => {
  const paid = await placeAndPay(sandbox, merchant, `${receiver.url}/notice`, { notify: false });
  expect(receiver.received).toHaveLength(0);
  const { data } = await sandbox.control("/notices/replay", { trade: paid.out_trade_no, times: 10 });
  expect(data).toHaveLength(10);
  expect(data.every((item: Json) => item.accepted && item.status === 204)).toBe(true);
  await sandbox.control("/notices/replay", { trade: paid.out_trade_no, mutate: "notice_bad_signature" });
  expect(() => openNotice(merchant, receiver.received[10]!)).toThrow("bad signature");
});

it("is verified by the library over exactly the bytes that arrived", async () => {
  await pay();
  const [message] = await receiver.until(1);
  const { headers, body } = message!;
  const text = (raw: string) =>
    Formatter.response(headers["wechatpay-timestamp"] as string, headers["wechatpay-nonce"] as string, raw);
  const signature = headers["wechatpay-signature"] as string;
  const key = Rsa.from(merchant.platform_certificate_pem, "public");
  expect(Rsa.verify(text(body), signature, key)).toBe(true);
  expect(Rsa.verify(text(` ${body}`), signature, key)).toBe(false);
});
