/**
 * Guarantees that the simulated Alipay shares a paid trade as its documents say: with bound receivers only, up to 30 per
 * cent, each part ended by itself, nothing twice, nothing after the end; judged by the official SDK with signature
 * validation on.
 */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AlipayMerchantUnderTest, makeAlipayMerchant } from "../testing/alipay-client.ts";
import { type Json, startTestSandbox, type TestSandbox } from "../testing/bench.ts";

let sandbox: TestSandbox;
let merchant: AlipayMerchantUnderTest;
let last = 0;
const first = "2088000000000011";
const second = "2088000000000022";

beforeAll(async () => {
  const started_ms = Date.now();
  sandbox = await startTestSandbox({ now: () => started_ms });
  merchant = await makeAlipayMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
  for (const account of [first, second]) await relate("bind", { type: "userId", account });
});
afterAll(() => sandbox.close());

const number = () => {
  last += 1;
  return `N${String(last).padStart(8, "0")}`;
};

const relate = (how: "bind" | "unbind", receiver: object, out_request_no = number()): Promise<Json> =>
  merchant.call(`alipay.trade.royalty.relation.${how}`, { receiver_list: [receiver], out_request_no });
const bound = async (): Promise<string[]> => {
  const listed = await merchant.call("alipay.trade.royalty.relation.batchquery", { out_request_no: number() });
  return listed.receiver_list.map(({ account }: { account: string }) => account);
};

/** A paid trade of 100 yuan, a minute old. */
async function payTrade(product_code = "FACE_TO_FACE_PAYMENT"): Promise<string> {
  const content = {
    out_trade_no: number(),
    total_amount: "100.00",
    subject: "Tea",
    product_code,
    extend_params: { royalty_freeze: "true" },
  };
  const code =
    product_code === "QUICK_MSECURITY_PAY"
      ? merchant.sdk.sdkExecute("alipay.trade.app.pay", { bizContent: content })
      : (await merchant.call("alipay.trade.precreate", content)).qr_code;
  const { transaction_id } = await sandbox.control("/pay", { code });
  await sandbox.control("/clock", { advance: 60 });
  return transaction_id;
}

const to = (trans_in: string, amount: string) => ({ trans_in_type: "userId", trans_in, amount, desc: "佣金" });
const settle = (trade_no: string, parts: object[], more: object = {}): Promise<Json> =>
  merchant.call("alipay.trade.order.settle", {
    trade_no,
    out_request_no: number(),
    ...(parts.length > 0 && { royalty_parameters: parts }),
    ...more,
  });
const ask = (trade_no: string, out_request_no: string): Promise<Json> =>
  merchant.call("alipay.trade.order.settle.query", { trade_no, out_request_no });
const states = (answer: Json) => answer.royalty_detail_list.map(({ state }: { state: string }) => state);

describe("receivers", () => {
  it("are bound once, listed, and unbound", async () => {
    expect(await relate("bind", { type: "userId", account: first })).toMatchObject({ result_code: "SUCCESS" });
    expect(await bound()).toEqual([first, second]);
    expect(await relate("unbind", { type: "userId", account: first })).toMatchObject({ result_code: "SUCCESS" });
    expect(await bound()).toEqual([second]);
  });

  it("are not bound again by a request number that was used, though Alipay says so", async () => {
    await relate("bind", { type: "openId", account: "o-third" }, "ONCE1");
    await relate("unbind", { type: "openId", account: "o-third" });
    expect(await relate("bind", { type: "openId", account: "o-third" }, "ONCE1")).toMatchObject({ code: "10000" });
    expect(await bound()).not.toContain("o-third");
  });

  it.each([
    [{ type: "userId", account: "2088000000000000" }, "ACQ.USER_NOT_EXIST"],
    [{ type: "cardAliasNo", account: "1" }, "ACQ.INVALID_RECEIVER_TYPE"],
    [{ type: "userId", account: "1" }, "ACQ.INVALID_PARAMETER"],
    [{ type: "loginName", account: "someone@example.com" }, "ACQ.INVALID_PARAMETER"],
  ])("are refused: %o with %s", async (receiver, sub_code) => {
    expect((await relate("bind", receiver)).sub_code).toBe(sub_code);
  });
});

