/**
 * Guarantees: money that a person confirms is booked once, exactly and only under the account's own signature, whoever
 * says it, how often and in whatever order; a bank's number confirms one transfer ever; what differs, comes twice or
 * contradicts is refused by a sentence; refunds wait until somebody says how they ended.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { addBank, BANK_ACCOUNT, postStatement, STATEMENT_KEY } from "../../../../test/platform/bank.ts";
import type { TestMerchant } from "../../../../test/platform/merchants.ts";
import { nextNumber } from "../../../../test/platform/payments.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import {
  confirmTransfer,
  endRefund,
  listWaitingRefundTransfers,
  listWaitingTransfers,
  rejectTransfer,
} from "./index.ts";

const DAY_MS = 86_400_000;
let platform: Platform;
let accounts: Record<"pooled" | "direct", string>;

beforeAll(async () => {
  platform = await startPlatform({ direct: true });
  accounts = {
    pooled: await addBank(platform, platform.merchant),
    direct: await addBank(platform, platform.direct, "direct"),
  };
}, 60_000);
afterEach(async () => expect(await platform.findFaults()).toEqual([]));
afterAll(() => platform?.close());

async function create(more: object = {}, merchant: TestMerchant = platform.merchant): Promise<Json> {
  const body = { out_trade_no: nextNumber("bank"), amount: 12_34, currency: "CNY", subject: "一台咖啡机" };
  const options = { key: merchant.key };
  return platform.post("/v1/payments", { ...body, method: "bank.transfer", expires_in: 3 * 86_400, ...more }, options);
}

const read = (payment: Json, merchant = platform.merchant) =>
  platform.get(`/v1/payments/${payment.id}`, { key: merchant.key });

let banked = 0;
const nextReference = () => `BANK${++banked}`;

const confirm = (number: string, more: Partial<Parameters<typeof confirmTransfer>[1]> = {}) =>
  confirmTransfer(platform.services, {
    ...{ number, amount: "12.34", bank_reference: nextReference(), booked_at: platform.clock.now() },
    ...more,
  });

/** What a program of the bank posts. */
const statementOf = (payment: Json, more: object = {}) => ({
  type: "transfer.received",
  account_number: BANK_ACCOUNT.account_number,
  serial_no: payment.serial_no,
  amount: "12.34",
  currency: "CNY",
  at: new Date(platform.clock.now()).toISOString(),
  bank_reference: nextReference(),
  ...more,
});

const addressOf = (merchant = platform.merchant, mode: "pooled" | "direct" = "pooled") =>
  `/notify/bank/${accounts[mode]}/${merchant.merchant_id}`;

