/**
 * Guarantee: a frozen or closed account stops what begins, on every kind of posting, from the moment the operation is done and
 * in every process; what has begun ends, money that payers pay is always booked, and the books verify. Operators act by the API
 * with a second pair of eyes, and merchants are told without reasons or names.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createOperator, type TestOperator } from "../../../../test/platform/operators.ts";
import { codeOf, nextNumber, paymentBody } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { publicId } from "../../kit/id.ts";
import { setApprovalPolicy } from "../approval/index.ts";
import { runSettlement, setSettlementSettings } from "../settlement/index.ts";

let platform: Platform;
let ann: TestOperator;
let ben: TestOperator;
let account: { merchant: string; livemode: boolean; currency: string };

beforeAll(async () => {
  platform = await startPlatform();
  [ann, ben] = [await createOperator(platform, "ann"), await createOperator(platform, "ben")];
  account = { merchant: publicId("merchant", platform.merchant.merchant_id), livemode: false, currency: "CNY" };
}, 60_000);
afterEach(async () => {
  await platform.settle();
  const controls = (await ann.get(`/merchants/${account.merchant}/account_controls`)).data;
  for (const { credit_frozen, debit_frozen, status } of controls) {
    if (credit_frozen || debit_frozen) await operate({ type: "unfreeze", scope: "all" });
    if (status === "closed") await operate({ type: "open" });
  }
  await createsWith(undefined);
  expect(await platform.findFaults()).toEqual([]);
});
afterAll(() => platform?.close());

async function operate(body: object): Promise<Json> {
  // Lists run by time.
  platform.clock.advance(1);
  return ann.post("/account_operations", { ...account, reason: "ordered by court", ...body });
}
const freeze = (scope: string, more: object = {}) => operate({ type: "freeze", scope, ...more });
const create = (more: object = {}) => platform.call("POST", "/v1/payments", paymentBody("wechat.native", more));

/** Processes hear of a change by a notification, which takes its time. */
const createsWith = (code: string | undefined, more: object = {}) =>
  expect.poll(async () => (await create(more)).body.error?.code, { timeout: 10_000 }).toBe(code);

async function pay(payment: Json): Promise<Json> {
  await platform.sandbox.pay(codeOf(payment));
  await platform.settle();
  return platform.get(`/v1/payments/${payment.id}`);
}
const refund = (payment: Json, amount = 100) => {
  const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount };
  return platform.call("POST", "/v1/refunds", body);
};
const balance = async () => (await platform.get("/v1/balance")).balances[0];
const events = async (type: string) => (await platform.get(`/v1/events?type=${type}`)).data as Json[];

test("credit frozen: no payment begins, in any process; what was made before is shown, paid and booked", async () => {
  const second = await platform.startSecond();
  const before = (await create()).body;
  const body = paymentBody();
  const made = (await platform.call("POST", "/v1/payments", body)).body;
  expect((await second.call("POST", "/v1/payments", paymentBody())).status).toBe(201);
  await freeze("credit");
  await createsWith("account.credit_frozen");
  const refused = await create();
  expect([refused.status, refused.body.error.code]).toEqual([403, "account.credit_frozen"]);
  expect(refused.body.error.message).toContain("CNY");
  expect((await create({ method: "cashier" })).body.error.code).toBe("account.credit_frozen");
  // The other process hears of it by a notification.
  const elsewhere = async () => (await second.call("POST", "/v1/payments", paymentBody())).body.error?.code;
  await expect.poll(elsewhere, { timeout: 10_000 }).toBe("account.credit_frozen");
  const again = await platform.call("POST", "/v1/payments", body);
  expect([again.status, again.body.id]).toEqual([200, made.id]);
  expect((await pay(before)).status).toBe("succeeded");
  // Refunds go out.
  expect((await refund(before)).status).toBe(201);
  await operate({ type: "unfreeze", scope: "credit" });
  await createsWith(undefined);
});

