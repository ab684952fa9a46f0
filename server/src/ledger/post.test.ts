// Guarantee: what is posted is posted once, whole, within bounds and in an unbroken chain, whoever posts at the same time;
// what cannot be posted leaves no trace and harms no neighbour.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { accountOf } from "./accounts.ts";
import { getBalances, listEntries, setMinimum } from "./balances.ts";
import { makeMatrix } from "./binary-arrays.ts";
import { createPostGroup, type NewPosting, type PostResult, post, reverse } from "./index.ts";
import { credit, debit } from "./posting.ts";
import { takeBooks, writeBooks } from "./store.ts";
import { paymentPosting } from "./templates/payment.ts";
import { refundFailedPosting, refundInitiatedPosting, refundSucceededPosting } from "./templates/refund.ts";
import { clock, openTestBooks, paid, refundOf, run, type TestBooks } from "./testing/books.ts";
import { createFindings } from "./verify/findings.ts";
import { verifyBooks } from "./verify/verify-books.ts";

let books: TestBooks;

beforeAll(async () => {
  books = await openTestBooks();
});

afterAll(async () => {
  // Whatever these tests did, every book of the file is whole.
  const findings = createFindings();
  await books.db.snapshot(([journal]) => verifyBooks({ journal }, findings));
  await books.close();
  expect(findings.differences).toEqual([]);
  expect(findings.entries).toBeGreaterThan(100);
});

const postAll = (postings: readonly NewPosting[]) => books.db.transaction((tx) => post(tx, postings, clock.now()));

async function balancesOf(merchant_id: string, livemode = true): Promise<Record<string, bigint>> {
  const balances = await getBalances(books.db, { merchant_id, livemode });
  return Object.fromEntries(balances.map(({ kind, balance }) => [kind, balance]));
}

const noKeys = { merchants: Buffer.of(), sources: Buffer.of(), merchant_places: Buffer.of(), source_count: 0 };

const kinds = (results: readonly PostResult[]) => results.map((result) => result.kind);

describe("a payment and its refund", () => {
  test("move the balances as their templates say, entry by entry", async () => {
    const attempt = paid();
    const refund = refundOf(attempt);
    await postAll([paymentPosting(attempt), refundInitiatedPosting(refund)]);
    await postAll([refundSucceededPosting(refund)]);
    expect(await balancesOf(attempt.merchant_id)).toEqual({
      channel_receivable: 4_981n,
      merchant_pending: 4_970n,
      refund_in_transit: 0n,
      fee_income: 30n,
      channel_cost: 19n,
    });
    const entries = await listEntries(books.db, { ...attempt, kinds: ["merchant_pending"], limit: 10 });
    expect(entries.map(({ number, amount, balance_after }) => [number, amount, balance_after])).toEqual([
      [2n, -4_970n, 4_970n],
      [1n, 9_940n, 9_940n],
    ]);
  });

  test("live and test money never meet", async () => {
    const attempt = paid();
    await postAll([paymentPosting(attempt)]);
    const test = paid({ merchant_id: attempt.merchant_id, livemode: false, fee: 0n });
    await postAll([paymentPosting(test)]);
    expect((await balancesOf(attempt.merchant_id)).merchant_pending).toBe(9_940n);
    expect((await balancesOf(attempt.merchant_id, false)).merchant_pending).toBe(10_000n);
  });
});

describe("the natural key", () => {
  test("the same again is the same transaction, in one batch and later", async () => {
    const posting = paymentPosting(paid());
    const results = await postAll([posting, posting]);
    results.push(...(await postAll([{ ...posting, occurred_at: posting.occurred_at + 5 }])));
    expect(results).toEqual([
      { kind: "posted", number: 1n },
      { kind: "exists", number: 1n },
      { kind: "exists", number: 1n },
    ]);
  });

  test.each([
    ["another amount", { fee: 61n }],
    ["another channel account", { channel_account_id: randomUUID() }],
    ["another funding mode", { funding_mode: "direct" }],
    ["the other mode", { livemode: false }],
  ] as const)("%s under the same key is a conflict", async (_, change) => {
    const attempt = paid();
    await postAll([paymentPosting(attempt)]);
    await expect(postAll([paymentPosting({ ...attempt, ...change })])).rejects.toMatchObject({ fault: "conflict" });
    await expect(postAll([paymentPosting(paid()), paymentPosting({ ...attempt, ...change })])).rejects.toThrow();
    expect(Object.keys(await balancesOf(attempt.merchant_id)).length).toBe(4);
  });

  test("twenty racing twins make one transaction", async () => {
    const posting = paymentPosting(paid());
    const results = await Promise.all(Array.from({ length: 20 }, () => postAll([posting])));
    expect(kinds(results.flat()).filter((kind) => kind === "posted")).toHaveLength(1);
    expect(results.flat().every((result) => result.kind !== "refused" && result.number === 1n)).toBe(true);
  });
});

