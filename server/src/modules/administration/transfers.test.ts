/**
 * Guarantees: operators confirm transfers, reject them and end refunds by the API as by the command line; above the limit a
 * second person decides, at both; a confirmation is booked once, also where the process dies between the decision and the
 * booking, and one that can no longer be done says so.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { addBank } from "../../../../test/platform/bank.ts";
import { createOperator, type TestOperator } from "../../../../test/platform/operators.ts";
import { nextNumber } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { setApprovalPolicy } from "../approval/index.ts";
import { CONFIRM_TRANSFER, requestConfirmation } from "./index.ts";

let platform: Platform;
let ann: TestOperator;
let ben: TestOperator;

beforeAll(async () => {
  platform = await startPlatform();
  await addBank(platform, platform.merchant);
  [ann, ben] = [await createOperator(platform, "ann"), await createOperator(platform, "ben")];
}, 60_000);
afterAll(async () => {
  expect(await platform?.findFaults()).toEqual([]);
  await platform?.close();
});

const create = (amount = 1_000): Promise<Json> =>
  platform.post("/v1/payments", {
    ...{ out_trade_no: nextNumber("bank"), amount, currency: "CNY", subject: "Tea", method: "bank.transfer" },
    expires_in: 86_400,
  });
const confirmation = (payment: Json, more: object = {}) => ({
  ...{ number: payment.serial_no, amount: payment.amount, currency: "CNY", reason: "On the statement" },
  ...{ bank_reference: nextNumber("CMB"), ...more },
});
const statusOf = async ({ id }: Json) => (await platform.get(`/v1/payments/${id}`)).status;
const limit = (above: bigint | null) =>
  setApprovalPolicy(platform.services.approval, { kind: CONFIRM_TRANSFER, currency: "CNY", above });

test("a transfer is found waiting and confirmed once", async () => {
  const payment = await create();
  const { data } = await ann.get("/bank_transfers");
  expect(data).toContainEqual(expect.objectContaining({ serial_no: payment.serial_no, amount: "10.00" }));
  const body = confirmation(payment);
  const headers = { "idempotency-key": "confirm-1" };
  const [one, two] = [
    await ann.call("POST", "/bank_transfers", body, headers),
    await ann.call("POST", "/bank_transfers", body, headers),
  ];
  expect([one.status, two.status], one.text).toEqual([201, 200]);
  expect(one.body).toMatchObject({ kind: CONFIRM_TRANSFER, status: "approved", checker: null, problem: null });
  expect(one.body.carried_out_at).not.toBeNull();
  expect(two.body).toEqual(one.body);
  expect(await statusOf(payment)).toBe("succeeded");
  expect((await ann.get("/bank_transfers")).data).toEqual([]);
});

test("what does not fit is refused before anything is asked for", async () => {
  const payment = await create();
  const refusal = async (more: object) =>
    (await ann.call("POST", "/bank_transfers", confirmation(payment, more))).body.error.code;
  expect(await refusal({ amount: 999 })).toBe("bank_transfer.amount_differs");
  expect(await refusal({ currency: "USD" })).toBe("bank_transfer.amount_differs");
  expect(await refusal({ number: "NOBODY" })).toBe("bank_transfer.not_found");
  expect(await statusOf(payment)).toBe("processing");
  const rejected = await ann.post("/bank_transfers/reject", { number: payment.serial_no, reason: "Nothing came" });
  expect(rejected).toMatchObject({ payment: payment.id, status: "failed" });
});

test("above the limit another operator decides, and the payment waits until then", async () => {
  await limit(1_000n);
  const [small, big] = [await create(1_000), await create(1_001)];
  await ann.post("/bank_transfers", confirmation(small));
  expect(await statusOf(small)).toBe("succeeded");
  const asked = await ann.post("/bank_transfers", confirmation(big));
  expect(asked).toMatchObject({ status: "pending", amount: 1_001, currency: "CNY", carried_out_at: null });
  expect(await statusOf(big)).toBe("processing");
  expect((await ann.call("POST", `/approvals/${asked.id}/approve`, {})).body.error.code).toBe("approval.own_request");
  const decided = await ben.post(`/approvals/${asked.id}/approve`);
  expect(decided).toMatchObject({ status: "approved", checker: { email: ben.email }, problem: null });
  expect(decided.carried_out_at).not.toBeNull();
  expect(await statusOf(big)).toBe("succeeded");
  await limit(null);
});

test("a bank's number that has confirmed another payment meanwhile: the approval says what is wrong", async () => {
  await limit(0n);
  const [first, second] = [await create(), await create()];
  const bank_reference = "CMB-TAKEN";
  const one = await ann.post("/bank_transfers", confirmation(first, { bank_reference }));
  const two = await ann.post("/bank_transfers", confirmation(second, { bank_reference }));
  await ben.post(`/approvals/${one.id}/approve`);
  const decided = await ben.post(`/approvals/${two.id}/approve`);
  expect(decided).toMatchObject({ status: "approved", carried_out_at: null });
  expect(decided.problem).toContain("bank_transfer.reference_used");
  expect([await statusOf(first), await statusOf(second)]).toEqual(["succeeded", "processing"]);
  await limit(null);
});

test("a process that dies after the commit leaves a confirmation that a worker does", async () => {
  const { services } = platform;
  const payment = await create();
  const { number, bank_reference, reason } = confirmation(payment);
  const given = { number, bank_reference, reason, amount: "10.00", booked_at: platform.clock.now() };
  await services.db.transaction((tx) => requestConfirmation(tx, services, given, ann.user_id));
  expect(await statusOf(payment)).toBe("processing");
  await platform.advance(60_000);
  expect(await statusOf(payment)).toBe("succeeded");
});

test("a refund is sent at the bank, or cannot be, and is said to be", async () => {
  const payment = await create(2_000);
  await ann.post("/bank_transfers", confirmation(payment));
  const refund = async () => {
    const body = { payment: payment.id, out_refund_no: nextNumber("refund"), amount: 500 };
    return platform.post("/v1/refunds", body);
  };
  const [sent, lost] = [await refund(), await refund()];
  expect((await ann.get("/bank_refunds")).data).toHaveLength(2);
  const done = await ann.post("/bank_refunds", { number: sent.id, bank_reference: "CMB-OUT" });
  expect(done).toMatchObject({ id: sent.id, status: "succeeded", channel_refund_no: "CMB-OUT" });
  const failed = await ann.post("/bank_refunds/fail", { number: lost.id, reason: "Account closed" });
  expect(failed).toMatchObject({ id: lost.id, status: "failed" });
  expect((await ann.get("/bank_refunds")).data).toEqual([]);
});

test("a refund that the payer's account did not take goes another way", async () => {
  const payment = await platform.post("/v1/payments", {
    ...{ out_trade_no: nextNumber(), amount: 700, currency: "CNY", subject: "Tea", method: "wechat.native" },
  });
  await platform.sandbox.pay(payment.action.qr_code);
  await platform.settle();
  await platform.sandbox.fault("wechat", "refund", "refund_abnormal");
  const refund = await platform.post("/v1/refunds", {
    payment: payment.id,
    out_refund_no: nextNumber("refund"),
    amount: 700,
  });
  await platform.settle();
  const path = `/refunds/${refund.id}/redirect`;
  expect(await ann.post(path, { reason: "The payer's card is closed" })).toMatchObject({ id: refund.id });
  await platform.settle();
  expect((await ann.call("POST", "/refunds/rf_x/redirect", { reason: "x" })).body.error.code).toBe("refund.not_found");
  const card = { bank: "ICBC_DEBIT", account: "6222020000000000", name: "张三" };
  await ann.call("POST", path, { card, reason: "again" });
  expect(JSON.stringify((await ann.get("/actions?limit=20")).data)).not.toContain("6222020");
});
