// Guarantee: a page of commission is full as long as there is more, whatever settled it in between.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestBooks } from "../../ledger/testing/books.ts";
import { listChanges } from "./read-changes.ts";
import { makeAgent, makeMerchant, nextMonth, openWorld, pay, services, work } from "./testing/world.ts";

let books: TestBooks;
beforeAll(async () => {
  books = await openWorld();
});
afterAll(() => books.close());

test("months that were settled in between take no place in a page", async () => {
  const agent = await makeAgent(null, 3_000n);
  const merchant = await makeMerchant(agent.id, 6_000n);
  for (let month = 1; month <= 3; month += 1) {
    await pay(merchant.id, BigInt(month) * 10_000n, "wechat.native", "pooled");
    nextMonth();
    await work();
  }
  const range = { merchant_id: merchant.id, agent_id: agent.id, livemode: true, currency: "CNY" };
  const all = { ...range, first_number: 1n, last_number: 2n ** 62n };
  const amounts = async (order: "asc" | "desc", limit: number) =>
    (await listChanges(services.db, all, limit, order)).map(({ amount }) => amount);
  expect(await amounts("desc", 2)).toEqual([90n, 60n]);
  expect(await amounts("asc", 2)).toEqual([30n, 60n]);
  expect(await amounts("asc", 3)).toEqual([30n, 60n, 90n]);
  expect(await amounts("desc", 4)).toEqual([90n, 60n, 30n]);
});