describe("a payment by transfer", () => {
  test.each(["pooled", "direct"] as const)("is shown, waits and is confirmed by its reference (%s)", async (mode) => {
    const merchant = mode === "pooled" ? platform.merchant : platform.direct;
    const payment = await create({}, merchant);
    expect(payment).toMatchObject({ status: "processing", method: "bank.transfer" });
    expect(payment.action).toEqual({
      ...{ type: "bank_transfer", ...BANK_ACCOUNT, amount: "12.34" },
      reference: expect.stringMatching(/^([2-9A-HJKMNP-Z]{3}-){2}[2-9A-HJKMNP-Z]{3}$/),
    });
    const waiting = await listWaitingTransfers(platform.services);
    expect(waiting.find(({ serial_no }) => serial_no === payment.serial_no)).toMatchObject({
      ...{ reference: payment.action.reference, amount: "12.34" },
      notify_url: `${platform.public_url}${addressOf(merchant, mode)}`,
    });
    await platform.advance(DAY_MS);
    expect(await read(payment, merchant)).toMatchObject({ status: "processing" });
    const bank_reference = nextReference();
    const typed = payment.action.reference.toLowerCase().replaceAll("-", " ");
    const booked_at = platform.clock.now() - 3_600_000;
    expect(await confirm(typed, { bank_reference, booked_at })).toMatchObject({ status: "succeeded" });
    expect(await read(payment, merchant)).toMatchObject({
      ...{ status: "succeeded", channel_trade_no: bank_reference },
      succeeded_at: new Date(booked_at).toISOString(),
    });
    const after = await listWaitingTransfers(platform.services);
    expect(after.map(({ serial_no }) => serial_no)).not.toContain(payment.serial_no);
  });

  test("is confirmed once, however often and at how many places the same is said", async () => {
    const payment = await create();
    const statement = statementOf(payment);
    const { bank_reference } = statement;
    const said = await Promise.all([
      ...Array.from({ length: 5 }, () => postStatement(platform, addressOf(), statement)),
      ...Array.from({ length: 5 }, () => confirm(payment.serial_no, { bank_reference })),
    ]);
    expect(said.map((one) => one.status)).toEqual([...Array(5).fill(204), ...Array(5).fill("succeeded")]);
    const { data } = await platform.get(`/v1/events?type=payment.succeeded&limit=100`);
    const told = data.filter((event: Json) => event.data.object.id === payment.id);
    expect(told).toHaveLength(1);
  });

  test("takes the exact amount only, and says by how much another differs", async () => {
    const payment = await create();
    const differs = (message: string) => ({
      code: "bank_transfer.amount_differs",
      message: expect.stringContaining(message),
    });
    await expect(confirm(payment.serial_no, { amount: "12.30" })).rejects.toMatchObject(differs("CNY 0.04 too little"));
    await expect(confirm(payment.serial_no, { amount: "100" })).rejects.toMatchObject(differs("CNY 87.66 too much"));
    await expect(confirm(payment.serial_no, { amount: "a lot" })).rejects.toThrow('"a lot" is not an amount');
    for (const more of [{ amount: "12.33" }, { currency: "USD" }]) {
      expect((await postStatement(platform, addressOf(), statementOf(payment, more))).status).toBe(409);
    }
    expect(await read(payment)).toMatchObject({ status: "processing" });
    expect(await confirm(payment.serial_no)).toMatchObject({ status: "succeeded" });
  });

  test("a bank's number confirms one payment, and a payment takes one transfer, also when both are said at once", async () => {
    const [first, second] = [await create(), await create()];
    const bank_reference = nextReference();
    await confirm(first.serial_no, { bank_reference });
    await expect(confirm(second.serial_no, { bank_reference })).rejects.toMatchObject({
      ...{ code: "bank_transfer.reference_used", message: expect.stringContaining(first.serial_no) },
    });
    const reused = await postStatement(platform, addressOf(), statementOf(second, { bank_reference }));
    expect(reused.status).toBe(409);
    const again = { code: "bank_transfer.already_confirmed", message: expect.stringContaining(bank_reference) };
    await expect(confirm(first.serial_no)).rejects.toMatchObject(again);
    const numbers = [nextReference(), nextReference(), nextReference()];
    const raced = await Promise.allSettled(
      numbers.map((number) => confirm(second.serial_no, { bank_reference: number })),
    );
    expect(raced.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    // What lost the race is free again: it may be the number of another payment's transfer.
    const { channel_trade_no } = await read(second);
    const third = await create();
    const free = numbers.find((number) => number !== channel_trade_no)!;
    expect(await confirm(third.serial_no, { bank_reference: free })).toMatchObject({ status: "succeeded" });
  });

  test("is refused in a statement that the account's key did not sign now, for this account", async () => {
    const payment = await create();
    const statement = statementOf(payment);
    const strange = `whsec_${Buffer.alloc(32, 8).toString("base64")}`;
    expect((await postStatement(platform, addressOf(), statement, strange)).status).toBe(409);
    const elsewhere = { ...statement, account_number: "999" };
    expect((await postStatement(platform, addressOf(), elsewhere)).status).toBe(409);
    const others = addressOf(platform.direct, "direct");
    expect((await postStatement(platform, others, statement)).status).toBe(409);
    for (const at of ["soon", "2099-01-01T00:00:00Z"]) {
      expect((await postStatement(platform, addressOf(), { ...statement, at })).status).toBe(409);
    }
    expect(await read(payment)).toMatchObject({ status: "processing" });
    expect((await postStatement(platform, addressOf(), statement, STATEMENT_KEY)).status).toBe(204);
    expect(await read(payment)).toMatchObject({ status: "succeeded" });
  });

  test("closes by itself or on request, fails when it did not arrive, and succeeds late all the same", async () => {
    const [expiring, closing, missing] = [await create({ expires_in: 3_600 }), await create(), await create()];
    await platform.advance(2 * 3_600_000);
    expect(await read(expiring)).toMatchObject({ status: "closed" });
    expect(await platform.post(`/v1/payments/${closing.id}/close`, {})).toMatchObject({ status: "closed" });
    await rejectTransfer(platform.services, { number: missing.action.reference, reason: "Not on the statement" });
    expect(await read(missing)).toMatchObject({
      ...{ status: "failed", failure: { code: "NOT_RECEIVED", message: "Not on the statement" } },
    });
    for (const payment of [expiring, closing, missing]) {
      await confirm(payment.action.reference);
      expect(await read(payment)).toMatchObject({ status: "succeeded" });
    }
    const late = rejectTransfer(platform.services, { number: missing.serial_no, reason: "x" });
    await expect(late).rejects.toMatchObject({ code: "bank_transfer.already_ended" });
  });

  test("is finished by the same words when a crash came between the bank's number and the books", async () => {
    const [cut, other] = [await create(), await create()];
    const bank_reference = nextReference();
    const { serial_no } = cut;
    const claim = {
      name: "",
      text: `insert into bank_transfers values ('${accounts.pooled}', 'in', '${bank_reference}',
        '${platform.merchant.merchant_id}', '${serial_no}', 1234, 'CNY', now(), now())`,
    };
    await platform.services.db.query(claim);
    await expect(confirm(other.serial_no, { bank_reference })).rejects.toMatchObject({
      code: "bank_transfer.reference_used",
    });
    expect(await confirm(serial_no, { bank_reference })).toMatchObject({ status: "succeeded" });
    expect(await read(cut)).toMatchObject({ status: "succeeded", channel_trade_no: bank_reference });
  });

  test("that did not arrive leaves its payer to choose again, where the merchant left the choice", async () => {
    const payment = await create({ method: "cashier" });
    const first = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "bank.transfer" });
    await rejectTransfer(platform.services, { number: first.action.reference, reason: "Not on the statement" });
    expect(await read(payment)).toMatchObject({ status: "processing" });
    const second = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "bank.transfer" });
    expect(second.action.reference).not.toBe(first.action.reference);
    await confirm(second.action.reference);
    expect(await read(payment)).toMatchObject({ status: "succeeded", serial_no: second.serial_no });
  });

  test("is found under no number that is mistyped, and another currency goes elsewhere", async () => {
    const payment = await create();
    const { reference } = payment.action;
    const wrong = reference.startsWith("2") ? `3${reference.slice(1)}` : `2${reference.slice(1)}`;
    for (const number of [wrong, "", "pay_1", reference.slice(1)]) {
      await expect(confirm(number)).rejects.toMatchObject({ code: "bank_transfer.not_found" });
    }
    await expect(create({ currency: "USD" })).rejects.toThrow("payment.method_unavailable");
  });

  test("that the payer paid twice, by transfer and by wallet, goes back by a refund that waits", async () => {
    const payment = await create({ method: "cashier" });
    const attempt = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "bank.transfer" });
    const other = await platform.post(`/v1/payments/${payment.id}/attempts`, { method: "wechat.native" });
    await platform.sandbox.pay(other.action.qr_code);
    await platform.settle();
    expect(await confirm(attempt.action.reference)).toMatchObject({ status: "succeeded", duplicate: true });
    await platform.settle();
    const waiting = await listWaitingRefundTransfers(platform.services);
    const back = waiting.find(({ serial_no }) => serial_no === attempt.serial_no)!;
    expect(back).toMatchObject({ amount: "12.34" });
    const sent = { number: back.refund_no, bank_reference: nextReference(), booked_at: platform.clock.now() };
    expect(await endRefund(platform.services, sent)).toMatchObject({ status: "succeeded" });
  });
});

