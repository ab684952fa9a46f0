// Guarantee: a month is settled once and to the fen, debts and what is held are carried, a worker that dies at any step leaves
// nothing undone and nothing done twice, and verification finds what somebody changed.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Database } from "../../kit/sql/database.ts";
import { run, type TestBooks } from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { readLines, settleAgent } from "./index.ts";
import {
  balanceOf,
  betweenBooks,
  clock,
  DAY_ms,
  expectClean,
  makeAgent,
  makeMerchant,
  nextMonth,
  openWorld,
  pay,
  refund,
  services,
  settlementsOf,
  work,
} from "./testing/world.ts";

let books: TestBooks;

beforeAll(async () => {
  books = await openWorld();
});

afterAll(() => books.close());

test("three levels deep, to the fen: a month, a refund after it, and the next month", async () => {
  const top = await makeAgent(null, 3_800n);
  const middle = await makeAgent(top.id, 4_000n);
  const low = await makeAgent(middle.id, 4_500n);
  const merchant = await makeMerchant(low.id, 6_000n);
  const payment = await pay(merchant.id, 100_00n, "wechat.native", "pooled");
  await pay(merchant.id, 200_00n, "alipay.qr", "direct");
  await pay(merchant.id, 100_00n, "wechat.native", "pooled", false);
  await work();
  expect(await settlementsOf(low.id)).toEqual([]);

  nextMonth();
  await work();
  const [month] = await settlementsOf(low.id);
  expect(month).toMatchObject({ month: "2026-11", status: "settled", total: 45n, amount: 45n, carried_forward: 0n });
  expect((await settlementsOf(low.id, false))[0]).toMatchObject({ month: "2026-11", total: 15n });
  const drawn = [top, middle, low].map((agent) => balanceOf(agent.id, "merchant_available"));
  expect(await Promise.all(drawn)).toEqual([6n, 15n, 45n]);
  expect(await balanceOf(merchant.id, "commission_payable")).toBe(0n);
  const lines = [];
  for await (const one of readLines(books.db, month!.id)) lines.push(...one.lines);
  expect(lines.map((line) => [line.method, line.payment_amount, line.earned, line.returned])).toEqual([
    ["alipay.qr", 200_00n, 30n, 0n],
    ["wechat.native", 100_00n, 15n, 0n],
  ]);

  // CNY 40.00 go back, and a refund that fails comes and goes: the next month of the lowest is CNY -0.06.
  await refund(payment, 40_00n, false);
  await refund(payment, 10_00n, true);
  nextMonth();
  await work();
  expect((await settlementsOf(low.id))[0]).toMatchObject({
    month: "2026-12",
    total: -6n,
    amount: 0n,
    carried_forward: -6n,
  });
  expect(await balanceOf(low.id, "merchant_available")).toBe(45n);
  await expectClean();

  await pay(merchant.id, 100_00n, "wechat.native", "pooled");
  nextMonth();
  await work();
  const [last] = await settlementsOf(low.id);
  expect(last).toMatchObject({ month: "2027-01", total: 15n, brought_forward: -6n, amount: 9n, carried_forward: 0n });
  expect(await balanceOf(low.id, "merchant_available")).toBe(54n);
  expect(await betweenBooks()).toBe(0n);
  await expectClean();
});

test("a month is settled once, however often and by however many workers, and months that were left out follow", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchants = await Promise.all([1, 2, 3].map(() => makeMerchant(agent.id, 6_000n)));
  for (const { id } of merchants) await pay(id, 100_00n, "wechat.native", "pooled");
  clock.advance(93 * DAY_ms);
  for (const { id } of merchants) await pay(id, 100_00n, "wechat.native", "pooled");
  nextMonth();
  await Promise.all([work(), work(), work(), settleAgent(services, agent.id)]);
  await work();
  const settlements = await settlementsOf(agent.id);
  expect(new Set(settlements.map((one) => one.month)).size).toBe(settlements.length);
  expect(settlements.map((one) => one.total).filter((total) => total !== 0n)).toEqual([90n, 90n]);
  expect(settlements.every((one) => one.status === "settled")).toBe(true);
  expect(await balanceOf(agent.id, "merchant_available")).toBe(180n);
  await settleAgent(services, agent.id);
  expect(await settlementsOf(agent.id)).toHaveLength(settlements.length);
  await expectClean();
});

