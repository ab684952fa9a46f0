// Guarantee: batches leave nothing out, count nothing twice and sum exactly, with their items, whatever happens in
// whatever order; and verification finds each way in which settlements and books can differ.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { TributaryError } from "../../kit/error.ts";
import { sumRanges } from "../../ledger/index.ts";
import { run } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { createReserveWorker, setReserve } from "../reserve/index.ts";
import { readItems } from "./read-settlement.ts";
import { runSettlement } from "./settle.ts";
import { addUp, netOf, type Settlement } from "./settlement.ts";
import {
  balances,
  books,
  clock,
  DAY_MS,
  decide,
  drain,
  expectClean,
  HOUR_MS,
  key,
  openSettlementBooks,
  type PaidPayment,
  pay,
  refund,
  services,
  set,
  settlements,
  startMerchant,
  startTest,
  wholePage,
} from "./testing/books.ts";

beforeAll(openSettlementBooks);
beforeEach(startTest);
afterAll(() => books.close());

type Step = { kind: "pay" | "refund" | "day" | "settle" | "approve" | "reject"; amount: bigint };

test("whatever happens in whatever order, batches and their items sum to the books", async () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom<Step["kind"]>("pay", "pay", "refund", "day", "settle", "approve", "reject"),
      amount: fc.bigInt({ min: 1n, max: 20_000n }),
    }),
    { minLength: 5, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.constantFrom("D+1", "T+1", "D+2", "on_request"),
      fc.boolean(),
      async (list, cycle, held) => {
        await startMerchant();
        await set(cycle, { review_above: 15_000n });
        if (held)
          await setReserve(services, { ...key, rolling_rate_ppm: 100_000n, rolling_days: 1, fixed_amount: 3_000n });
        const payments: PaidPayment[] = [];
        for (const step of list) await take(step, payments);
        await checkSums();
      },
    ),
    { numRuns: 15 },
  );
  await expectClean();
}, 120_000);

async function take({ kind, amount }: Step, payments: PaidPayment[]): Promise<void> {
  clock.advance(HOUR_MS);
  if (kind === "pay") payments.push(await pay({ amount: { amount, currency: "CNY" }, fee: amount / 100n }));
  if (kind === "day") clock.advance(DAY_MS);
  // Behind one that waits for a review, or with nothing left of it, this is refused.
  if (kind === "settle") await runSettlement(services, key).catch(refusedOnly);
  if (kind === "approve" || kind === "reject") await decide(kind).catch(refusedOnly);
  const refunded = kind === "refund" ? payments.pop() : undefined;
  if (refunded) {
    const { pending = 0n } = await balances();
    const owed = refunded.attempt.amount.amount / 2n - refunded.attempt.fee / 2n;
    if (owed > 0n) await refund(refunded, { from_available: owed > pending ? owed - pending : 0n });
  }
  await drain();
  await createReserveWorker(services).drain();
}

function refusedOnly(error: unknown): void {
  if (!(error instanceof TributaryError)) throw error;
}

async function checkSums(): Promise<void> {
  let [next, carried, settled, net] = [1n, 0n, 0n, 0n];
  const posted = (await settlements()).filter(({ status }) => status === "posted");
  await checkPieces(posted);
  for (const settlement of posted) {
    expect([settlement.first_number, settlement.brought_forward]).toEqual([next, carried]);
    await checkItems(settlement);
    next = settlement.last_number + 1n;
    carried = settlement.carried_forward;
    settled += settlement.amount;
    net += netOf(settlement);
  }
  expect(net).toBe(settled + carried);
}

/** Added up in pieces of any size, over all batches at once, the figures are the same. */
async function checkPieces(posted: readonly Settlement[]): Promise<void> {
  for (const pieces_max of [1n, 3n, 1_000_000n]) {
    const sums = await sumRanges(books.db, posted, pieces_max);
    expect(sums.map(addUp)).toEqual(posted.map((settlement) => expect.objectContaining(figuresOf(settlement))));
  }
}

function figuresOf(settlement: Settlement): Partial<Settlement> {
  const { payment_count, payment_amount, refund_count, refund_amount, fee_amount, from_available } = settlement;
  return { payment_count, payment_amount, refund_count, refund_amount, fee_amount, from_available };
}

async function checkItems(settlement: Settlement): Promise<void> {
  const items = (await readItems(services, settlement, wholePage)).map(({ change }) => change);
  const numbers = items.map(({ number }) => number);
  expect(numbers.every((number) => number >= settlement.first_number && number <= settlement.last_number)).toBe(true);
  const sum = (pick: (item: (typeof items)[number]) => bigint) => items.reduce((total, item) => total + pick(item), 0n);
  expect({
    count: BigInt(items.length),
    fee_amount: sum(({ fee }) => fee),
    net: sum(({ amount, fee, from_available, from_reserve }) => amount + fee + from_available + from_reserve),
  }).toEqual({
    count: settlement.payment_count + settlement.refund_count + settlement.adjustment_count,
    fee_amount: settlement.fee_amount,
    net: netOf(settlement),
  });
}

describe("verification", () => {
  const rolledBack = new Error("rolled back on purpose");
  const mine = () => `merchant_id = '${key.merchant_id}'`;

  test.each([
    [
      "a batch leaves one out",
      (m: string) => `update settlements set first_number = 2 where ${m} and first_number = 1`,
      ["wrong_range"],
    ],
    [
      "a batch ends early",
      (m: string) => `update settlements set last_number = 1 where ${m} and first_number = 1`,
      ["wrong_range", "wrong_settlement"],
    ],
    [
      "an amount is changed",
      (m: string) =>
        `update settlements set amount = amount + 1, payment_amount = payment_amount + 1 where ${m} and first_number = 1`,
      ["wrong_posting", "wrong_settlement"],
    ],
    [
      "what is carried is changed",
      (m: string) =>
        `update settlements set carried_forward = 1, payment_amount = payment_amount + 1 where ${m} and first_number = 1`,
      ["wrong_range", "wrong_settlement"],
    ],
    [
      "a batch is deleted",
      (m: string) => `delete from settlements where ${m} and first_number = 1`,
      ["unexpected_posting", "wrong_range"],
    ],
    [
      "a batch is not posted",
      (m: string) =>
        `update ledger_transactions set source_id = gen_random_uuid() where ${m} and kind = 'settlement_created' and number = 3`,
      ["missing_posting", "unexpected_posting"],
    ],
  ])("finds that %s", async (_, corruption, codes) => {
    await set("on_request");
    for (const _batch of [1, 2]) {
      await pay();
      await pay();
      clock.advance(1);
      await runSettlement(services, key);
    }
    await expectClean();
    let found: string[] = [];
    const work = books.db.transaction(async (tx) => {
      await run(tx, "alter table ledger_transactions disable trigger user");
      await run(tx, corruption(mine()));
      found = (await verifySnapshot(tx)).differences.map(({ code }) => code);
      throw rolledBack;
    });
    await expect(work).rejects.toBe(rolledBack);
    expect([...new Set(found)].sort()).toEqual(codes);
  });

  test("the database refuses a batch whose parts do not sum", async () => {
    await set("on_request");
    await pay();
    clock.advance(1);
    await runSettlement(services, key);
    const change = run(books.db, `update settlements set fee_amount = fee_amount - 1 where ${mine()}`);
    await expect(change).rejects.toThrow("check constraint");
  });
});
