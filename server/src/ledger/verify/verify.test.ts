// Guarantee: whole books verify, and each way in which books, payments and refunds can differ is found and named.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Sql, Transaction } from "../../kit/sql/database.ts";
import { post } from "../post.ts";
import type { NewPosting } from "../posting.ts";
import { duplicatePaymentPosting, paymentPosting } from "../templates/payment.ts";
import {
  duplicateRefundPosting,
  refundFailedPosting,
  refundInitiatedPosting,
  refundSucceededPosting,
} from "../templates/refund.ts";
import {
  insertAttempt,
  insertPayment,
  insertRefund,
  openTestBooks,
  paid,
  refundOf,
  run,
  type TestBooks,
} from "../testing/books.ts";
import type { Findings } from "./findings.ts";
import { verify, verifySnapshot } from "./verify.ts";

let books: TestBooks;

/** A merchant with one payment, a refund in each status, and a duplicate that went back. */
async function seed(tx: Transaction, funding_mode: "pooled" | "direct", livemode: boolean, merchant_id: string) {
  const amount = { amount: 10_000n, currency: "CNY" };
  const agent_id = randomUUID();
  const attempt = paid({ merchant_id, funding_mode, livemode, amount, commissions: [{ agent_id, amount: 20n }] });
  const payment_id = await insertPayment(tx, attempt);
  const quarter = {
    amount: { amount: 2_500n, currency: "CNY" },
    fee: 15n,
    cost: 9n,
    commissions: [{ agent_id, amount: 5n }],
  };
  const [open, done, failed] = [1, 2, 3].map(() => refundOf(attempt, quarter)) as [never, never, never];
  await insertRefund(tx, payment_id, attempt, open, "unknown");
  await insertRefund(tx, payment_id, attempt, done, "succeeded");
  await insertRefund(tx, payment_id, attempt, failed, "failed");
  await run(tx, "update payments set refunded_amount = 2500, refunding_amount = 2500 where id = $1", [payment_id]);

  const duplicate = paid({ merchant_id, funding_mode, livemode, amount });
  await insertAttempt(tx, payment_id, duplicate, true);
  const back = refundOf(duplicate, { amount, fee: 0n, cost: duplicate.cost });
  await insertRefund(tx, payment_id, duplicate, back, "succeeded", null);
  const postings: NewPosting[] = [
    paymentPosting(attempt),
    refundInitiatedPosting(open),
    refundInitiatedPosting(done),
    refundSucceededPosting(done),
    refundInitiatedPosting(failed),
    refundFailedPosting(failed),
    duplicatePaymentPosting(duplicate),
    duplicateRefundPosting(back),
  ];
  const results = await post(tx, postings, attempt.occurred_at);
  expect(results.every((result) => result.kind === "posted")).toBe(true);
}

beforeAll(async () => {
  books = await openTestBooks();
  const both = randomUUID();
  await books.db.transaction(async (tx) => {
    await seed(tx, "pooled", true, both);
    await seed(tx, "pooled", false, both);
    await seed(tx, "direct", true, randomUUID());
  });
});

afterAll(() => books.close());

const rolledBack = new Error("rolled back on purpose");

/** What verification finds after `corrupt`, which is then undone. */
async function findAfter(corrupt: (sql: Sql) => Promise<unknown>): Promise<Findings> {
  let findings: Findings | undefined;
  const work = books.db.transaction(async (tx) => {
    await run(tx, "alter table ledger_transactions disable trigger user");
    await run(tx, "alter table ledger_books drop constraint ledger_books_bounds");
    await corrupt(tx);
    findings = await verifySnapshot(tx);
    throw rolledBack;
  });
  await expect(work).rejects.toBe(rolledBack);
  return findings!;
}

const codesOf = (findings: Findings) => [...new Set(findings.differences.map(({ code }) => code))].sort();

test("whole books verify, and everything in them was looked at", async () => {
  const findings = await verify(books.db);
  expect(findings.differences).toEqual([]);
  expect(findings).toMatchObject({
    books: 3,
    transactions: 24,
    payments: 3,
    attempts: 6,
    refunds: 12,
    difference_count: 0,
  });
  const [row] = await run<{ entries: bigint; accounts: bigint }>(
    books.db,
    "select (select count(*) from ledger_entries) as entries, (select count(*) from ledger_accounts) as accounts",
  );
  expect([BigInt(findings.entries), BigInt(findings.accounts)]).toEqual([row!.entries, row!.accounts]);
});

const one = (kind: string, more = "") =>
  `(merchant_id, livemode, number) = (select merchant_id, livemode, number from ledger_transactions
     where kind = '${kind}' and livemode ${more} order by merchant_id, number limit 1)`;
const oneRefund = (status: string) =>
  `id = (select id from refunds where status = '${status}' and out_refund_no is not null limit 1)`;

