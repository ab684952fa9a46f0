// Guarantee: a settlement leaves behind what its settings at its cut-off say, to the fen; each part is released once, by
// itself, when its time has come, the agreed sum is lowered, or a second operator agrees; and verification finds each way
// in which parts and books can differ.
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { post, refundFailedPosting, refundInitiatedPosting } from "../../ledger/index.ts";
import { insertRefund, refundOf, run } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { decideApproval, registerApprovalHandlers } from "../approval/index.ts";
import { runSettlement } from "../settlement/index.ts";
import {
  balances,
  books,
  checker,
  clock,
  DAY_MS,
  drain,
  expectClean,
  HOUR_MS,
  key,
  openSettlementBooks,
  pay,
  services,
  set,
  settlements,
  startTest,
} from "../settlement/testing/books.ts";
import {
  createReserveWorker,
  drawOnReserve,
  listReserves,
  RESERVE_RELEASE_APPROVAL,
  type Reserve,
  requestEarlyRelease,
  reserveReleaseHandler,
  returnToReserve,
  setReserve,
} from "./index.ts";
import { heldOf, splitSettlement, takeFrom } from "./reserve.ts";

beforeAll(async () => {
  await openSettlementBooks();
  registerApprovalHandlers(services.approval, { [RESERVE_RELEASE_APPROVAL]: reserveReleaseHandler(services) });
});
beforeEach(startTest);
afterAll(() => books.close());

const release = () => createReserveWorker(services).drain();

async function reserves(): Promise<Reserve[]> {
  const page = { older_than: null, newer_than: null, order: "asc", fetch: 1_000 } as const;
  const found = await listReserves(books.db, { ...key, currency: null, kind: null, status: null, page });
  return found.sort((a, b) => a.created_at - b.created_at);
}

/** One payment of CNY 100.00 without a fee, settled at once. */
async function settleOne(amount = 10_000n) {
  await pay({ amount: { amount, currency: "CNY" }, fee: 0n });
  clock.advance(1);
  return runSettlement(services, key);
}

describe("rolling", () => {
  test("a part of each settlement is held for so many of the merchant's days, and released by itself", async () => {
    await set("D+1");
    await setReserve(services, { ...key, rolling_rate_ppm: 100_000n, rolling_days: 3 });
    await pay({ amount: { amount: 9_999n, currency: "CNY" }, fee: 0n });
    clock.advance(DAY_MS);
    await drain();
    // 999.9 is rounded down, in favour of the merchant.
    expect((await settlements())[0]).toMatchObject({ amount: 9_999n, reserved_amount: 999n });
    expect(await balances()).toEqual({ pending: 0n, available: 9_000n, reserve: 999n });
    await pay();
    clock.advance(DAY_MS);
    await drain();
    // The cut-off was Saturday's midnight in Shanghai, so the part is free on Tuesday's. It is Sunday noon.
    const [first] = await reserves();
    expect(new Date(first!.release_at!).toISOString()).toBe(new Date(clock.now() + 36 * HOUR_MS).toISOString());
    clock.advance(36 * HOUR_MS - 1);
    expect(await release()).toBe(0);
    clock.advance(1);
    expect(await release()).toBe(1);
    expect(await release()).toBe(0);
    expect(await balances()).toEqual({ pending: 0n, available: 9_000n + 8_946n + 999n, reserve: 994n });
    await expectClean();
    clock.advance(DAY_MS);
    await release();
    expect(await balances()).toMatchObject({ reserve: 0n });
    await expectClean();
  });

  test("a setting begins when it says, and what was settled before stays as it is", async () => {
    await set("on_request");
    await setReserve(services, { ...key, rolling_rate_ppm: 100_000n, rolling_days: 3 });
    const later = clock.now() + HOUR_MS;
    await setReserve(services, { ...key, rolling_rate_ppm: 200_000n, rolling_days: 1, effective_from: later });
    expect(await settleOne()).toMatchObject({ reserved_amount: 1_000n });
    clock.advance(HOUR_MS);
    expect(await settleOne()).toMatchObject({ reserved_amount: 2_000n });
    await setReserve(services, key);
    expect(await settleOne()).toMatchObject({ reserved_amount: 0n });
    expect((await reserves()).map(({ amount }) => amount)).toEqual([1_000n, 2_000n]);
    await expectClean();
  });

  test("twenty workers at once release each part once", async () => {
    await set("on_request");
    await setReserve(services, { ...key, rolling_rate_ppm: 500_000n, rolling_days: 1 });
    for (const _ of [1, 2, 3]) await settleOne();
    clock.advance(2 * DAY_MS);
    await Promise.all(Array.from({ length: 20 }, () => release()));
    expect(await balances()).toEqual({ pending: 0n, available: 30_000n, reserve: 0n });
    const [{ count }] = (await run<{ count: bigint }>(
      books.db,
      "select count(*) as count from reserve_releases where merchant_id = $1",
      [key.merchant_id],
    )) as [{ count: bigint }];
    expect(count).toBe(3n);
    await expectClean();
  });
});