test("debit frozen: payments and refunds go on, and what is pending is settled; refunds stop where the freeze says so", async () => {
  const first = await pay((await create()).body);
  await freeze("debit");
  const second = await pay((await create()).body);
  expect(second.status).toBe("succeeded");
  expect((await refund(first)).status).toBe(201);
  const key = { merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" };
  await setSettlementSettings(platform.services, { ...key, cycle: "on_request" });
  await platform.advance(1);
  await runSettlement(platform.services.settlement, key);
  expect((await balance()).available).toBeGreaterThan(0);
  await freeze("debit", { include_refunds: true });
  const stopped = await refund(second);
  expect([stopped.status, stopped.body.error.code]).toEqual([403, "account.debit_frozen"]);
  await operate({ type: "unfreeze", scope: "debit" });
  expect((await refund(second)).status).toBe(201);
});

test("a refund that was under way when the freeze came ends, whichever way the channel says", async () => {
  const payment = await pay((await create()).body);
  const under_way = (await refund(payment)).body;
  await freeze("all", { include_refunds: true });
  await platform.settle();
  expect((await platform.get(`/v1/refunds/${under_way.id}`)).status).toBe("succeeded");
});

test("a second payment goes back by itself, whatever is frozen", async () => {
  const payment = await platform.post("/v1/payments", paymentBody("alipay.qr"));
  const first = codeOf(payment);
  await platform.advance(1_000);
  const second = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "wechat.native" });
  await platform.settle();
  await freeze("all", { include_refunds: true });
  for (const code of [codeOf(second), first]) {
    await platform.sandbox.pay(code);
    await platform.settle();
  }
  const { data: refunds } = await platform.get(`/v1/refunds?payment=${payment.id}`);
  expect(refunds).toMatchObject([{ automatic: true, status: "succeeded", amount: 1234 }]);
  expect((await platform.get(`/v1/payments/${payment.id}`)).status).toBe("succeeded");
});

test("an amount is frozen: a refund finds too little, and finds it again when it is released", async () => {
  const payment = await pay((await create()).body);
  const { pending, available } = await balance();
  const frozen = [];
  for (const [name, amount] of Object.entries({ pending, available })) {
    if (amount > 0) frozen.push(await operate({ type: "freeze_amount", account: name, amount }));
  }
  expect(await balance()).toMatchObject({ pending: 0, available: 0, frozen: pending + available });
  const short = await refund(payment, 1_000);
  expect([short.status, short.body.error.code]).toEqual([409, "refund.insufficient_balance"]);
  for (const { id } of frozen) await operate({ type: "release_amount", freeze: id });
  expect(await balance()).toMatchObject({ pending, available, frozen: 0 });
  expect((await refund(payment, 1_000)).status).toBe(201);
});

test("an adjustment and its correction stand among the merchant's entries", async () => {
  const given = await operate({ type: "adjust", account: "available", direction: "credit", amount: 500 });
  const [entry] = (await platform.get("/v1/balance/entries?account=available&limit=1")).data;
  expect(entry).toMatchObject({ type: "adjustment_made", amount: 500, source: given.id });
  const taken = await operate({ type: "reverse", transaction: entry.id });
  expect(taken).toMatchObject({ transaction: given.booked_by, status: "done" });
  const [correction] = (await platform.get("/v1/balance/entries?account=available&limit=1")).data;
  expect(correction).toMatchObject({ type: "reversal", amount: -500 });
});

test("a closed account takes nothing new; a payer who pays late is booked and gets the money back", async () => {
  const late = (await create()).body;
  const { pending, available } = await balance();
  for (const [name, amount] of Object.entries({ pending, available })) {
    if (amount > 0) await operate({ type: "adjust", account: name, direction: "debit", amount });
  }
  await operate({ type: "close" });
  await createsWith("account.closed");
  const paid = await pay(late);
  expect(paid.status).toBe("succeeded");
  expect((await refund(paid, paid.amount)).status).toBe(201);
  await platform.settle();
  expect(await balance()).toMatchObject({ refund_in_transit: 0 });
});