test.each([
  [
    "a transaction is deleted",
    `delete from ledger_transactions where ${one("refund_succeeded")}`,
    ["broken_chain", "missing_posting", "number_gap"],
  ],
  [
    "the last transaction is deleted",
    `delete from ledger_transactions where ${one("duplicate_refund_succeeded")}`,
    ["missing_posting", "number_gap", "wrong_balance"],
  ],
  [
    "an entry is taken out",
    `update ledger_transactions set entries = entries[2:][:] where ${one("payment_succeeded")}`,
    ["broken_chain", "unbalanced", "wrong_posting"],
  ],
  [
    "an amount is changed",
    `update ledger_transactions set entries[1][2] = entries[1][2] + 1 where ${one("payment_succeeded")}`,
    ["broken_chain", "unbalanced", "wrong_posting"],
  ],
  [
    "a balance after is changed",
    `update ledger_transactions set entries[1][3] = entries[1][3] + 1 where ${one("refund_initiated")}`,
    ["broken_chain"],
  ],
  [
    "an amount is changed on both sides, with all that follows",
    `update ledger_transactions set entries[1][2] = entries[1][2] + 1, entries[2][2] = entries[2][2] + 1
     where ${one("duplicate_payment_succeeded")}`,
    ["broken_chain", "wrong_posting"],
  ],
  ["a balance is changed", "update ledger_books set balances[1] = balances[1] + 1 where livemode", ["wrong_balance"]],
  [
    "a balance is below its minimum",
    "update ledger_books set minimums[2] = balances[2] + 1 where not livemode",
    ["below_minimum"],
  ],
  ["a book's number is changed", "update ledger_books set number = number + 1 where not livemode", ["number_gap"]],
  ["a book is deleted", "delete from ledger_books where not livemode", ["no_book", "wrong_account", "wrong_posting"]],
  [
    "an account is described as another",
    "update ledger_accounts set kind = 'refund_in_transit' where kind = 'fee_income' and livemode",
    ["unbalanced", "wrong_account"],
  ],
  [
    "an account is not described",
    "delete from ledger_accounts where kind = 'fee_income' and not livemode",
    ["unbalanced", "wrong_account"],
  ],
  [
    "an entry names an account the book does not have",
    `update ledger_transactions set entries[1][1] = 99 where ${one("payment_succeeded")}`,
    ["broken_chain", "unbalanced", "wrong_account", "wrong_posting"],
  ],
  [
    "a posting is doubled under another source",
    `insert into ledger_transactions (merchant_id, livemode, number, source_id, occurred_at, posted_at, kind, entries)
     select merchant_id, livemode, number + 100, gen_random_uuid(), occurred_at, posted_at, kind, entries
     from ledger_transactions where ${one("payment_succeeded")}`,
    ["broken_chain", "number_gap", "unexpected_posting", "wrong_balance"],
  ],
  [
    "a payment succeeded without its posting",
    `update ledger_transactions set source_id = gen_random_uuid() where ${one("payment_succeeded")}`,
    ["missing_posting", "unexpected_posting"],
  ],
  [
    "a failed refund is called succeeded",
    `update refunds set status = 'succeeded' where ${oneRefund("failed")}`,
    ["missing_posting", "unexpected_posting", "wrong_refund_total"],
  ],
  [
    "an open refund is called failed",
    `update refunds set status = 'failed' where ${oneRefund("unknown")}`,
    ["missing_posting", "wrong_refund_total"],
  ],
  [
    "a refund's amount is changed",
    `update refunds set amount = 2499 where ${oneRefund("succeeded")}`,
    ["wrong_posting", "wrong_refund_total"],
  ],
  ["a fee is changed", "update attempts set fee_amount = 59 where not duplicate and not livemode", ["wrong_posting"]],
  [
    "a commission is changed",
    `update attempts set commissions = jsonb_set(commissions, '{0,amount}', '"19"') where not livemode`,
    ["wrong_posting"],
  ],
  [
    "a returned commission is forgotten",
    `update refunds set commissions = null where ${oneRefund("succeeded")}`,
    ["wrong_posting"],
  ],
  [
    "an attempt did not succeed after all",
    "update attempts set status = 'failed' where duplicate and not livemode",
    ["unexpected_posting"],
  ],
  [
    "a transaction takes another one back than it names",
    `update ledger_transactions set reverses = reverses - 1 where ${one("refund_failed")}`,
    ["wrong_reversal"],
  ],
  [
    "a refunded amount is changed",
    "update payments set refunded_amount = 1 where not livemode",
    ["wrong_refund_total"],
  ],
  [
    "a payment names a winner that did not win",
    "update payments set succeeded_attempt_id = gen_random_uuid() where not livemode",
    ["wrong_winner"],
  ],
])("found: %s", async (_, corruption, codes) => {
  const findings = await findAfter((sql) => run(sql, corruption));
  expect(codesOf(findings)).toEqual(codes);
  expect(findings.difference_count).toBe(findings.differences.length);
});

test("a difference is a sentence with the ids that a person searches for", async () => {
  const findings = await findAfter((sql) =>
    run(sql, `update refunds set status = 'failed' where ${oneRefund("unknown")}`),
  );
  const sentences = findings.differences.map(({ sentence }) => sentence);
  expect(sentences).toContainEqual(expect.stringMatching(/^rf_\w{26} is failed but has no refund_failed\.$/));
  expect(sentences).toContainEqual(
    expect.stringMatching(/^pay_\w{26} says 2500 refunded and 2500 being refunded, but/),
  );
});
