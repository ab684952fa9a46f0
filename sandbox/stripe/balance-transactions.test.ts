/**
 * Guarantee: the sandbox's ledger is Stripe's as its own SDK reads it: each charge, refund and dispute once, with fee and net,
 * newest first, in pages, and with what was asked to be wrong with a day.
 */
import type Stripe from "stripe";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startReceiver, startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makeStripeMerchant, type StripeMerchantUnderTest, sessionOf } from "../testing/stripe-client.ts";

let sandbox: TestSandbox;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let merchant: StripeMerchantUnderTest;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  receiver = await startReceiver({ status: 200, body: "" });
  merchant = await makeStripeMerchant(sandbox, receiver);
});
afterAll(async () => {
  await receiver.close();
  await sandbox.close();
});

async function payOne(): Promise<string> {
  const session = await merchant.stripe.checkout.sessions.create(sessionOf());
  return (await sandbox.control("/pay", { code: session.url!, notify: false })).transaction_id;
}

const today = async () => (await sandbox.control("/clock")).now.slice(0, 10);
async function listDay(more: object = {}): Promise<Stripe.BalanceTransaction[]> {
  const gte = Date.parse(await today()) / 1000;
  const list = { created: { gte, lt: gte + 86_400 }, expand: ["data.source"], limit: 2, ...more };
  return merchant.stripe.balanceTransactions.list(list).autoPagingToArray({ limit: 100 });
}

it("lists charges, refunds and disputes with what they are about, page after page", async () => {
  const paid = await payOne();
  await merchant.stripe.refunds.create({ payment_intent: paid, amount: 34, metadata: { refund_no: "R1" } });
  await sandbox.control("/disputes", { trade: await payOne() });
  const rows = await listDay();
  expect(rows.map(({ type }) => type).sort()).toEqual(["adjustment", "charge", "charge", "refund"]);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(4);
  for (const { amount, fee, net } of rows) expect(net).toBe(amount - fee);
  const charge = rows.find(({ source }) => (source as Stripe.Charge).payment_intent === paid && true)!;
  expect(rows.find(({ type }) => type === "refund")).toMatchObject({
    ...{ amount: -34, fee: 0, reporting_category: "refund" },
    source: { object: "refund", payment_intent: paid, metadata: { refund_no: "R1" } },
  });
  expect(charge.currency).toBe("usd");
  expect((await listDay({ type: "charge", expand: [] })).map(({ source }) => source)).toEqual([
    expect.stringMatching(/^ch_/),
    expect.stringMatching(/^ch_/),
  ]);
});

it("shows what was asked to be wrong with a day", async () => {
  await sandbox.control("/reset", {});
  const [paid] = [await payOne(), await payOne()];
  const date = await today();
  const discrepancies = [
    { kind: "amount", by: 100 },
    { kind: "duplicate" },
    { kind: "extra", number: "NEVERWAS", amount: 700 },
  ];
  await sandbox.control("/bills", { channel: "stripe", date, discrepancies });
  const rows = await listDay();
  expect(rows.map(({ amount }) => amount).sort()).toEqual([1234, 1234, 1334, 700].sort());
  expect(new Set(rows.map(({ id }) => id)).size).toBe(4);
  expect(rows.some(({ source }) => (source as Stripe.Charge).payment_intent === paid)).toBe(true);
});