describe("a sharing", () => {
  it("in the asynchronous mode ends each part by itself", async () => {
    const trade_no = await payTrade();
    await sandbox.control("/faults", { channel: "alipay", operation: "share", fault: "payout_failed" });
    const out_request_no = number();
    const more = { royalty_mode: "async", out_request_no };
    const answer = await settle(trade_no, [to(first, "10.00"), to(second, "5.00")], more);
    expect(answer).toMatchObject({ code: "10000", trade_no, settle_no: expect.stringMatching(/^\d+$/) });
    expect(states(await ask(trade_no, out_request_no))).toEqual(["PROCESSING", "PROCESSING"]);
    await sandbox.control("/clock", { advance: 2 });
    const ended = await ask(trade_no, out_request_no);
    expect(states(ended)).toEqual(["SUCCESS", "FAIL"]);
    expect(ended.royalty_detail_list[1].error_code).toBe("TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH");
    const byNumber = await merchant.call("alipay.trade.order.settle.query", { settle_no: answer.settle_no });
    expect(byNumber.out_request_no).toBe(out_request_no);
  });

  it("in the synchronous mode succeeds or fails as a whole, with five receivers at most", async () => {
    const trade_no = await payTrade();
    await sandbox.control("/faults", { channel: "alipay", operation: "share", fault: "payout_failed" });
    const both = [to(first, "10.00"), to(second, "5.00")];
    expect((await settle(trade_no, both)).sub_code).toBe("ACQ.TXN_RESULT_ACCOUNT_BALANCE_NOT_ENOUGH");
    const out_request_no = number();
    expect((await settle(trade_no, both, { out_request_no })).code).toBe("10000");
    expect(states(await ask(trade_no, out_request_no))).toEqual(["SUCCESS", "SUCCESS"]);
    const six = Array.from({ length: 6 }, () => to(first, "0.01"));
    expect((await settle(trade_no, six)).sub_code).toBe("ACQ.INVALID_PARAMETER");
    // Both modes for one trade are too many.
    expect((await settle(trade_no, both, { royalty_mode: "async" })).sub_code).toBe("ACQ.INVALID_PARAMETER");
  });

  it("is the same when it is asked for again, and refused when it says something else", async () => {
    const trade_no = await payTrade();
    const out_request_no = number();
    const once = await settle(trade_no, [to(first, "10.00")], { out_request_no });
    expect(await settle(trade_no, [to(first, "10.00")], { out_request_no })).toMatchObject({
      settle_no: once.settle_no,
    });
    const other = await settle(trade_no, [to(first, "11.00")], { out_request_no });
    expect(other.sub_code).toBe("ACQ.DISCORDANT_REPEAT_REQUEST");
    expect((await ask(trade_no, out_request_no)).royalty_detail_list).toHaveLength(1);
    expect((await ask(trade_no, "NOSUCH")).sub_code).toBe("ACQ.TRADE_NOT_EXIST");
  });

  it("goes up to 30 per cent of the trade, over all requests, and not beyond what refunds leave", async () => {
    const trade_no = await payTrade();
    expect((await settle(trade_no, [to(first, "30.01")])).sub_code).toBe("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
    expect((await settle(trade_no, [to(first, "20.00")])).code).toBe("10000");
    expect((await settle(trade_no, [to(second, "10.01")])).sub_code).toBe("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
    const mostlyBack = await payTrade();
    await merchant.call("alipay.trade.refund", { trade_no: mostlyBack, refund_amount: "95.00", out_request_no: "R1" });
    expect((await settle(mostlyBack, [to(first, "6.00")])).sub_code).toBe("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
  });

  it.each([
    ["a stranger", () => [to("2088000000000033", "1.00")], "ACQ.ROYALTY_RECEIVER_INVALID"],
    ["nobody", () => [], "ACQ.INVALID_PARAMETER"],
    ["an amount of nothing", () => [to(first, "0.00")], "ACQ.INVALID_PARAMETER"],
  ])("is refused with %s", async (_name, parts, sub_code) => {
    expect((await settle(await payTrade(), parts())).sub_code).toBe(sub_code);
  });

  it("is refused in the first 30 seconds, after its end, after a whole refund, and after a year", async () => {
    const trade_no = await payTrade();
    const frozen = async () => (await sandbox.control(`/trades/${trade_no}`)).frozen;
    expect(await frozen()).toBe(true);
    expect((await settle(trade_no, [], { extend_params: { royalty_finish: "true" } })).code).toBe("10000");
    expect(await frozen()).toBe(false);
    expect((await settle(trade_no, [to(first, "1.00")])).sub_code).toBe("ACQ.ILLEGAL_SETTLE_STATE");
    const returned = await payTrade();
    await merchant.call("alipay.trade.refund", { trade_no: returned, refund_amount: "100.00", out_request_no: "R1" });
    expect((await settle(returned, [to(first, "1.00")])).sub_code).toBe("ACQ.ILLEGAL_SETTLE_STATE");
    const old = await payTrade();
    await sandbox.control("/clock", { advance: 366 * 86_400 });
    expect((await settle(old, [to(first, "1.00")])).sub_code).toBe("ACQ.TRADE_HAS_FINISHED");
    const { qr_code } = await merchant.call("alipay.trade.precreate", {
      ...{ out_trade_no: number(), total_amount: "100.00", subject: "Tea" },
    });
    const { transaction_id } = await sandbox.control("/pay", { code: qr_code });
    expect((await settle(transaction_id, [to(first, "1.00")])).sub_code).toBe("ACQ.ILLEGAL_SETTLE_STATE");
  });
});

describe("a return", () => {
  const refund = (trade_no: string, refund_amount: string, parts: object[]): Promise<Json> =>
    merchant.call("alipay.trade.refund", {
      ...{ trade_no, refund_amount, out_request_no: number() },
      ...(parts.length > 0 && { refund_royalty_parameters: parts }),
    });
  const from = (trans_out: string, amount: string) => ({ trans_out_type: "userId", trans_out, amount });
  const shared = async (trade_no: string) => (await sandbox.control(`/trades/${trade_no}`)).shared;

  it("takes from a receiver what an app payment's refund says, and no more than he has", async () => {
    const trade_no = await payTrade("QUICK_MSECURITY_PAY");
    await settle(trade_no, [to(first, "20.00")]);
    expect((await refund(trade_no, "30.00", [from(first, "20.01")])).sub_code).toBe("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
    expect((await refund(trade_no, "10.00", [from(first, "10.01")])).sub_code).toBe("ACQ.ALLOC_AMOUNT_VALIDATE_ERROR");
    const stranger = await refund(trade_no, "30.00", [from(second, "1.00")]);
    expect(stranger.sub_code).toBe("ACQ.REFUND_ROYALTY_PAYEE_ACCOUNT_NOT_EXIST");
    expect(await refund(trade_no, "30.00", [from(first, "15.00")])).toMatchObject({
      fund_change: "Y",
      refund_royaltys: [{ trans_out: first, refund_amount: "15.00" }],
    });
    expect(await shared(trade_no)).toBe(500);
  });

  it("takes from all by proportion for a face-to-face payment, whatever the refund says", async () => {
    const trade_no = await payTrade();
    await settle(trade_no, [to(first, "20.00"), to(second, "10.00")]);
    await refund(trade_no, "50.00", [from(first, "20.00")]);
    expect(await shared(trade_no)).toBe(1500);
  });
});

describe("the file", () => {
  it("keeps receivers and sharings over a restart", async () => {
    const dataFile = join(tmpdir(), `sandbox-${process.pid}-settle.json`);
    const before = await startTestSandbox({ dataFile });
    const kept = await makeAlipayMerchant(before);
    const receiver_list = [{ type: "userId", account: first }];
    await kept.call("alipay.trade.royalty.relation.bind", { receiver_list, out_request_no: "B1" });
    const order = { out_trade_no: "K1", total_amount: "100.00", subject: "Tea" };
    const { qr_code } = await kept.call("alipay.trade.precreate", order);
    const { transaction_id: trade_no } = await before.control("/pay", { code: qr_code });
    await before.control("/clock", { advance: 60 });
    const settled = { trade_no, out_request_no: "S1", royalty_parameters: [to(first, "7.00")] };
    await kept.call("alipay.trade.order.settle", settled);
    await before.close();
    const after = await startTestSandbox({ dataFile });
    expect((await after.control(`/trades/${trade_no}`)).shared).toBe(700);
    const again = await makeAlipayMerchant(after, { app_id: kept.app_id });
    const listed = await again.call("alipay.trade.royalty.relation.batchquery", { out_request_no: "Q1" });
    expect(listed.receiver_list).toEqual(receiver_list);
    await after.close();
    await rm(dataFile);
  });
});
