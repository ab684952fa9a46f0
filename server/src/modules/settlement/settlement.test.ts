// Guarantee: what became pending up to a cut-off becomes available once, whoever settles, how often and at the same time;
// batches leave nothing out and sum exactly; what refunds have drawn meanwhile is carried; days an outage left out are
// made up for; and verification finds each way in which settlements and books can differ.
import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { createIdSource } from "../../kit/id.ts";
import { createLogger } from "../../kit/log.ts";
import { systemRandom } from "../../kit/random.ts";
import {
  type BookedRefund,
  getBalances,
  type NewPosting,
  type PaidAttempt,
  paymentPosting,
  post,
  refundFailedPosting,
  refundInitiatedPosting,
  verify,
} from "../../ledger/index.ts";
import {
  insertPayment,
  insertRefund,
  openTestBooks,
  paid,
  refundOf,
  run,
  type TestBooks,
} from "../../ledger/testing/books.ts";
import { verifySnapshot } from "../../ledger/verify/verify.ts";
import { createApp, createMerchant } from "../merchant/index.ts";
import { loadCalendar } from "./calendars.ts";
import { createSettlementWorker } from "./jobs.ts";
import { readItems } from "./read-settlement.ts";
import type { SettlementServices } from "./services.ts";
import { setSettlementSettings } from "./settings.ts";
import { runDueSettlement, runSettlement } from "./settle.ts";
import { netOf, type Settlement, type SettlementKey } from "./settlement.ts";
import { listSettlements } from "./store.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Friday, 12:00 in Shanghai. */
const START_MS = Date.UTC(2026, 10, 20, 4);

const clock = createManualClock(START_MS);
let books: TestBooks;
let services: SettlementServices;
let key: SettlementKey;

beforeAll(async () => {
  books = await openTestBooks();
  const ids = createIdSource(clock, systemRandom);
  services = { db: books.db, clock, ids, log: createLogger("silent"), kick: { webhooks() {} } };
});
beforeEach(async () => {
  // Each test has a Friday noon of its own, and no earlier merchant is due.
  const week_ms = 7 * DAY_MS;
  clock.advance(week_ms - ((clock.now() - START_MS) % week_ms));
  await run(books.db, "delete from settlement_settings");
  key = { merchant_id: await makeMerchant(), livemode: true, currency: "CNY" };
});
afterAll(() => books.close());

async function makeMerchant(time_zone = "Asia/Shanghai"): Promise<string> {
  return (await createMerchant({ ...services, sql: books.db }, { name: "茶馆", time_zone })).id;
}

const set = (cycle: string, more: object = {}, of = key) => setSettlementSettings(services, { ...of, cycle, ...more });

async function write(posting: NewPosting): Promise<string> {
  const [result] = await books.db.transaction((tx) => post(tx, [posting], clock.now()));
  return result!.kind;
}

/** A payment in the merchant's book, with its rows. */
async function pay(more: Partial<PaidAttempt> = {}): Promise<{ payment_id: string; attempt: PaidAttempt }> {
  const attempt = paid({ ...key, occurred_at: clock.now(), ...more });
  const payment_id = await insertPayment(books.db, attempt);
  expect(await write(paymentPosting(attempt))).toBe("posted");
  return { payment_id, attempt };
}

/** Half of a payment goes back, if the book has it. */
async function refund(
  { payment_id, attempt }: Awaited<ReturnType<typeof pay>>,
  more: Partial<BookedRefund> = {},
  status: "unknown" | "failed" = "unknown",
): Promise<string> {
  const booked = { ...refundOf(attempt), ...more };
  const written = await write(refundInitiatedPosting(booked));
  if (written !== "posted") return written;
  await insertRefund(books.db, payment_id, attempt, booked, status);
  await run(books.db, "update refunds set from_available = $2 where id = $1", [
    booked.refund_id,
    booked.from_available,
  ]);
  if (status === "failed") return write(refundFailedPosting(booked));
  await run(books.db, "update payments set refunding_amount = refunding_amount + $2 where id = $1", [
    payment_id,
    booked.amount.amount,
  ]);
  return written;
}

