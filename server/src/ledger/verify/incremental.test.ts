// Guarantee: an incremental verification finds what is wrong with whatever was written since the last one that found
// nothing wrong, goes on finding it until it is mended, and looks at nothing else.
import { randomUUID } from "node:crypto";
import { afterAll, beforeEach, expect, test } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { createSeededRandom } from "../../kit/random.ts";
import { post } from "../post.ts";
import { type PaidAttempt, paymentPosting } from "../templates/payment.ts";
import { refundInitiatedPosting } from "../templates/refund.ts";
import { insertPayment, insertRefund, openTestBooks, paid, refundOf, run, type TestBooks } from "../testing/books.ts";
import { listVerifications } from "./runs.ts";
import { verifyAndRecord } from "./verify.ts";

const HOUR_MS = 3_600_000;
let books: TestBooks | undefined;
let merchant_id: string;
const clock = createManualClock(Date.UTC(2026, 10, 20, 4));
const ids = createIdSource(clock, createSeededRandom(1));

beforeEach(async () => {
  await books?.close();
  books = await openTestBooks();
  merchant_id = randomUUID();
});

afterAll(() => books?.close());

const db = () => books!.db;
const verify = (kind: "full" | "incremental") => {
  clock.advance(1);
  return verifyAndRecord({ db: db(), clock, ids }, kind);
};
const codes = async (kind: "full" | "incremental") => (await verify(kind)).differences.map(({ code }) => code).sort();

/** A payment with a refund under way, an hour after what was before. */
async function pay(more: Partial<PaidAttempt> = {}): Promise<PaidAttempt> {
  clock.advance(HOUR_MS);
  const attempt = paid({ merchant_id, occurred_at: clock.now(), ...more });
  const refund = refundOf(attempt);
  await db().transaction(async (tx) => {
    const payment_id = await insertPayment(tx, attempt);
    await insertRefund(tx, payment_id, attempt, refund, "sent");
    await run(tx, "update payments set refunding_amount = $2, succeeded_at = $3::timestamptz where id = $1", [
      payment_id,
      refund.amount.amount,
      new Date(clock.now()).toISOString(),
    ]);
    for (const table of ["attempts", "refunds"]) {
      const key = table === "attempts" ? attempt.attempt_id : refund.refund_id;
      const at = new Date(clock.now()).toISOString();
      await run(tx, `update ${table} set created_at = $2::timestamptz where id = $1`, [key, at]);
    }
    await post(tx, [paymentPosting(attempt), refundInitiatedPosting(refund)], clock.now());
  });
  return attempt;
}

/** Changes what may not be changed. */
async function tamper(text: string, values: readonly string[] = []): Promise<void> {
  await db().transaction(async (tx) => {
    await run(tx, "alter table ledger_transactions disable trigger user");
    await run(tx, text, values);
    await run(tx, "alter table ledger_transactions enable trigger user");
  });
}

test("the first run looks at everything, the next ones at what is new", async () => {
  await pay();
  await pay({ livemode: false });
  expect(await verify("incremental")).toMatchObject({ books: 2, transactions: 4, attempts: 2, difference_count: 0 });
  expect(await verify("incremental")).toMatchObject({ books: 0, transactions: 0, difference_count: 0 });
  await pay();
  await pay({ merchant_id: randomUUID() });
  const next = await verify("incremental");
  expect(next).toMatchObject({ books: 2, transactions: 4, difference_count: 0 });
  expect(await verify("full")).toMatchObject({ books: 3, transactions: 8, attempts: 4, difference_count: 0 });
  const runs = await listVerifications(db(), 10);
  expect(runs.map(({ kind, findings }) => [kind, findings.transactions])).toEqual([
    ["full", 8],
    ["incremental", 4],
    ["incremental", 0],
    ["incremental", 4],
  ]);
});

test("what is wrong is found again each time until it is mended", async () => {
  await pay();
  await verify("incremental");
  const { attempt_id } = await pay();
  await tamper("update attempts set fee_amount = 61 where id = $1", [attempt_id]);
  expect(await codes("incremental")).toEqual(["wrong_posting"]);
  await pay();
  expect(await codes("incremental")).toEqual(["wrong_posting"]);
  await tamper("update attempts set fee_amount = 60 where id = $1", [attempt_id]);
  expect(await verify("incremental")).toMatchObject({ transactions: 4, difference_count: 0 });
});

const newest = "(merchant_id, number) = (select merchant_id, max(number) from ledger_transactions group by 1)";

test.each([
  [
    "a success without its posting",
    "update ledger_transactions set source_id = gen_random_uuid() where kind = 'payment_succeeded' and number = 3",
    ["missing_posting", "unexpected_posting"],
  ],
  [
    "a transaction that is gone",
    `delete from ledger_transactions where ${newest}`,
    ["missing_posting", "number_gap", "wrong_balance", "wrong_balance", "wrong_balance"],
  ],
  [
    "another balance after",
    `update ledger_transactions set entries[1][3] = entries[1][3] + 1 where ${newest}`,
    ["broken_chain", "wrong_balance"],
  ],
  [
    "another refunding amount",
    "update payments set refunding_amount = 1 where succeeded_at = (select max(succeeded_at) from payments)",
    ["wrong_refund_total"],
  ],
  [
    "another winner",
    "update payments set succeeded_attempt_id = id where succeeded_at = (select max(succeeded_at) from payments)",
    ["wrong_winner", "wrong_winner"],
  ],
])("%s is found among what is new", async (_, corruption, expected) => {
  await pay();
  await verify("incremental");
  await pay();
  await tamper(corruption);
  expect(await codes("incremental")).toEqual(expected);
});

test("a book that lost what was proved, or has another balance without a transaction, is found", async () => {
  await pay();
  await verify("incremental");
  await db().transaction((tx) => run(tx, "update ledger_books set balances[1] = balances[1] + 1"));
  expect(await codes("incremental")).toEqual(["wrong_balance"]);
  await db().transaction((tx) => run(tx, "update ledger_books set balances[1] = balances[1] - 1"));
  expect(await codes("incremental")).toEqual([]);
  await tamper("delete from ledger_transactions where number = 2");
  expect(await codes("incremental")).toContain("number_gap");
});

test("a change of what was proved before is seen by a full run only", async () => {
  await pay();
  await verify("incremental");
  await pay();
  await tamper("update ledger_transactions set entries[1][3] = entries[1][3] + 1 where number = 1");
  expect(await codes("incremental")).toEqual([]);
  expect(await codes("full")).toContain("broken_chain");
});

test("what a full run has found is found by each run after it, until it is mended", async () => {
  await pay();
  await verify("incremental");
  await pay();
  const change = (by: number) =>
    tamper(`update ledger_transactions set entries[1][3] = entries[1][3] + ${by} where number = 1`);
  await change(1);
  expect(await codes("full")).toContain("broken_chain");
  expect(await codes("incremental")).toContain("broken_chain");
  expect(await codes("incremental")).toContain("broken_chain");
  await change(-1);
  expect(await verify("incremental")).toMatchObject({ transactions: 4, difference_count: 0 });
  expect(await verify("incremental")).toMatchObject({ transactions: 0, difference_count: 0 });
});