describe("fixed", () => {
  test("settlements fill the agreed sum, and a lower one releases what is above it, oldest first", async () => {
    await set("on_request");
    await setReserve(services, { ...key, fixed_amount: 15_000n });
    expect(await settleOne()).toMatchObject({ reserved_amount: 10_000n });
    expect(await settleOne()).toMatchObject({ reserved_amount: 5_000n });
    expect(await settleOne()).toMatchObject({ reserved_amount: 0n });
    await setReserve(services, { ...key, fixed_amount: 4_000n, effective_from: clock.now() + DAY_MS });
    await release();
    expect(await balances()).toMatchObject({ reserve: 15_000n });
    clock.advance(DAY_MS);
    await release();
    expect(await balances()).toMatchObject({ available: 26_000n, reserve: 4_000n });
    expect((await reserves()).map(heldOf).sort()).toEqual([0n, 4_000n]);
    // A higher one is filled by what comes.
    await setReserve(services, { ...key, fixed_amount: 6_000n });
    expect(await settleOne()).toMatchObject({ reserved_amount: 2_000n });
    await setReserve(services, key);
    await release();
    expect(await balances()).toMatchObject({ available: 40_000n, reserve: 0n });
    await expectClean();
  });

  test("a change that was planned before a part was held releases it too", async () => {
    await set("on_request");
    await setReserve(services, { ...key, fixed_amount: 9_000n });
    await setReserve(services, { ...key, fixed_amount: 1_000n, effective_from: clock.now() + DAY_MS });
    await settleOne();
    clock.advance(DAY_MS);
    await release();
    expect(await balances()).toMatchObject({ reserve: 1_000n });
  });
});

test("what a refund drew comes back when it fails, and is released at once where the time has come meanwhile", async () => {
  await set("on_request");
  await setReserve(services, { ...key, rolling_rate_ppm: 500_000n, rolling_days: 1 });
  const { payment_id, attempt } = await pay({ fee: 0n });
  clock.advance(1);
  await runSettlement(services, key);
  const booked = refundOf(attempt, { from_available: 4_000n, from_reserve: 1_000n, fee: 0n });
  const { refund_id } = booked;
  await books.db.transaction(async (tx) => {
    expect((await post(tx, [refundInitiatedPosting(booked)], clock.now()))[0]!.kind).toBe("posted");
    await insertRefund(tx, payment_id, attempt, booked, "unknown");
    await run(tx, "update refunds set from_available = 4000, from_reserve = 1000 where id = $1", [refund_id]);
    await run(tx, "update payments set refunding_amount = 5000 where id = $1", [payment_id]);
    await drawOnReserve(tx, { ...key, refund_id, amount: 1_000n });
  });
  expect(await reserves()).toMatchObject([{ amount: 5_000n, drawn_amount: 1_000n }]);
  await expectClean();
  clock.advance(2 * DAY_MS);
  await release();
  expect(await balances()).toEqual({ pending: 0n, available: 5_000n, reserve: 0n });
  await books.db.transaction(async (tx) => {
    await run(tx, "update refunds set status = 'failed' where id = $1", [refund_id]);
    await run(tx, "update payments set refunding_amount = 0 where id = $1", [payment_id]);
    await post(tx, [refundFailedPosting(booked)], clock.now());
    await returnToReserve(tx, [{ merchant_id: key.merchant_id, refund_id }], clock.now());
    await returnToReserve(tx, [{ merchant_id: key.merchant_id, refund_id }], clock.now());
  });
  await expectClean();
  await release();
  expect(await balances()).toEqual({ pending: 0n, available: 10_000n, reserve: 0n });
  await expectClean();
});

test("a change that is said while a settlement is being posted reaches the part that it leaves behind", async () => {
  await set("on_request");
  await setReserve(services, { ...key, fixed_amount: 9_000n });
  await pay();
  clock.advance(1);
  let changing: Promise<unknown> | undefined;
  const onSettled = async () => {
    changing = setReserve(services, { ...key, fixed_amount: 1_000n, effective_from: clock.now() + DAY_MS });
    // Long enough for it to be over, if nothing made it wait for this transaction.
    await Promise.race([changing, sleep(300)]);
  };
  await runSettlement({ ...services, onSettled }, key);
  await changing;
  clock.advance(DAY_MS);
  await release();
  expect(await balances()).toMatchObject({ reserve: 1_000n });
  await expectClean();
});