test("a worker that dies between any two transactions is followed by another, and nothing is lost or done twice", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchants = await Promise.all([1, 2].map(() => makeMerchant(agent.id, 6_000n)));
  for (let deadly = 1; deadly <= 4; deadly += 1) {
    for (const { id } of merchants) await pay(id, 100_00n, "wechat.native", "pooled");
    nextMonth();
    let begun = 0;
    const dying = {
      ...services,
      db: {
        ...books.db,
        transaction: ((use) => {
          begun += 1;
          return begun >= deadly ? Promise.reject(new Error("killed")) : books.db.transaction(use);
        }) as Database["transaction"],
      },
    };
    await work(dying);
    expect((await settlementsOf(agent.id)).filter((one) => one.status === "settled")).toHaveLength(deadly - 1);
    await expectClean();
    // The lease runs out.
    clock.advance(11 * 60_000);
    await work();
    expect((await settlementsOf(agent.id)).filter((one) => one.status === "settled")).toHaveLength(deadly);
    expect(await balanceOf(agent.id, "merchant_available")).toBe(60n * BigInt(deadly));
    expect(await betweenBooks()).toBe(0n);
    await expectClean();
  }
});

test("while credit to an agent's account is frozen its commission is held, and comes with the first month after it", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchant = await makeMerchant(agent.id, 6_000n);
  await pay(merchant.id, 100_00n, "wechat.native", "pooled");
  const values = [agent.id];
  await run(
    books.db,
    `insert into account_controls (merchant_id, livemode, currency, credit_frozen, updated_at)
     values ($1, true, 'CNY', true, now())`,
    values,
  );
  nextMonth();
  await work();
  expect((await settlementsOf(agent.id))[0]).toMatchObject({ total: 30n, amount: 0n, carried_forward: 30n });
  expect(await balanceOf(agent.id, "merchant_available")).toBe(0n);
  expect(await betweenBooks()).toBe(0n);
  await run(books.db, "update account_controls set credit_frozen = false where merchant_id = $1", values);
  nextMonth();
  await work();
  expect((await settlementsOf(agent.id))[0]).toMatchObject({ total: 0n, brought_forward: 30n, amount: 30n });
  expect(await balanceOf(agent.id, "merchant_available")).toBe(30n);
  await expectClean();
});

test("what one month leaves to the next is its own affair: the books of other modes and currencies are not touched", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchant = await makeMerchant(agent.id, 6_000n);
  await pay(merchant.id, 100_00n, "wechat.native", "pooled", false);
  nextMonth();
  await work();
  expect(await settlementsOf(agent.id)).toEqual([]);
  expect((await settlementsOf(agent.id, false))[0]).toMatchObject({ livemode: false, amount: 30n });
  expect(await balanceOf(agent.id, "merchant_available")).toBe(0n);
  expect(await balanceOf(agent.id, "merchant_available", false)).toBe(30n);
});

test.each([
  [
    "a part's amount",
    "update commission_parts set amount = amount + 1 where amount > 0",
    ["wrong_commission", "wrong_posting"],
  ],
  ["a part's range", "update commission_parts set first_number = first_number + 1 where amount > 0", ["wrong_range"]],
  ["a line", "update commission_lines set earned = earned + 1", ["wrong_commission"]],
  [
    "what the agent's book took",
    "update commission_settlements set total = total + 1, amount = amount + 1 where amount > 0",
    ["wrong_commission", "wrong_posting"],
  ],
  [
    "a member that never gave",
    "update commission_settlements set members = members || gen_random_uuid() where amount > 0",
    ["wrong_commission"],
  ],
  [
    "what the month before left",
    "update commission_settlements set brought_forward = brought_forward + 5, amount = amount + 5 where amount > 0",
    ["wrong_commission", "wrong_posting"],
  ],
  [
    "one side only",
    "delete from ledger_transactions where kind = 'commission_received'",
    ["missing_posting", "number_gap", "wrong_balance"],
  ],
])("verification finds that somebody changed %s", async (_, corruption, codes) => {
  const agent = await makeAgent(null, 3_000n);
  await pay((await makeMerchant(agent.id, 6_000n)).id, 100_00n, "wechat.native", "pooled");
  nextMonth();
  await work();
  const undone = new Error("undone on purpose");
  const corrupted = books.db.transaction(async (tx) => {
    await run(tx, "alter table ledger_transactions disable trigger user");
    await run(tx, corruption);
    const findings = await verifySnapshot(tx);
    expect([...new Set(findings.differences.map(({ code }) => code))].sort()).toEqual(codes);
    throw undone;
  });
  await expect(corrupted).rejects.toBe(undone);
});
