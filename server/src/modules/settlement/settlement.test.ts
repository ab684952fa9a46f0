// Guarantee: what became pending up to a cut-off becomes available once, whoever settles, how often and at the same time;
// what refunds have drawn meanwhile is carried; days that an outage left out are made up for; and each app is told.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemRandom } from "../../kit/random.ts";
import { accountOf, reverse, setMinimum } from "../../ledger/index.ts";
import { run } from "../../ledger/testing/books.ts";
import { createApp } from "../merchant/index.ts";
import { loadCalendar } from "./calendars.ts";
import { createSettlementWorker } from "./jobs.ts";
import { setSettlementSettings } from "./settings.ts";
import { runDueSettlements, runSettlement } from "./settle.ts";
import { claimDueSettings } from "./store.ts";
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
  refund,
  services,
  set,
  settlements,
  startMerchant,
  startTest,
} from "./testing/books.ts";

beforeAll(openSettlementBooks);
beforeEach(startTest);
afterAll(() => books.close());

describe("by cycle", () => {
  test("D+1 settles each day at its time, once, with its payments, refunds and fees", async () => {
    expect(await set("D+1")).toMatchObject({ calendar: "every_day", run_minute: 120 });
    const noon = clock.now();
    const first = await pay();
    await pay({ amount: { amount: 5_000n, currency: "CNY" }, fee: 30n });
    await refund(first);
    await refund(first, { amount: { amount: 100n, currency: "CNY" }, fee: 1n }, "failed");
    expect(await drain()).toBe(0);
    // 01:59 of the next day: after the cut-off, before the time. What is paid now is of the new day.
    clock.advance(14 * HOUR_MS - 60_000);
    await pay();
    expect(await drain()).toBe(0);
    clock.advance(60_000);
    expect(await drain()).toBe(1);
    const [settlement] = await settlements();
    expect(settlement).toMatchObject({
      ...{ cycle: "D+1", cut_off_at: noon + 12 * HOUR_MS, first_number: 1n, last_number: 5n },
      ...{ payment_count: 2n, payment_amount: 15_000n, refund_count: 3n, refund_amount: -5_000n },
      ...{ adjustment_count: 0n, adjustment_amount: 0n, fee_amount: -60n, from_available: 0n },
      ...{ brought_forward: 0n, carried_forward: 0n, amount: 9_940n },
    });
    expect(await balances()).toEqual({ pending: 9_940n, available: 9_940n });
    expect(await drain()).toBe(0);
    await runDueSettlements(services, [key]);
    clock.advance(DAY_MS);
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([9_940n, 9_940n]);
    await expectClean();
  });

  test("a weekend waits for Monday, and days that an outage left out are made up for, each by itself", async () => {
    await set("T+1");
    await pay();
    for (let day = 0; day < 5; day += 1) {
      clock.advance(DAY_MS);
      await pay();
    }
    // Wednesday noon: the runs of Monday, Tuesday and Wednesday are due.
    expect(await drain()).toBe(3);
    expect(await amounts()).toEqual([3n, 1n, 1n].map((count) => count * 9_940n));
    expect(await balances()).toEqual({ pending: 9_940n, available: 5n * 9_940n });
    await expectClean();
  });

  test("the day ends at midnight of the merchant's own time zone", async () => {
    await startMerchant("America/New_York");
    const settings = await set("D+1");
    await pay();
    const midnight = settings.due_at! - 2 * HOUR_MS;
    expect(new Date(midnight).toISOString()).toMatch(/T05:00:00.000Z$/);
    clock.advance(midnight - 1 - clock.now());
    await pay();
    clock.advance(1);
    await pay();
    clock.advance(2 * HOUR_MS);
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([2n * 9_940n]);
  });

  test("T+0 settles each workday up to its moment; what is paid on a weekend is settled on Monday", async () => {
    expect(await set("T+0")).toMatchObject({
      run_minute: 23 * 60,
      next_day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    await pay();
    clock.advance(11 * HOUR_MS - 1);
    expect(await drain()).toBe(0);
    await pay();
    clock.advance(1);
    // What is booked in that very moment, and later, is in the next.
    await pay();
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([2n * 9_940n]);
    clock.advance(DAY_MS);
    await pay();
    clock.advance(DAY_MS);
    expect(await drain()).toBe(0);
    clock.advance(DAY_MS);
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([2n * 9_940n, 2n * 9_940n]);
    await expectClean();
  });

  test("less than the minimum waits and is settled with what follows", async () => {
    await set("D+1", { minimum_amount: 15_000n });
    await pay();
    clock.advance(DAY_MS);
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([]);
    await pay();
    clock.advance(DAY_MS);
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([2n * 9_940n]);
  });

  test("a calendar that is loaded later moves what is planned already", async () => {
    const settings = await set("T+1", { calendar: "china" });
    const { next_day } = settings;
    await pay();
    const arrangement = { year: Number(next_day!.slice(0, 4)), source: "test", workdays: [], holidays: [next_day!] };
    await loadCalendar(services, { ...arrangement, calendar: "elsewhere" });
    await set("T+1", { calendar: "elsewhere" });
    await loadCalendar(services, { ...arrangement, calendar: "elsewhere", holidays: [] });
    expect(await set("T+1", { calendar: "elsewhere" })).toMatchObject({ next_day });
    await loadCalendar(services, { ...arrangement, calendar: "elsewhere" });
    clock.advance(settings.due_at! - clock.now());
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([]);
    clock.advance(4 * DAY_MS);
    expect(await drain()).toBeGreaterThan(0);
    expect(await amounts()).toEqual([9_940n]);
  });

  test("what cannot be settings is refused by a sentence", async () => {
    const refused = (input: object, sentence: string) =>
      expect(setSettlementSettings(services, { ...key, cycle: "T+1", ...input })).rejects.toThrow(sentence);
    await refused({ cycle: "T+one" }, "is no cycle");
    await refused({ calendar: "atlantis" }, 'no calendar "atlantis"');
    await refused({ run_at: "25:00" }, "no time of day");
    await refused({ minimum_amount: -1n }, "below zero");
    await refused({ currency: "XXY" }, "no currency");
    await expect(runSettlement(services, key)).rejects.toMatchObject({ code: "settlement.settings_missing" });
  });
});

describe("once", () => {
  test("a worker that dies after its claim is followed by another when its lease has run out", async () => {
    await set("D+1");
    await pay();
    clock.advance(DAY_MS);
    expect(await claimDueSettings(books.db, clock.now(), clock.now() + 300_000, 10)).toEqual([key]);
    expect(await drain()).toBe(0);
    clock.advance(300_000);
    expect(await drain()).toBe(1);
    expect(await amounts()).toEqual([9_940n]);
  });

  test("twenty workers and people at once settle once", async () => {
    await set("D+1");
    await pay();
    clock.advance(DAY_MS);
    const runs = Array.from({ length: 10 }, () => [
      runDueSettlements(services, [key]),
      createSettlementWorker(services).drain(),
      runSettlement(services, key),
    ]);
    await Promise.all(runs.flat());
    expect((await amounts()).reduce((sum, amount) => sum + amount, 0n)).toBe(9_940n);
    expect(await balances()).toEqual({ pending: 0n, available: 9_940n });
    await expectClean();
  });

  test("payments go on while the merchant is settled, and each is in one batch", async () => {
    await set("on_request");
    const work = Array.from({ length: 60 }, async (_, index) => {
      clock.advance(1);
      await pay();
      if (index % 6 === 0) await runSettlement(services, key);
    });
    await Promise.all(work);
    clock.advance(1);
    await runSettlement(services, key);
    expect((await settlements()).reduce((sum, one) => sum + one.payment_count, 0n)).toBe(60n);
    expect(await balances()).toEqual({ pending: 0n, available: 60n * 9_940n });
    await expectClean();
  });

  test("money of the other mode, of another currency and in direct mode is left alone", async () => {
    await set("on_request");
    await pay({ livemode: false });
    await pay({ amount: { amount: 10_000n, currency: "USD" } });
    await pay({ funding_mode: "direct" });
    clock.advance(1);
    expect(await runSettlement(services, key)).toBeUndefined();
    const dollars = { ...key, currency: "USD" };
    await set("on_request", {}, dollars);
    expect(await runSettlement(services, dollars)).toMatchObject({ amount: 9_940n, payment_count: 1n });
    expect(await balances(dollars)).toEqual({ pending: 0n, available: 9_940n });
    await expectClean();
  });
});

describe("refunds", () => {
  test("after the cut-off hold back what they have drawn, and it is carried to the next batch", async () => {
    await set("D+1");
    const payment = await pay();
    clock.advance(13 * HOUR_MS);
    await refund(payment);
    clock.advance(2 * HOUR_MS);
    await drain();
    expect((await settlements())[0]).toMatchObject({ amount: 4_970n, carried_forward: 4_970n });
    await pay();
    clock.advance(DAY_MS);
    await drain();
    expect((await settlements())[1]).toMatchObject({
      ...{ brought_forward: 4_970n, payment_amount: 10_000n, refund_amount: -5_000n, fee_amount: -30n },
      ...{ amount: 9_940n, carried_forward: 0n },
    });
    await expectClean();
  });

  test("after the settlement are paid by what is available, and a batch says so", async () => {
    await set("on_request");
    const payment = await pay();
    clock.advance(1);
    await runSettlement(services, key);
    await pay({ amount: { amount: 1_000n, currency: "CNY" }, fee: 0n });
    expect(await refund(payment)).toBe("refused");
    expect(await refund(payment, { from_available: 3_970n })).toBe("posted");
    expect(await balances()).toEqual({ pending: 0n, available: 5_970n });
    await pay();
    clock.advance(1);
    expect(await runSettlement(services, key)).toMatchObject({
      ...{ payment_amount: 11_000n, refund_amount: -5_000n, fee_amount: -30n, from_available: 3_970n },
      ...{ amount: 9_940n, carried_forward: 0n },
    });
    await expectClean();
  });
});

test("a balance below zero, by a credit line, is carried until payments have made up for it", async () => {
  await set("D+1");
  await books.db.transaction((tx) => setMinimum(tx, key, accountOf("merchant_pending", "CNY"), -10_000n));
  const payment = await pay();
  clock.advance(DAY_MS);
  await drain();
  expect(await refund(payment)).toBe("posted");
  expect(await balances()).toEqual({ pending: -4_970n, available: 9_940n });
  clock.advance(DAY_MS);
  await drain();
  expect(await amounts()).toEqual([9_940n]);
  await pay();
  clock.advance(DAY_MS);
  await drain();
  expect((await settlements())[1]).toMatchObject({ refund_count: 1n, refund_amount: -5_000n, amount: 4_970n });
  expect(await balances()).toEqual({ pending: 0n, available: 9_940n + 4_970n });
  await expectClean();
});

test("a batch that is taken back becomes pending again, and is a correction in the next", async () => {
  await set("on_request");
  await pay();
  clock.advance(1);
  const wrong = await runSettlement(services, key);
  const reversed = { merchant_id: key.merchant_id, kind: "settlement_created", source_id: wrong!.id } as const;
  const correction = { kind: "reversal", source_id: randomUUID(), occurred_at: clock.now() } as const;
  await books.db.transaction((tx) => reverse(tx, reversed, { ...correction, on_shortfall: "throw" }, clock.now()));
  expect(await balances()).toEqual({ pending: 9_940n, available: 0n });
  clock.advance(1);
  expect(await runSettlement(services, key)).toMatchObject({
    ...{ payment_count: 0n, adjustment_count: 1n, adjustment_amount: 0n, from_available: 9_940n, amount: 9_940n },
  });
  await expectClean();
});

test("a refund that neither balance can pay is refused", async () => {
  await set("on_request");
  const payment = await pay();
  clock.advance(1);
  await runSettlement(services, key);
  expect(await refund(payment, { from_available: 4_970n })).toBe("posted");
  expect(await refund(payment, { from_available: 4_970n })).toBe("posted");
  expect(await refund(payment, { from_available: 4_970n })).toBe("refused");
  expect(await balances()).toEqual({ pending: 0n, available: 0n });
  await expectClean();
});

test("every app that works is told of a settlement", async () => {
  const { app } = await createApp(
    { ...services, sql: books.db, random: systemRandom, envelope: { seal: () => Buffer.from("x") } as never },
    { merchant_id: key.merchant_id, name: randomUUID() },
  );
  await set("on_request");
  await pay();
  clock.advance(1);
  const settlement = await runSettlement(services, key);
  const events = await run<{ app_id: string; type: string; object_id: string }>(
    books.db,
    "select app_id, type, object_id from events where merchant_id = $1",
    [key.merchant_id],
  );
  expect(events).toEqual([{ app_id: app.id, type: "settlement.created", object_id: settlement!.id }]);
});