describe("a refund by transfer", () => {
  const refundOf = async (merchant: TestMerchant, amount = 34) => {
    const payment = await create({}, merchant);
    await confirm(payment.serial_no);
    const body = { payment: payment.id, out_refund_no: nextNumber("rf"), amount };
    return { payment, refund: await platform.post("/v1/refunds", body, { key: merchant.key }) };
  };
  const readRefund = (refund: Json, { key }: TestMerchant) => platform.get(`/v1/refunds/${refund.id}`, { key });

  test.each(["pooled", "direct"] as const)("waits until it was sent, or could not be (%s)", async (mode) => {
    const merchant = mode === "pooled" ? platform.merchant : platform.direct;
    const [sent, failed] = [await refundOf(merchant), await refundOf(merchant)];
    await platform.advance(2 * DAY_MS);
    for (const { refund } of [sent, failed]) {
      expect(await readRefund(refund, merchant)).toMatchObject({ status: "sent" });
    }
    const listed = await listWaitingRefundTransfers(platform.services);
    expect(listed.map((one) => one.refund)).toEqual(expect.arrayContaining([sent.refund.id, failed.refund.id]));
    const booked_at = platform.clock.now();
    const bank_reference = nextReference();
    await endRefund(platform.services, { number: sent.refund.id, bank_reference, booked_at });
    await endRefund(platform.services, { number: failed.refund.refund_no, reason: "Account closed", booked_at });
    expect(await readRefund(sent.refund, merchant)).toMatchObject({
      ...{ status: "succeeded", channel_refund_no: bank_reference },
    });
    expect(await readRefund(failed.refund, merchant)).toMatchObject({
      ...{ status: "failed", failure: { code: "NOT_SENT", message: "Account closed" } },
    });
    expect(await read(failed.payment, merchant)).toMatchObject({ amount_refunded: 0, amount_refunding: 0 });
    expect(await read(sent.payment, merchant)).toMatchObject({ amount_refunded: 34 });
  });

  test("is not sent twice under one number of the bank's, and what contradicts its end is refused", async () => {
    const [one, two] = [await refundOf(platform.merchant), await refundOf(platform.merchant)];
    const bank_reference = nextReference();
    const booked_at = platform.clock.now();
    const end = (refund: Json, more: { bank_reference: string } | { reason: string }) =>
      endRefund(platform.services, { number: refund.refund_no, booked_at, ...more });
    await end(one.refund, { bank_reference });
    await expect(end(two.refund, { bank_reference })).rejects.toMatchObject({ code: "bank_transfer.reference_used" });
    await expect(end(one.refund, { reason: "x" })).rejects.toMatchObject({ code: "bank_transfer.not_found" });
    const posted = (refund: Json, payment: Json, more: object) => ({
      ...statementOf(payment, { amount: "0.34" }),
      ...{ refund_no: refund.refund_no, type: "refund.sent", ...more },
    });
    const say = async (statement: Json) => (await postStatement(platform, addressOf(), statement)).status;
    expect(await say(posted(one.refund, one.payment, { bank_reference }))).toBe(204);
    expect(await say(posted(one.refund, one.payment, { bank_reference: nextReference() }))).toBe(409);
    expect(await say(posted(one.refund, one.payment, { type: "refund.failed", reason: "x" }))).toBe(409);
    expect(await say(posted(two.refund, two.payment, { amount: "0.35" }))).toBe(409);
    expect(await say(posted(two.refund, two.payment, {}))).toBe(204);
    expect(await readRefund(two.refund, platform.merchant)).toMatchObject({ status: "succeeded" });
  });
});