const drain = () => createSettlementWorker(services).drain();
const page = { older_than: null, newer_than: null, order: "asc", fetch: 1_000, limit: 999 } as const;
/** In the order of the book: the clock stands still, so ids of one moment have none. */
const settlements = async (of = key) =>
  (await listSettlements(books.db, { ...of, page })).sort((a, b) => Number(a.first_number - b.first_number));
const amounts = async () => (await settlements()).map(({ amount }) => amount);

async function balances(of = key): Promise<Record<string, bigint>> {
  const found = await getBalances(books.db, of);
  const shown = found.filter(({ kind, currency }) => kind.startsWith("merchant_") && currency === of.currency);
  return Object.fromEntries(shown.map(({ kind, balance }) => [kind.replace("merchant_", ""), balance]));
}

async function expectClean(): Promise<void> {
  expect((await verify(books.db)).differences).toEqual([]);
}

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
    await runDueSettlement(services, key);
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
    key = { ...key, merchant_id: await makeMerchant("America/New_York") };
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
  test("twenty workers and people at once settle once", async () => {
    await set("D+1");
    await pay();
    clock.advance(DAY_MS);
    const runs = Array.from({ length: 10 }, () => [
      runDueSettlement(services, key),
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

type Step = { kind: "pay" | "refund" | "day" | "settle"; amount: bigint };

test("whatever happens in whatever order, batches and their items sum to the books", async () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom<Step["kind"]>("pay", "pay", "refund", "day", "settle"),
      amount: fc.bigInt({ min: 1n, max: 20_000n }),
    }),
    { minLength: 5, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(steps, fc.constantFrom("D+1", "T+1", "D+2", "on_request"), async (list, cycle) => {
      key = { ...key, merchant_id: await makeMerchant() };
      await set(cycle);
      const payments: Awaited<ReturnType<typeof pay>>[] = [];
      for (const step of list) await take(step, payments);
      await checkSums();
    }),
    { numRuns: 15 },
  );
  await expectClean();
}, 120_000);

async function take({ kind, amount }: Step, payments: Awaited<ReturnType<typeof pay>>[]): Promise<void> {
  clock.advance(HOUR_MS);
  if (kind === "pay") payments.push(await pay({ amount: { amount, currency: "CNY" }, fee: amount / 100n }));
  if (kind === "day") clock.advance(DAY_MS);
  if (kind === "settle") await runSettlement(services, key);
  const refunded = kind === "refund" ? payments.pop() : undefined;
  if (refunded) {
    const { pending = 0n } = await balances();
    const owed = refunded.attempt.amount.amount / 2n - refunded.attempt.fee / 2n;
    if (owed > 0n) await refund(refunded, { from_available: owed > pending ? owed - pending : 0n });
  }
  await drain();
}

async function checkSums(): Promise<void> {
  let [next, carried, settled, net] = [1n, 0n, 0n, 0n];
  for (const settlement of await settlements()) {
    expect([settlement.first_number, settlement.brought_forward]).toEqual([next, carried]);
    await checkItems(settlement);
    next = settlement.last_number + 1n;
    carried = settlement.carried_forward;
    settled += settlement.amount;
    net += netOf(settlement);
  }
  expect(net).toBe(settled + carried);
}

async function checkItems(settlement: Settlement): Promise<void> {
  const items = (await readItems(services, settlement, page)).map(({ change }) => change);
  const numbers = items.map(({ number }) => number);
  expect(numbers.every((number) => number >= settlement.first_number && number <= settlement.last_number)).toBe(true);
  const sum = (pick: (item: (typeof items)[number]) => bigint) => items.reduce((total, item) => total + pick(item), 0n);
  expect({
    count: BigInt(items.length),
    fee_amount: sum(({ fee }) => fee),
    net: sum(({ amount, fee, from_available }) => amount + fee + from_available),
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
