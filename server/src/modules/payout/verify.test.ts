// Guarantee: verification knows what each payout calls for: whatever its row and the books disagree in is found and named.
import { afterAll, beforeAll, expect, test } from "vitest";
import { alipayAccount, bankAccount, coolAtOnce, enter, fund, payoutBody } from "../../../../test/platform/payouts.ts";
import { type Platform, startPlatform } from "../../../../test/platform/platform.ts";
import type { Json } from "../../../../test/platform/sandbox-control.ts";
import { parsePublicId } from "../../kit/id.ts";
import type { Sql } from "../../kit/sql/database.ts";
import { run } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { setPayoutSettings } from "./index.ts";

let platform: Platform;
let paid: Json;
let waiting: Json;
let cancelled: Json;

beforeAll(async () => {
  platform = await startPlatform();
  await coolAtOnce(platform);
  await fund(platform, 100_000);
  const key = { merchant_id: platform.merchant.merchant_id, livemode: false, currency: "CNY" };
  await setPayoutSettings(platform.services, key, { fee_fixed_amount: 100n });
  const [alipay, card] = [await enter(platform, alipayAccount()), await enter(platform, bankAccount())];
  const ask = (beneficiary: Json) => platform.post("/v1/payouts", payoutBody(beneficiary));
  [paid, waiting, cancelled] = [await ask(alipay), await ask(card), await ask(card)];
  await platform.call("POST", `/v1/payouts/${cancelled.id}/cancel`);
}, 60_000);
afterAll(() => platform?.close());

const rolledBack = new Error("rolled back on purpose");

/** What verification finds after a change of the database, which is then undone. */
async function findAfter(change: (sql: Sql) => Promise<unknown>): Promise<string[]> {
  let found: string[] = [];
  const work = platform.services.db.transaction(async (tx) => {
    await run(tx, "alter table ledger_transactions disable trigger user");
    await change(tx);
    const { differences } = await verifySnapshot(tx);
    found = differences.map(({ code, sentence }) => `${code} ${sentence}`);
    throw rolledBack;
  });
  await expect(work).rejects.toBe(rolledBack);
  return found;
}

const idOf = ({ id }: Json) => parsePublicId("payout", id)!;
const set = (payout: Json, what: string) => (sql: Sql) =>
  run(sql, `update payouts set ${what} where id = $1`, [idOf(payout)]);

test("payouts in every state agree with the books", async () => {
  expect(await findAfter(async () => undefined)).toEqual([]);
});

test.each<[string, () => (sql: Sql) => Promise<unknown>, string, string]>([
  ["one that says it was paid", () => set(waiting, "status = 'succeeded'"), "missing_posting", "no payout_succeeded"],
  ["one that says it was not", () => set(paid, "status = 'sent'"), "unexpected_posting", "payout_succeeded"],
  ["one that says it came back", () => set(paid, "status = 'returned'"), "missing_posting", "no payout_returned"],
  ["one that was taken back twice", () => set(cancelled, "status = 'failed'"), "missing_posting", "no payout_failed"],
  ["another amount", () => set(paid, "transfer_amount = transfer_amount + 1"), "wrong_posting", "payout_initiated"],
  ["another fee", () => set(paid, "fee_amount = 0"), "wrong_posting", "payout_succeeded"],
  ["another payer", () => set(paid, "channel_account_id = null"), "wrong_posting", "payout_succeeded"],
  ["another cost", () => set(paid, "cost_amount = 7"), "wrong_posting", "payout_succeeded"],
])("%s is found", async (_, change, code, words) => {
  const found = await findAfter(change());
  expect(found.some((one) => one.startsWith(code) && one.includes(words) && one.includes("po_"))).toBe(true);
});

test("a posting of a payout that is not there is found", async () => {
  const found = await findAfter((sql) => run(sql, "delete from payouts where id = $1", [idOf(waiting)]));
  expect(found).toEqual([expect.stringMatching(/^unexpected_posting payout_initiated of po_\w+ is posted/)]);
});
