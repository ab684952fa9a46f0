// Guarantee: operators bill merchants over their API, look at invoices before they are issued, and record what the bank says
// once, with a second pair of eyes where a policy wants it; merchants see what came of it.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { publicId } from "../../server/src/kit/id.ts";
import { setApprovalPolicy } from "../../server/src/modules/approval/index.ts";
import { createOperator, type TestOperator } from "../platform/operators.ts";
import { codeOf, paymentBody } from "../platform/payments.ts";
import { type Platform, startPlatform } from "../platform/platform.ts";
import type { Json } from "../platform/sandbox-control.ts";

let platform: Platform;
let ann: TestOperator;
let ben: TestOperator;
let book: { merchant: string; livemode: boolean; currency: string };

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  [ann, ben] = [await createOperator(platform, "ann"), await createOperator(platform, "ben")];
  const merchant = publicId("merchant", platform.direct.merchant_id);
  book = { merchant, livemode: false, currency: "CNY" };
}, 60_000);
afterEach(async () => {
  await platform.settle();
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

const post = (path: string, body: object, who = ann) => who.call("POST", `/${path}`, body);
const get = (path: string): Promise<Json> => ann.get(`/${path}`);
const billing = async () => (await get(`service_fee_billings?merchant=${book.merchant}`)).data[0];

async function pay(amount: number): Promise<void> {
  const body = { ...paymentBody("wechat.native"), amount };
  const payment = await platform.post("/v1/payments", body, { key: platform.direct.key });
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  platform.clock.advance(1);
}

test("an invoice is made, looked at, issued, and paid by a transfer that is recorded once", async () => {
  const set = { ...book, cycle: "on_request", collection: "bank", issue: "manual", due_days: 5 };
  const shown = await post("service_fee_billings", set);
  expect([shown.status, shown.body]).toMatchObject([200, { collection: "bank", due: 0, stopped: false }]);
  await pay(100_000);
  const made = (await post("service_fee_billings/run", book)).body.invoice;
  expect(made).toMatchObject({ status: "open", amount: 600 });
  expect((await post("service_fee_billings/run", book)).body).toEqual({ invoice: null });
  const path = `service_fee_invoices/${made.id}`;
  const { merchant } = book;
  expect((await post(`${path}/issue`, { merchant })).body).toMatchObject({ status: "issued", amount_due: 600 });
  const transfer = { merchant, amount: 200, reference: "20261120-1" };
  expect(await post(`${path}/pay`, transfer)).toMatchObject({ status: 201, body: { status: "booked" } });
  await post(`${path}/pay`, transfer);
  const refused = await post(`${path}/pay`, { ...transfer, amount: 500, reference: "20261120-2" });
  expect([refused.status, refused.body.error.code]).toEqual([409, "service_fee.amount_exceeds_due"]);
  const invoice = await platform.get(`/v1/${path}`, { key: platform.direct.key });
  expect(invoice).toMatchObject({
    ...{ status: "partly_paid", amount_paid: 200, amount_due: 400 },
    paid_by: [{ source: "bank", amount: 200, reference: "20261120-1" }],
  });
  const { data } = await get(`service_fee_invoices?merchant=${merchant}&livemode=false&status=partly_paid`);
  expect(data).toMatchObject([{ id: made.id }]);
  expect((await post(`${path}/void`, { merchant, reason: "mistake" })).body.error.code).toBe(
    "service_fee.invoice_state",
  );
});

test("a deposit above the limit waits for another operator, and is then booked once", async () => {
  await post("service_fee_billings", {
    ...book,
    cycle: "monthly",
    collection: "prepaid",
    warn_below: 100,
    stop_below: 0,
  });
  await setApprovalPolicy(platform.services.approval, { kind: "service_fee_deposit", currency: "CNY", above: 1_000n });
  const deposit = { ...book, type: "top_up", amount: 5_000, reference: "20261121-1", reason: "statement of today" };
  const asked = await post("service_fee_deposits", deposit);
  expect([asked.status, asked.body]).toMatchObject([201, { object: "service_fee_record", status: "in_review" }]);
  expect(await billing()).toMatchObject({ prepaid: 0 });
  const approve = `approvals/${asked.body.approval}/approve`;
  expect((await post(approve, {})).status).toBeGreaterThanOrEqual(400);
  expect((await post(approve, {}, ben)).status).toBe(200);
  await platform.settle();
  // What the transfer before had left unpaid is deducted at once.
  expect(await billing()).toMatchObject({ prepaid: 4_600, due: 0, left: 4_600, stopped: false });
  const { data } = await platform.get("/v1/service_fee_deposits", { key: platform.direct.key });
  expect(data).toMatchObject([{ type: "top_up", amount: 5_000, reference: "20261121-1" }]);
  // Ids of one moment are in no order.
  platform.clock.advance(1);
  const small = await post("service_fee_deposits", {
    ...deposit,
    type: "return",
    amount: 600,
    reference: "20261121-2",
  });
  expect(small.body.status).toBe("booked");
  expect(await billing()).toMatchObject({ prepaid: 4_000 });
  const { data: listed } = await get(`service_fee_deposits?merchant=${book.merchant}&livemode=false`);
  expect(listed.map((one: Json) => one.type)).toEqual(["return", "top_up"]);
});

test("a request with a key is repeated safely, and what cannot be is refused by name", async () => {
  const deposit = { ...book, type: "top_up", amount: 10, reference: "20261122-1" };
  const headers = { "idempotency-key": "deposit-1" };
  const [first, second] = [
    await ann.call("POST", "/service_fee_deposits", deposit, headers),
    await ann.call("POST", "/service_fee_deposits", deposit, headers),
  ];
  expect([first.status, second.status, second.body]).toEqual([201, 200, first.body]);
  const clash = await post("service_fee_deposits", { ...deposit, amount: 11 });
  expect([clash.status, clash.body.error.code]).toEqual([409, "service_fee.reference_used"]);
  await setApprovalPolicy(platform.services.approval, { kind: "service_fee_deposit", currency: "CNY", above: null });
  const much = await post("service_fee_deposits", { ...deposit, type: "return", amount: 999_999, reference: "x" });
  expect([much.status, much.body.error.code]).toEqual([409, "service_fee.prepaid_insufficient"]);
});
