// Guarantee: a merchant in direct mode sees what it is billed and what it is billed for, hears of it, and is stopped only
// where its prepaid fees have run out: new payments through its own accounts, and nothing else.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { bindChannelAccount, unbindChannelAccount } from "../../server/src/modules/channel-account/index.ts";
import { billNow, setBilling } from "../../server/src/modules/service-fee/index.ts";
import { recordDeposit } from "../../server/src/modules/service-fee/prepay.ts";
import { createKey } from "../platform/merchants.ts";
import { codeOf, nextNumber, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

const LOOK_MS = 15_000;
let platform: Platform;
let key: string;
let book: { merchant_id: string; livemode: boolean; currency: string };

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  key = platform.direct.key;
  book = { merchant_id: platform.direct.merchant_id, livemode: false, currency: "CNY" };
}, 60_000);
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

const create = (more: object = {}) =>
  platform.call("POST", "/v1/payments", { ...paymentBody("wechat.native"), amount: 10_000, ...more }, { key });

async function pay(amount: number): Promise<Json> {
  const { body } = await create({ amount });
  await platform.sandbox.pay(codeOf(body));
  await platform.settle();
  return body;
}

function topUp(amount: bigint) {
  const deposit = { ...book, amount, kind: "top_up", reference: nextNumber("bank"), made_by: null } as const;
  const { serviceFee: services } = platform.services;
  return services.db.transaction((tx) => recordDeposit(services, tx, deposit));
}
const get = (path: string) => platform.get(path, { key });
const types = async () =>
  (await get("/v1/events?limit=100")).data
    .map(({ type }: Json) => type)
    .filter((type: string) => type.startsWith("service_fee"));

/** What the notification tells, a few milliseconds later. */
async function untilStopped(wanted: boolean): Promise<void> {
  const { stops } = platform.services;
  for (let tries = 0; tries < 500 && stops.isStopped(book) !== wanted; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(stops.isStopped(book)).toBe(wanted);
}

test("an invoice is what its items are, under the merchant's own numbers, as JSON and as a file", async () => {
  await setBilling(platform.services.serviceFee, { ...book, cycle: "on_request", collection: "bank" });
  const first = await pay(10_000);
  await pay(5_000);
  const out_refund_no = nextNumber("refund");
  await platform.post("/v1/refunds", { payment: first.id, out_refund_no, amount: 4_000 }, { key });
  await platform.settle();
  platform.clock.advance(1);
  await billNow(platform.services.serviceFee, book);
  const { data: invoices } = await get("/v1/service_fee_invoices");
  expect(invoices).toMatchObject([
    {
      ...{ object: "service_fee_invoice", status: "issued", amount: 66, amount_due: 66, fees: 90, fees_returned: -24 },
      ...{ payments: { count: 2, amount: 15_000 }, refunds: { count: 1, amount: -4_000 }, brought_forward: 0 },
    },
  ]);
  const [invoice] = invoices;
  const path = `/v1/service_fee_invoices/${invoice.id}`;
  expect(await get(path)).toEqual({ ...invoice, paid_by: [] });
  const { data: items } = await get(`${path}/items`);
  expect(items).toMatchObject([
    { type: "refund", amount: -4_000, fee: -24, payment: first.id, out_refund_no },
    { type: "payment", amount: 5_000, fee: 30 },
    { type: "payment", amount: 10_000, fee: 60, out_trade_no: first.out_trade_no, out_refund_no: null },
  ]);
  expect((await get(`${path}/items?limit=1&starting_after=${items[0].id}`)).data).toEqual([items[1]]);
  const { data: statuses } = await get("/v1/service_fee_invoices?status=paid");
  expect(statuses).toEqual([]);
  const balance = (await get("/v1/balance")).balances[0];
  expect(balance).toMatchObject({ service_fee_due: 66, service_fee_prepaid: 0 });
  expect(await types()).toEqual(["service_fee_invoice.issued"]);
});

test("the items as a file have each payment and refund, oldest first", async () => {
  const [invoice] = (await get("/v1/service_fee_invoices")).data;
  const url = `${platform.public_url}/v1/service_fee_invoices/${invoice.id}/items.csv?lang=en`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } });
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/csv; charset=utf-8"]);
  const lines = (await answer.text()).trim().split("\r\n");
  expect(lines).toHaveLength(4);
  expect(lines[0]).toContain("Occurred at,Type,Currency,Amount,Service fee,out_trade_no");
  expect(lines[1]).toContain(",payment,CNY,100.00,0.60,");
  expect(lines[3]).toContain(",refund,CNY,-40.00,-0.24,");
});