describe("a batch that is not posted whole", () => {
  test("moves a well-known book by what is new, and by nothing when nothing is", async () => {
    const attempt = paid();
    const again = () => paymentPosting(paid({ merchant_id: attempt.merchant_id }));
    const first = [paymentPosting(attempt), again(), again()];
    await postAll(first);
    await postAll([again()]);
    expect(kinds(await postAll(first))).toEqual(["exists", "exists", "exists"]);
    expect((await balancesOf(attempt.merchant_id)).merchant_pending).toBe(4n * 9_940n);
    const results = await postAll([...first, again()]);
    expect(results.at(-1)).toEqual({ kind: "posted", number: 5n });
    expect((await balancesOf(attempt.merchant_id)).merchant_pending).toBe(5n * 9_940n);
  });

  test("leaves a book alone that has other accounts than was believed", async () => {
    const attempt = paid();
    await postAll([paymentPosting(attempt)]);
    const { merchant_id, livemode } = attempt;
    const believed = { accounts: ["1", "2", "3", "4"], count: 7, changes: [1n, 2n, 3n, 4n] };
    const given = books.db.transaction(async (tx) => {
      const [book] = await takeBooks(tx, [{ merchant_id, livemode, forecast: believed }]);
      await writeBooks(tx, [book!], [], makeMatrix(0, 3), noKeys, "2026-11-20T04:00:00Z");
      return book;
    });
    expect(await given).toMatchObject({ number: 1n, balances: [9_962n, 9_940n, 60n, 38n] });
    expect((await balancesOf(merchant_id)).merchant_pending).toBe(9_940n);
    const fewer = { accounts: ["1"], count: 7, changes: [1n] };
    await books.db.transaction((tx) => takeBooks(tx, [{ merchant_id, livemode, forecast: fewer }]));
    expect((await balancesOf(merchant_id)).merchant_pending).toBe(9_940n);
  });
});

describe("bounds", () => {
  test("a refund that the balance does not cover is a value, and its neighbours are posted", async () => {
    const attempt = paid();
    const neighbour = paid();
    const refunds = [1n, 2n, 3n].map(() => refundOf(attempt));
    const results = await postAll([
      paymentPosting(attempt),
      ...refunds.map(refundInitiatedPosting),
      paymentPosting(neighbour),
    ]);
    expect(kinds(results)).toEqual(["posted", "posted", "posted", "refused", "posted"]);
    expect(results[3]).toMatchObject({ account: { kind: "merchant_pending" }, balance: -4_970n, minimum: 0n });
    expect((await balancesOf(attempt.merchant_id)).refund_in_transit).toBe(10_000n);
  });

  test("a refusal opens no account", async () => {
    const attempt = paid();
    expect(kinds(await postAll([refundInitiatedPosting(refundOf(attempt))]))).toEqual(["refused"]);
    expect(await balancesOf(attempt.merchant_id)).toEqual({});
  });

  test("concurrent refunds never take more than the balance", async () => {
    const attempt = paid({ fee: 0n });
    await postAll([paymentPosting(attempt)]);
    const amount = { amount: 900n, currency: "CNY" };
    const results = await Promise.all(
      Array.from({ length: 20 }, () => postAll([refundInitiatedPosting(refundOf(attempt, { amount, fee: 0n }))])),
    );
    expect(kinds(results.flat()).filter((kind) => kind === "posted")).toHaveLength(11);
    expect((await balancesOf(attempt.merchant_id)).merchant_pending).toBe(100n);
  });

  test("what has to succeed and cannot is an error, and nothing of its batch stays", async () => {
    const attempt = paid();
    const batch = [paymentPosting(attempt), refundSucceededPosting(refundOf(attempt))];
    await expect(postAll(batch)).rejects.toMatchObject({ fault: "shortfall" });
    expect(await balancesOf(attempt.merchant_id)).toEqual({});
  });

  test("a credit line lets the balance fall to it and no further", async () => {
    const attempt = paid();
    const pending = accountOf("merchant_pending", "CNY");
    await books.db.transaction((tx) => setMinimum(tx, attempt, pending, -4_970n));
    const results = await postAll([
      refundInitiatedPosting(refundOf(attempt)),
      refundInitiatedPosting(refundOf(attempt)),
    ]);
    expect(kinds(results)).toEqual(["posted", "refused"]);
    const raise = books.db.transaction((tx) => setMinimum(tx, attempt, pending, 0n));
    await expect(raise).rejects.toMatchObject({ fault: "shortfall" });
  });

  test("the database refuses a balance below its minimum by itself", async () => {
    const attempt = paid();
    await postAll([paymentPosting(attempt)]);
    const text = "update ledger_books set balances[2] = -1 where merchant_id = $1";
    await expect(run(books.db, text, [attempt.merchant_id])).rejects.toMatchObject({
      constraint: "ledger_books_bounds",
    });
  });
});