test("merchants are told, without reason and names", async () => {
  const done = await freeze("all");
  const [frozen] = await events("account.frozen");
  expect(frozen!.data.object).toEqual({
    ...{ id: done.id, object: "account_operation", livemode: false, currency: "CNY", type: "freeze", scope: "all" },
    ...{ include_refunds: false, account: null, amount: null, created_at: done.done_at },
  });
  expect(JSON.stringify(frozen)).not.toMatch(/court|ann/);
  await operate({ type: "unfreeze", scope: "all" });
  expect((await events("account.unfrozen"))[0]!.data.object).toMatchObject({ type: "unfreeze", scope: "all" });
});

test("with a policy one asks, another decides, and the freeze holds from then on", async () => {
  const policy = { kind: "account.freeze", currency: "*" };
  await setApprovalPolicy(platform.services.approval, { ...policy, above: 0n });
  const asked = await freeze("credit");
  expect(asked).toMatchObject({ status: "pending", maker: { email: ann.email }, checker: null, after: null });
  expect((await create()).status).toBe(201);
  const path = `/approvals/${asked.approval}`;
  expect(await ben.get(path)).toMatchObject({
    ...{ kind: "account.freeze", status: "pending", subject: asked.id, reason: "ordered by court" },
    details: { type: "freeze", scope: "credit" },
  });
  const own = await ann.call("POST", `${path}/approve`, {});
  expect([own.status, own.body.error.code]).toEqual([403, "approval.own_request"]);
  expect(await ben.post(`${path}/approve`, { comment: "seen" })).toMatchObject({ status: "approved" });
  await createsWith("account.credit_frozen");
  expect(await ann.get(`/account_operations/${asked.id}`)).toMatchObject({
    ...{ status: "done", checker: { email: ben.email }, comment: "seen" },
    ...{ before: { credit_frozen: false }, after: { credit_frozen: true } },
  });
  const twice = await ben.call("POST", `${path}/approve`, {});
  expect([twice.status, twice.body.status]).toEqual([200, "approved"]);
  const late = await ben.call("POST", `${path}/reject`, { comment: "After all" });
  expect([late.status, late.body.error.code]).toEqual([409, "approval.not_pending"]);
  const rejected = await operate({ type: "freeze", scope: "debit" });
  expect((await ben.call("POST", `/approvals/${rejected.approval}/reject`, {})).status).toBe(400);
  await ben.post(`/approvals/${rejected.approval}/reject`, { comment: "No." });
  const cancelled = await operate({ type: "freeze", scope: "debit" });
  expect(await ann.post(`/approvals/${cancelled.approval}/cancel`)).toMatchObject({ status: "cancelled" });
  for (const { id } of [rejected, cancelled]) {
    expect((await ann.get(`/account_operations/${id}`)).status).toBe("declined");
  }
  expect((await ben.get("/approvals?status=pending&kind=account.freeze")).data).toEqual([]);
  await setApprovalPolicy(platform.services.approval, { ...policy, above: null });
});

test("the same Idempotency-Key freezes an amount once", async () => {
  await pay((await create()).body);
  const body = { ...account, type: "freeze_amount", account: "pending", amount: 10, reason: "r" };
  const headers = { "idempotency-key": "freeze-once" };
  const [one, two] = [
    await ann.call("POST", "/account_operations", body, headers),
    await ann.call("POST", "/account_operations", body, headers),
  ];
  expect([one.status, two.status, two.headers["idempotent-replayed"]]).toEqual([201, 200, "true"]);
  expect(two.body).toEqual(one.body);
  const other = await ann.call("POST", "/account_operations", { ...body, amount: 11 }, headers);
  expect(other.body.error.code).toBe("idempotency.key_reused");
  await operate({ type: "release_amount", freeze: one.body.id });
});

test("lists of operations are filtered and paged", async () => {
  const all = (await ann.get(`/account_operations?merchant=${account.merchant}&livemode=false&limit=100`))
    .data as Json[];
  expect(all.length).toBeGreaterThan(5);
  const page = await ann.get(`/account_operations?type=freeze&limit=2&starting_after=${all[0].id}`);
  expect(page.data.every((one: Json) => one.type === "freeze")).toBe(true);
  expect((await ann.get(`/account_operations?livemode=true`)).data).toEqual([]);
  expect((await ann.get("/account_operations?merchant=mch_x")).data).toEqual([]);
});
