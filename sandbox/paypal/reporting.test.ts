/**
 * Guarantee: the sandbox's transaction search is PayPal's as its own SDK reads it: three hours late, in pages, refused beyond
 * 31 days, and with what was asked to be wrong with a day.
 */
import type { SearchResponse } from "@paypal/paypal-server-sdk";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestSandbox, type TestSandbox } from "../testing/bench.ts";
import { makePaypalMerchant, type PaypalMerchantUnderTest } from "../testing/paypal-client.ts";

let sandbox: TestSandbox;
let merchant: PaypalMerchantUnderTest;

beforeAll(async () => {
  sandbox = await startTestSandbox();
  merchant = await makePaypalMerchant(sandbox);
});
beforeEach(async () => {
  await sandbox.control("/reset", {});
});
afterAll(() => sandbox.close());

async function payOne(number: string): Promise<string> {
  const purchaseUnits = [{ amount: { currencyCode: "USD", value: "12.34" }, invoiceId: number }];
  const order = await merchant.orders.createOrder({ body: { intent: "CAPTURE" as never, purchaseUnits } });
  await sandbox.control("/pay", { code: order.result.id!, notify: false });
  const captured = await merchant.orders.captureOrder({ id: order.result.id!, prefer: "return=representation" });
  return captured.result.purchaseUnits![0]!.payments!.captures![0]!.id!;
}

const now = async () => Date.parse((await sandbox.control("/clock")).now);
const text = (ms: number) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
async function search(more: object = {}) {
  const start = Date.parse(text(await now()).slice(0, 10));
  const query = { startDate: text(start), endDate: text(start + 86_399_000), ...more };
  return (await merchant.search.searchTransactions(query)).result as SearchResponse;
}

describe("transactions", () => {
  it("come three hours late, and the answer says how far it knows", async () => {
    await payOne("A1");
    const at = await now();
    const span = { startDate: text(at - 3_600_000), endDate: text(at + 3_600_000) };
    const early = await search(span);
    expect([early.totalItems, Date.parse(early.lastRefreshedDatetime!) <= at - 10_790_000]).toEqual([0, true]);
    await sandbox.control("/clock", { advance: 6 * 3_600 });
    const later = await search(span);
    expect(later.transactionDetails?.map(({ transactionInfo }) => transactionInfo)).toMatchObject([
      { transactionEventCode: "T0006", invoiceId: "A1", transactionAmount: { value: "12.34" }, transactionStatus: "S" },
    ]);
  });

  it("name payments and refunds with their fees, in pages", async () => {
    const captureId = await payOne("A1");
    const amount = { currencyCode: "USD", value: "2.34" };
    await merchant.payments.refundCapturedPayment({ captureId, body: { amount, invoiceId: "R1" } });
    await sandbox.control("/bills", { channel: "paypal", date: text(await now()).slice(0, 10) });
    const [first, second] = [await search({ pageSize: 1, page: 1 }), await search({ pageSize: 1, page: 2 })];
    expect([first.totalItems, first.totalPages]).toEqual([2, 2]);
    expect(first.transactionDetails![0]!.transactionInfo).toMatchObject({
      ...{ transactionId: captureId, invoiceId: "A1", feeAmount: { currencyCode: "USD", value: "-0.92" } },
    });
    expect(second.transactionDetails![0]!.transactionInfo).toMatchObject({
      ...{ transactionEventCode: "T1107", paypalReferenceId: captureId, paypalReferenceIdType: "TXN" },
      ...{ invoiceId: "R1", transactionAmount: { currencyCode: "USD", value: "-2.34" } },
    });
  });

  it("show what was asked to be wrong with a day", async () => {
    await payOne("A1");
    await payOne("A2");
    const discrepancies = [
      { kind: "missing", number: "A1" },
      { kind: "status", number: "A2", status: "P" },
      { kind: "extra", number: "NEVERWAS", amount: 700 },
    ];
    await sandbox.control("/bills", { channel: "paypal", date: text(await now()).slice(0, 10), discrepancies });
    const found = (await search()).transactionDetails?.map(({ transactionInfo: info }) => [
      info?.invoiceId,
      info?.transactionStatus,
    ]);
    expect(found).toEqual([
      ["A2", "P"],
      ["NEVERWAS", "S"],
    ]);
  });

  it("are refused for more than 31 days, and for no time", async () => {
    const start = await now();
    const long = { startDate: text(start - 32 * 86_400_000), endDate: text(start) };
    await expect(search(long)).rejects.toMatchObject({ statusCode: 400 });
    await expect(search({ startDate: "yesterday" })).rejects.toMatchObject({ statusCode: 400 });
  });
});