test("who has run out is refused new direct payments, finishes what is under way, and goes on after a top-up", async () => {
  const billing = { ...book, cycle: "daily", collection: "prepaid", warn_below: 200n, stop_below: 0n } as const;
  await topUp(500n);
  await setBilling(platform.services.serviceFee, billing);
  const [waiting, choosing] = [await create(), await create({ method: "cashier" })];
  // 500 less 66 and 240 is below the warning, less 240 more below the limit.
  await pay(40_000);
  await platform.advance(LOOK_MS);
  expect((await create()).status).toBe(201);
  await pay(40_000);
  await platform.advance(LOOK_MS);
  await untilStopped(true);

  const refused = await create();
  expect([refused.status, refused.body.error.code]).toEqual([403, "payment.service_fee_unpaid"]);
  const attempt = await platform.call(
    "POST",
    `/v1/payments/${choosing.body.id}/attempts`,
    { method: "wechat.native" },
    { key },
  );
  expect([attempt.status, attempt.body.error.code]).toEqual([403, "payment.service_fee_unpaid"]);
  // What had begun is paid, and can be refunded.
  await platform.sandbox.pay(codeOf(waiting.body));
  await platform.settle();
  expect(await get(`/v1/payments/${waiting.body.id}`)).toMatchObject({ status: "succeeded" });
  const body = { payment: waiting.body.id, out_refund_no: nextNumber("refund"), amount: 10_000 };
  expect((await platform.call("POST", "/v1/refunds", body, { key })).status).toBe(201);
  await platform.settle();

  // Events of one moment are in no order.
  platform.clock.advance(1);
  await topUp(10_000n);
  await untilStopped(false);
  expect((await create()).status).toBe(201);
  const told = (await types()).reverse().filter((type: string) => type.startsWith("service_fee."));
  expect(told).toEqual(["service_fee.balance_low", "service_fee.stopped", "service_fee.resumed"]);
  // The invoice that waited for a transfer was deducted when it could be.
  expect((await get("/v1/service_fee_invoices")).data).toMatchObject([{ status: "paid", amount_due: 0 }]);
});

test("other merchants, and accounts of the platform, are not stopped", async () => {
  const billing = { ...book, cycle: "daily", collection: "prepaid", stop_below: 1_000_000_000n } as const;
  await setBilling(platform.services.serviceFee, billing);
  await untilStopped(true);
  expect((await create()).status).toBe(403);
  await platform.post("/v1/payments", paymentBody());
  // A pooled account takes what the merchant's own does not.
  const binding = { merchant_id: book.merchant_id, channel_account_id: platform.merchant.accounts.wechat };
  await bindChannelAccount(platform.services, binding);
  platform.clock.advance(2_000);
  const { status, body } = await create();
  expect(status).toBe(201);
  const { data: attempts } = await get(`/v1/payments/${body.id}/attempts`);
  const refusals = attempts[0].routing.candidates.map(({ refusal }: Json) => refusal);
  expect(refusals.sort()).toEqual([null, "service_fee"]);
  await unbindChannelAccount(platform.services.db, binding);
  await setBilling(platform.services.serviceFee, { ...book, cycle: "monthly", collection: "bank" });
  await untilStopped(false);
  expect((await create()).status).toBe(201);
});

test("nobody sees another's invoices, or those of the other mode", async () => {
  const [invoice] = (await get("/v1/service_fee_invoices?limit=1")).data;
  const live = await createKey(platform.services, { ...platform.direct, livemode: true });
  for (const other of [platform.merchant.key, live]) {
    expect((await platform.get("/v1/service_fee_invoices", { key: other })).data).toEqual([]);
    expect((await platform.get("/v1/service_fee_deposits", { key: other })).data).toEqual([]);
    for (const path of ["", "/items", "/items.csv"]) {
      const answer = await platform.call("GET", `/v1/service_fee_invoices/${invoice.id}${path}`, undefined, {
        key: other,
      });
      expect([answer.status, answer.body.error.code]).toEqual([404, "service_fee_invoice.not_found"]);
    }
  }
  const { data: deposits } = await get("/v1/service_fee_deposits");
  expect(deposits).toMatchObject([
    { object: "service_fee_deposit", type: "top_up", amount: 10_000 },
    { type: "top_up", amount: 500 },
  ]);
});
