// Guarantee: by every method and in both funding modes, a payment travels the whole way: created, paid, told by the
// channel's signed notice, booked once, told to the merchant, and refunded in parts until nothing is left.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeUuid } from "../../server/src/kit/id.ts";
import { getBalances, readTransaction } from "../../server/src/ledger/index.ts";
import type { TestMerchant } from "../platform/merchants.ts";
import { codeOf, methods, nextNumber, paymentBody, type TestMethod } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
});

afterAll(async () => {
  expect(await platform.findFaults()).toEqual([]);
  await platform.close();
});

const FEE = 7; // 0.60 % of 12.34, half up
const COST = 5; // 0.38 %

function journal(merchant: TestMerchant, kind: "payment_succeeded" | "refund_succeeded", source_no: string) {
  const key = { merchant_id: merchant.merchant_id, kind, source_id: decodeUuid(source_no)! };
  return readTransaction(platform.services.db, key);
}

async function showJournal(...given: Parameters<typeof journal>): Promise<string[]> {
  return (await journal(...given)).map(({ side, kind, amount }) => `${side} ${kind} ${amount}`);
}

/** The journal of a paid payment, as an accountant reads it. */
const journals = {
  pooled: [
    "debit channel_receivable 1234",
    `credit merchant_pending ${1234 - FEE}`,
    `credit fee_income ${FEE}`,
    `debit channel_cost ${COST}`,
    `credit channel_receivable ${COST}`,
  ],
  direct: [
    "debit direct_collected 1234",
    "credit direct_turnover 1234",
    `debit service_fee_receivable ${FEE}`,
    `credit fee_income ${FEE}`,
  ],
};

async function create(method: TestMethod, key: string): Promise<Json> {
  const body = paymentBody(method, { notify_url: platform.receiver.url, metadata: { table: "7" } });
  const created = await platform.post("/v1/payments", body, { key });
  expect(created).toMatchObject({
    ...{ object: "payment", status: "processing", livemode: false, channel: method.split(".")[0], method },
    ...{ out_trade_no: body.out_trade_no, amount: 1234, currency: "CNY", metadata: { table: "7" } },
    ...{ channel_trade_no: null, amount_refunded: 0, amount_refunding: 0, failure: null },
  });
  expect(created.serial_no).toMatch(/^[0-9A-Z]{26}$/);
  return created;
}

/** The payer pays; the three numbers, the notice, the status and the webhook agree. */
async function pay(created: Json, key: string): Promise<Json> {
  await platform.sandbox.pay(codeOf(created));
  await platform.settle();
  const paid = await platform.get(`/v1/payments/${created.id}`, { key });
  const trade = await platform.sandbox.trade(created.serial_no);
  expect(paid).toMatchObject({ status: "succeeded", channel_trade_no: trade.transaction_id, action: { type: "none" } });
  expect(paid.succeeded_at).not.toBeNull();
  expect(trade.notices[0]).toMatchObject({ status: "delivered", attempts: 1 });
  const [webhook, ...others] = platform.receiver.about(created.id);
  expect(others).toEqual([]);
  expect(webhook).toMatchObject({ type: "payment.succeeded", verified: true });
  expect(webhook!.object).toEqual(paid);
  return paid;
}

async function refund(paid: Json, amount: number, key: string): Promise<Json> {
  const body = { payment: paid.id, out_refund_no: nextNumber("refund"), amount, reason: "cold 凉了" };
  const made = await platform.post("/v1/refunds", body, { key });
  await platform.settle();
  const ended = await platform.get(`/v1/refunds/${made.id}`, { key });
  expect(ended).toMatchObject({ object: "refund", status: "succeeded", amount, automatic: false });
  expect(ended).toMatchObject({ serial_no: paid.serial_no, channel_trade_no: paid.channel_trade_no });
  expect(platform.receiver.about(made.id).map(({ type, verified }) => [type, verified])).toEqual([
    ["refund.succeeded", true],
  ]);
  return ended;
}

describe.each(methods)("%s", (method) => {
  test.each(["pooled", "direct"] as const)("%s: created, paid, booked, told and refunded", async (mode) => {
    const merchant = mode === "pooled" ? platform.merchant : platform.direct;
    const { key } = merchant;
    const paid = await pay(await create(method, key), key);
    expect(await showJournal(merchant, "payment_succeeded", paid.serial_no)).toEqual(journals[mode]);

    const refunds = [await refund(paid, 100, key), await refund(paid, 1, key), await refund(paid, 1133, key)];
    expect(refunds.reduce((sum, { fee_returned }) => sum + fee_returned, 0)).toBe(FEE);
    const refunded = await platform.get(`/v1/payments/${paid.id}`, { key });
    expect(refunded).toMatchObject({ status: "succeeded", amount_refunded: 1234, amount_refunding: 0 });
    const over = { payment: paid.id, out_refund_no: nextNumber("refund"), amount: 1 };
    const refused = await platform.call("POST", "/v1/refunds", over, { key });
    expect([refused.status, refused.body.error.code]).toEqual([400, "refund.amount_exceeds_refundable"]);
  });
});

test("after everything is refunded, the merchants are owed nothing and owe nothing", async () => {
  for (const { merchant_id } of [platform.merchant, platform.direct]) {
    const balances = await getBalances(platform.services.db, { merchant_id, livemode: false });
    expect(balances.filter(({ balance }) => balance !== 0n)).toEqual([]);
  }
});
