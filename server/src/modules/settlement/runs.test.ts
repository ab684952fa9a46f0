// Guarantee: an operator sees how far settling is: what is due, what is late, what waits for a person, and what the last
// runs came to; a group in which one merchant cannot be settled settles the others.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { publicId } from "../../kit/id.ts";
import { run } from "../../ledger/testing/books.ts";
import { setReserve } from "../reserve/index.ts";
import { readRuns } from "./read-runs.ts";
import type { OnSettled } from "./services.ts";
import { runDueSettlements } from "./settle.ts";
import {
  amounts,
  balances,
  books,
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
  startMerchant,
  startTest,
} from "./testing/books.ts";

beforeAll(openSettlementBooks);
beforeEach(startTest);
afterAll(() => books.close());

const runs = (merchant_id: string | null = null) => readRuns(services, { merchant_id, limit: 100 });

test("runs are planned, due, late and done", async () => {
  await set("D+1");
  const first = key;
  await pay();
  await startMerchant();
  await set("D+1", { minimum_amount: 50_000n });
  await pay();
  await startMerchant();
  await set("on_request");
  expect(await runs()).toMatchObject({ planned: 2, on_request: 1, due: 0, late: 0, open: [] });
  clock.advance(14 * HOUR_MS + 60_000);
  expect(await runs()).toMatchObject({ planned: 0, due: 2, late: 0 });
  clock.advance(HOUR_MS);
  expect(await runs(first.merchant_id)).toMatchObject({
    ...{ planned: 0, on_request: 0, due: 0, late: 1 },
    open: [{ merchant: publicId("merchant", first.merchant_id), cycle: "D+1", state: "late", overdue_s: 3_660 }],
  });
  await drain();
  expect(await runs()).toMatchObject({
    ...{ planned: 2, due: 0, late: 0, open: [] },
    done_in_24_hours: { settled: 1, below_minimum: 1, nothing: 0, in_review: 0, done_before: 0 },
  });
  clock.advance(2 * DAY_MS);
  expect(await runs(first.merchant_id)).toMatchObject({ late: 1, done_in_24_hours: { settled: 0 } });
});

test("runs behind a review are shown as such", async () => {
  await set("D+1", { review_above: 0n });
  await pay();
  clock.advance(DAY_MS);
  await drain();
  expect(await runs()).toMatchObject({ waits_for_review: 0, done_in_24_hours: { in_review: 1 } });
  clock.advance(DAY_MS);
  await drain();
  expect(await runs()).toMatchObject({ waits_for_review: 1, open: [{ state: "waits_for_review" }] });
});

test("a merchant's currencies and modes are settled in one group, each by itself", async () => {
  const of = [key, { ...key, currency: "USD" }, { ...key, livemode: false }];
  for (const one of of) {
    await set("D+1", { calendar: "every_day" }, one);
    await pay({ livemode: one.livemode, amount: { amount: 10_000n, currency: one.currency } });
  }
  clock.advance(DAY_MS);
  expect(await drain()).toBe(1);
  for (const one of of) expect(await amounts(one)).toEqual([9_940n]);
});

test("a process that dies before the commit leaves nothing, and the run is done by another", async () => {
  await set("D+1");
  await setReserve(services, { ...key, rolling_rate_ppm: 100_000n, rolling_days: 1 });
  await pay();
  clock.advance(DAY_MS);
  const dying = { ...services, onSettled: () => Promise.reject(new Error("killed")) };
  await expect(runDueSettlements(dying, [key])).rejects.toThrow("killed");
  expect(await amounts()).toEqual([]);
  expect(await balances()).toEqual({ pending: 9_940n });
  const seen: bigint[] = [];
  const onSettled: OnSettled = async (_tx, made) => void seen.push(...made.map(({ amount }) => amount));
  await runDueSettlements({ ...services, onSettled }, [key]);
  await runDueSettlements({ ...services, onSettled }, [key]);
  expect(seen).toEqual([9_940n]);
  expect(await balances()).toEqual({ pending: 0n, available: 8_946n, reserve: 994n });
  await expectClean();
});

test("one that cannot be settled holds up nobody else of its group", async () => {
  const keys = [];
  for (const _ of [1, 2, 3, 4, 5]) {
    await startMerchant();
    await set("D+1");
    await pay();
    keys.push(key);
  }
  // Somebody took its calendar away.
  const broken = keys[1]!;
  await run(books.db, "update settlement_settings set calendar = 'nowhere' where merchant_id = $1", [
    broken.merchant_id,
  ]);
  clock.advance(DAY_MS);
  await expect(runDueSettlements(services, keys)).rejects.toThrow("settings are checked");
  for (const one of keys) expect(await amounts(one)).toEqual(one === broken ? [] : [9_940n]);
});