test("a book of many accounts is moved and guarded like a small one", async () => {
  const { merchant_id } = paid();
  const direct = Array.from({ length: 9 }, () =>
    paid({ merchant_id, funding_mode: "direct", channel_account_id: randomUUID() }),
  );
  await postAll(direct.map(paymentPosting));
  for (const _ of [1, 2, 3]) await postAll([paymentPosting(paid({ merchant_id }))]);
  expect(await balancesOf(merchant_id)).toMatchObject({ merchant_pending: 29_820n, direct_turnover: 90_000n });
  const [{ position } = { position: 0 }] = await run<{ position: number }>(
    books.db,
    "select position from ledger_accounts where merchant_id = $1 and kind = 'merchant_pending'",
    [merchant_id],
  );
  expect(position).toBeGreaterThan(8);
  const text = `update ledger_books set balances[${position}] = -1 where merchant_id = $1`;
  await expect(run(books.db, text, [merchant_id])).rejects.toMatchObject({ constraint: "ledger_books_bounds" });
});

describe("reversal", () => {
  test("a failed refund takes back the entries of its beginning, also in one batch, once", async () => {
    const attempt = paid();
    const refund = refundOf(attempt);
    const batch = [paymentPosting(attempt), refundInitiatedPosting(refund), refundFailedPosting(refund)];
    expect(kinds(await postAll(batch))).toEqual(["posted", "posted", "posted"]);
    expect(kinds(await postAll([refundFailedPosting(refund)]))).toEqual(["exists"]);
    expect(await balancesOf(attempt.merchant_id)).toMatchObject({ merchant_pending: 9_940n, refund_in_transit: 0n });
  });

  test("what was never written, or was otherwise, cannot be taken back", async () => {
    const attempt = paid();
    const refund = refundOf(attempt);
    await postAll([paymentPosting(attempt)]);
    await expect(postAll([refundFailedPosting(refund)])).rejects.toMatchObject({ fault: "no_reversal" });
    await postAll([refundInitiatedPosting(refund)]);
    const other = refundFailedPosting({ ...refund, fee: 0n });
    await expect(postAll([other])).rejects.toMatchObject({ fault: "no_reversal" });
  });

  test("any transaction can be taken back, once", async () => {
    const attempt = paid();
    await postAll([paymentPosting(attempt)]);
    const target = {
      merchant_id: attempt.merchant_id,
      kind: "payment_succeeded",
      source_id: attempt.attempt_id,
    } as const;
    const correct = (source_id: string) => {
      const head = { kind: "reversal", source_id, occurred_at: clock.now(), on_shortfall: "throw" } as const;
      return books.db.transaction((tx) => reverse(tx, target, head, clock.now()));
    };
    const id = randomUUID();
    expect(await correct(id)).toEqual({ kind: "posted", number: 2n });
    expect(await correct(id)).toEqual({ kind: "exists", number: 2n });
    expect(Object.values(await balancesOf(attempt.merchant_id))).toEqual([0n, 0n, 0n, 0n]);
    // What the merchant would have to give back is gone, so another reversal must not find its way in.
    await postAll([paymentPosting(paid({ merchant_id: attempt.merchant_id }))]);
    await expect(correct(randomUUID())).rejects.toMatchObject({ constraint: "ledger_transactions_reversed_once" });
  });
});