describe("early", () => {
  test("one operator asks, another decides; what is held no more is refused", async () => {
    await set("on_request");
    await setReserve(services, { ...key, rolling_rate_ppm: 500_000n, rolling_days: 90 });
    await settleOne();
    const [part] = await reserves();
    const maker_id = await checker();
    const wanted = { merchant_id: key.merchant_id, reserve_id: part!.id, reason: "a good year", maker_id };
    await expect(requestEarlyRelease(services, { ...wanted, amount: 5_001n })).rejects.toThrow("5000");
    const [some, all] = [
      await requestEarlyRelease(services, { ...wanted, amount: 2_000n }),
      await requestEarlyRelease(services, wanted),
    ];
    expect(await balances()).toMatchObject({ reserve: 5_000n });
    const decide = (id: string, checker_id: string) =>
      decideApproval(services.approval, { id, checker_id, decision: "approve" });
    await expect(decide(some.id, maker_id)).rejects.toMatchObject({ code: "approval.own_request" });
    const other = await checker();
    await decide(some.id, other);
    expect(await balances()).toMatchObject({ available: 7_000n, reserve: 3_000n });
    await expect(decide(all.id, other)).rejects.toMatchObject({ code: "reserve.amount_exceeds_held" });
    clock.advance(90 * DAY_MS);
    await release();
    expect(await balances()).toMatchObject({ available: 10_000n, reserve: 0n });
    await expectClean();
  });
});

test("what cannot be settings is refused by a sentence", async () => {
  const refused = (input: object, sentence: string) =>
    expect(setReserve(services, { ...key, ...input })).rejects.toThrow(sentence);
  await refused({ currency: "XXY" }, "no currency");
  await refused({ rolling_rate_ppm: 1_000_001n, rolling_days: 1 }, "between 0 % and 100 %");
  await refused({ rolling_rate_ppm: 1n }, "Give a rate with its days");
  await refused({ rolling_days: 4_000 }, "whole number");
  await refused({ fixed_amount: -1n }, "below zero");
  await refused({ effective_from: clock.now() - 1 }, "now or later");
});

test("a settlement is split without loss, and refunds take no more than parts hold", () => {
  const amounts = fc.bigInt({ min: 1n, max: 10n ** 12n });
  const rates = fc.bigInt({ min: 0n, max: 1_000_000n });
  fc.assert(
    fc.property(amounts, rates, amounts, amounts, (amount, rolling_rate_ppm, fixed_amount, fixed_held) => {
      const { rolling, fixed } = splitSettlement({ rolling_rate_ppm, fixed_amount }, amount, fixed_held);
      expect(rolling >= 0n && fixed >= 0n && rolling + fixed <= amount).toBe(true);
      expect(fixed === 0n || fixed_held + fixed <= fixed_amount).toBe(true);
    }),
  );
  const parts = fc.array(amounts, { maxLength: 6 }).map((held) => held.map((amount) => ({ amount }) as Reserve));
  fc.assert(
    fc.property(parts, amounts, (bare, amount) => {
      const list = bare.map((part) => ({ ...part, released_amount: 0n, drawn_amount: 0n }));
      const taken = takeFrom(list, amount);
      const held = list.reduce((sum, part) => sum + part.amount, 0n);
      expect(taken === undefined).toBe(held < amount);
      expect((taken ?? []).reduce((sum, part) => sum + part.amount, 0n)).toBe(taken ? amount : 0n);
    }),
  );
});

describe("verification", () => {
  const rolledBack = new Error("rolled back on purpose");
  const mine = () => `merchant_id = '${key.merchant_id}'`;

  test.each([
    ["a part is changed", (m: string) => `update reserves set amount = amount + 1 where ${m}`, ["wrong_reserve"]],
    [
      "a release is not that of its part",
      (m: string) => `update reserve_releases set amount = amount - 1 where ${m}`,
      ["wrong_posting", "wrong_reserve"],
    ],
    [
      "a release is deleted",
      (m: string) => `delete from reserve_releases where ${m}`,
      ["unexpected_posting", "wrong_reserve"],
    ],
    [
      "a settlement held another part back",
      (m: string) => `update settlements set reserved_amount = reserved_amount - 1 where ${m}`,
      ["wrong_posting", "wrong_reserve"],
    ],
    ["a draw of no refund", (m: string) => `update reserves set drawn_amount = 1 where ${m}`, ["wrong_reserve"]],
  ])("finds that %s", async (_, corruption, codes) => {
    await set("on_request");
    await setReserve(services, { ...key, rolling_rate_ppm: 500_000n, rolling_days: 90 });
    await settleOne();
    const [part] = await reserves();
    const [maker_id, checker_id] = [await checker(), await checker()];
    const wanted = { merchant_id: key.merchant_id, reserve_id: part!.id, amount: 7n, reason: "x", maker_id };
    const { id } = await requestEarlyRelease(services, wanted);
    await decideApproval(services.approval, { id, checker_id, decision: "approve" });
    await expectClean();
    let found: string[] = [];
    const work = books.db.transaction(async (tx) => {
      await run(tx, corruption(mine()));
      found = (await verifySnapshot(tx)).differences.map(({ code }) => code);
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
    expect([...new Set(found)].sort()).toEqual(codes);
  });
});
