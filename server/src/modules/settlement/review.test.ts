// Guarantee: a batch above the limit is posted only when a person has approved it, and never for more than was looked at;
// nothing overtakes it, running again changes nothing, and what is rejected is settled by the next run.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "../../ledger/testing/books.ts";
import { createApprovalWorker, decideApproval, setApprovalPolicy } from "../approval/index.ts";
import { runSettlement } from "./settle.ts";
import { loadSettings } from "./store.ts";
import {
  balances,
  books,
  checker,
  clock,
  DAY_MS,
  decide,
  drain,
  expectClean,
  HOUR_MS,
  key,
  openSettlementBooks,
  pay,
  pendingReview,
  refund,
  services,
  set,
  settlements,
  startTest,
} from "./testing/books.ts";

beforeAll(openSettlementBooks);
beforeEach(startTest);
afterAll(() => books.close());

const settingsNow = async () => (await loadSettings(books.db, key.merchant_id))[0]!;

test("above the limit nothing is booked until somebody approves; up to it, everything is", async () => {
  await set("D+1", { review_above: 9_940n });
  await pay();
  clock.advance(DAY_MS);
  await drain();
  expect(await balances()).toMatchObject({ pending: 0n, available: 9_940n });
  await pay({ fee: 59n });
  clock.advance(DAY_MS);
  await drain();
  const [, made] = await settlements();
  expect(made).toMatchObject({ status: "in_review", number: null, amount: 9_941n });
  expect(await balances()).toMatchObject({ pending: 9_941n, available: 9_940n });
  expect(await pendingReview()).toMatchObject({ kind: "settlement", amount: 9_941n, subject_id: made!.id });
  await expectClean();
  await decide("approve");
  expect((await settlements())[1]).toMatchObject({ status: "posted", decided_at: clock.now(), amount: 9_941n });
  expect(await balances()).toMatchObject({ pending: 0n, available: 19_881n });
  await expectClean();
});

test("runs that come meanwhile wait, and are made up for with their own cut-offs", async () => {
  await set("D+1", { review_above: 5_000n });
  await pay();
  clock.advance(DAY_MS);
  await drain();
  for (let day = 0; day < 3; day += 1) {
    await pay({ amount: { amount: 1_000n, currency: "CNY" }, fee: 0n });
    clock.advance(DAY_MS);
    await drain();
  }
  expect(await settlements()).toMatchObject([{ status: "in_review" }]);
  expect(await settingsNow()).toMatchObject({ due_at: null, last_outcome: "in_review" });
  await expect(runSettlement(services, key)).rejects.toMatchObject({ code: "settlement.in_review" });
  await decide("approve");
  await drain();
  expect((await settlements()).map(({ amount }) => amount)).toEqual([9_940n, 1_000n, 1_000n, 1_000n]);
  expect(await settingsNow()).toMatchObject({ last_outcome: "settled" });
  await expectClean();
});

test("what is rejected is settled by the next run, and not again by the same", async () => {
  await set("D+1", { review_above: 5_000n });
  await pay();
  clock.advance(DAY_MS);
  await drain();
  await decide("reject");
  await drain();
  expect(await settlements()).toEqual([]);
  await set("D+1", { review_above: 50_000n });
  await pay();
  clock.advance(DAY_MS);
  await drain();
  const [settled] = await settlements();
  expect(settled).toMatchObject({ first_number: 1n, last_number: 2n, amount: 2n * 9_940n, payment_count: 2n });
  await expectClean();
});

test("what nobody decides in seven days counts as rejected", async () => {
  await set("D+1", { review_above: 5_000n });
  await pay();
  clock.advance(DAY_MS);
  await drain();
  clock.advance(8 * DAY_MS);
  await createApprovalWorker(services.approval).drain();
  await set("D+1", { review_above: 50_000n });
  clock.advance(DAY_MS);
  await drain();
  expect(await settlements()).toMatchObject([{ status: "posted", amount: 9_940n }]);
  await expectClean();
});

test("refunds meanwhile lower what an approval posts, and the rest is carried; when nothing is left it is refused", async () => {
  await set("D+1", { review_above: 5_000n });
  const payment = await pay();
  clock.advance(13 * HOUR_MS);
  await pay({ amount: { amount: 500n, currency: "CNY" }, fee: 0n });
  clock.advance(2 * HOUR_MS);
  await drain();
  expect((await settlements())[0]).toMatchObject({ status: "in_review", amount: 9_940n, carried_forward: 0n });
  await refund(payment);
  await decide("approve");
  expect((await settlements())[0]).toMatchObject({ amount: 5_470n, carried_forward: 4_470n });
  await expectClean();

  const second = await pay();
  clock.advance(DAY_MS);
  await drain();
  await refund(second);
  await refund(second);
  await expect(decide("approve")).rejects.toMatchObject({ code: "settlement.nothing_left" });
  await decide("reject");
  await expectClean();
});

test("the platform's policy is the limit of merchants without one of their own", async () => {
  await setApprovalPolicy(services.approval, { kind: "settlement", currency: "CNY", above: 5_000n });
  await set("on_request");
  await pay();
  clock.advance(1);
  expect(await runSettlement(services, key)).toMatchObject({ status: "in_review" });
  await run(books.db, "delete from approval_policies");
  await decide("approve");
  expect(await balances()).toMatchObject({ pending: 0n, available: 9_940n });
});

test("twenty decisions at once post once", async () => {
  await set("on_request", { review_above: 0n });
  await pay();
  clock.advance(1);
  await runSettlement(services, key);
  const { id } = (await pendingReview())!;
  const checker_id = await checker();
  const decisions = Array.from({ length: 20 }, (_, index) =>
    decideApproval(services.approval, {
      ...{ id, checker_id, decision: index % 2 === 0 ? "approve" : "reject", comment: "looked at" },
    }),
  );
  // The same decision again is told that it was made; the other one is refused.
  const answers = (await Promise.allSettled(decisions)).filter((answer) => answer.status === "fulfilled");
  expect(new Set(answers.map(({ value }) => value.status)).size).toBe(1);
  const { pending = 0n, available = 0n } = await balances();
  expect(pending + available).toBe(9_940n);
  await expectClean();
});