describe("a wrong posting", () => {
  const base = paymentPosting(paid());
  const cny = (amount: bigint) => ({ amount, currency: "CNY" });
  const usd = (amount: bigint) => ({ amount, currency: "USD" });
  test.each([
    ["no lines", []],
    ["a sum that is not zero", [debit("channel_cost", cny(2n)), credit("fee_income", cny(1n))]],
    ["currencies that balance only together", [debit("channel_cost", cny(1n)), credit("fee_income", usd(1n))]],
    ["a negative amount", [debit("channel_cost", cny(-1n)), credit("fee_income", cny(-1n))]],
  ])("with %s is refused", async (_, lines) => {
    await expect(postAll([{ ...base, lines }])).rejects.toMatchObject({ fault: "unbalanced" });
  });

  test("two currencies that balance each by itself are one transaction", async () => {
    const posting = paymentPosting(paid());
    const lines = [
      debit("channel_cost", cny(7n)),
      credit("fee_income", cny(7n)),
      debit("channel_cost", usd(1n)),
      credit("fee_income", usd(1n)),
    ];
    expect(kinds(await postAll([{ ...posting, lines }]))).toEqual(["posted"]);
  });
});

test("transactions cannot be changed or deleted", async () => {
  await postAll([paymentPosting(paid())]);
  for (const text of [
    "update ledger_transactions set number = 9",
    "delete from ledger_transactions",
    "truncate ledger_transactions",
  ]) {
    await expect(run(books.db, text)).rejects.toThrow("never changed or deleted");
  }
});

test("twenty clients posting at random leave every balance where the sum of their postings puts it", async () => {
  const merchants = [1, 2, 3].map(() => randomUUID());
  const submit = createPostGroup({ db: books.db, clock, batch_max: 7, lanes: 3 });
  const expected = new Map(merchants.map((merchant_id) => [merchant_id, 0n]));
  const client = async (seed: number) => {
    for (let step = 0; step < 15; step += 1) {
      const merchant_id = merchants[(seed * 7 + step * 3) % merchants.length]!;
      const amount = { amount: BigInt(100 + ((seed * 31 + step * 17) % 900)), currency: "CNY" };
      const attempt = paid({ merchant_id, amount, fee: 1n, cost: 0n });
      const refund = refundOf(attempt, { fee: 0n });
      // Half go through the group, half in a transaction of their own.
      const send = (posting: NewPosting) =>
        step % 2 === 0 ? submit(posting) : postAll([posting]).then(([result]) => result!);
      await send(paymentPosting(attempt));
      expected.set(merchant_id, expected.get(merchant_id)! + amount.amount - 1n);
      if ((await send(refundInitiatedPosting(refund))).kind !== "posted") continue;
      expected.set(merchant_id, expected.get(merchant_id)! - refund.amount.amount);
      if (step % 3 !== 0) continue;
      await send(refundFailedPosting(refund));
      expected.set(merchant_id, expected.get(merchant_id)! + refund.amount.amount);
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, seed) => client(seed)));
  for (const [merchant_id, pending] of expected) {
    expect((await balancesOf(merchant_id)).merchant_pending).toBe(pending);
  }
});

test("in a group only the offender fails", async () => {
  const submit = createPostGroup({ db: books.db, clock });
  const good = Array.from({ length: 20 }, () => paymentPosting(paid()));
  const bad = { ...paymentPosting(paid()), lines: [] };
  const results = await Promise.allSettled([...good.slice(0, 10), bad, ...good.slice(10)].map(submit));
  expect(results.map((result) => result.status).indexOf("rejected")).toBe(10);
  expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(20);
});
