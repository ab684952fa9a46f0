// Guarantee: a prepaid balance is never below zero, a transfer is booked once, and what follows from the balance (a warning,
// a stop, going on) happens once for each crossing, whoever looks and however often; other processes know of a stop.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createStops } from "./stops.ts";
import { listBilling } from "./store.ts";
import {
  advance,
  bill,
  books,
  clock,
  DAY_MS,
  drain,
  events,
  expectClean,
  key,
  openBilledBooks,
  pay,
  refund,
  services,
  standing,
  startMerchant,
  startTest,
  topUp,
} from "./testing/books.ts";

beforeAll(openBilledBooks);
beforeEach(startTest);
afterAll(() => books.close());

const LOOK_MS = 15_000;
const prepaid = (more: object = {}) => bill({ collection: "prepaid", warn_below: 500n, stop_below: 0n, ...more });
const isStopped = async () => (await listBilling(books.db, key.merchant_id))[0]!.stopped_at !== null;

test("the warning, the stop and the going on are told once for each crossing", async () => {
  await prepaid();
  await topUp(1_000n);
  // Nothing was there when it was set.
  expect(await events()).toEqual(["service_fee.balance_low"]);
  await pay(40_000n);
  await advance(LOOK_MS);
  expect(await events()).toHaveLength(1);
  // 1,000 less 400 and 200 is below 500.
  await pay(20_000n);
  for (let look = 0; look < 3; look += 1) await advance(LOOK_MS);
  expect(await events()).toEqual(["service_fee.balance_low", "service_fee.balance_low"]);
  expect(await isStopped()).toBe(false);
  await pay(40_001n);
  await advance(LOOK_MS);
  expect(await isStopped()).toBe(false);
  await pay(100n);
  await Promise.all(Array.from({ length: 10 }, () => advance(LOOK_MS)));
  expect(await isStopped()).toBe(true);
  expect((await events()).slice(2)).toEqual(["service_fee.stopped"]);
  await topUp(1n);
  expect(await isStopped()).toBe(false);
  await topUp(10_000n);
  expect((await events()).slice(3)).toEqual(["service_fee.resumed"]);
  await expectClean();
});

test("it does not matter when fees are deducted: what is left is the same", async () => {
  await prepaid({ stop_below: -50n });
  await topUp(600n);
  await pay(64_000n);
  await advance(LOOK_MS);
  expect([await standing(), await isStopped()]).toEqual([{ prepaid: 600n, due: 640n }, false]);
  await advance(DAY_MS);
  expect([await standing(), await isStopped()]).toEqual([{ prepaid: 0n, due: 40n }, false]);
  await pay(1_100n);
  await advance(LOOK_MS);
  expect(await isStopped()).toBe(true);
  await expectClean();
});

test("a refund that gives fees back lets a merchant go on", async () => {
  await prepaid({ warn_below: null });
  await topUp(100n);
  const payment = await pay(20_000n);
  await advance(LOOK_MS);
  expect(await isStopped()).toBe(true);
  await refund(payment);
  await advance(LOOK_MS);
  expect(await isStopped()).toBe(false);
  expect(await events()).toEqual(["service_fee.stopped", "service_fee.resumed"]);
});

test("a transfer is booked once, and what is left can go back, not more", async () => {
  await prepaid({ warn_below: null, stop_below: null });
  const same = await Promise.all(Array.from({ length: 10 }, () => topUp(1_000n, { reference: "same" })));
  expect(new Set(same.map(({ id }) => id)).size).toBe(1);
  await expect(topUp(999n, { reference: "same" })).rejects.toMatchObject({ code: "service_fee.reference_used" });
  await pay(30_000n);
  expect(await standing()).toEqual({ prepaid: 1_000n, due: 300n });
  await expect(topUp(701n, { kind: "return" })).rejects.toMatchObject({ code: "service_fee.prepaid_insufficient" });
  const back = await Promise.allSettled(Array.from({ length: 10 }, () => topUp(100n, { kind: "return" })));
  expect(back.filter(({ status }) => status === "fulfilled")).toHaveLength(7);
  expect(await standing()).toEqual({ prepaid: 300n, due: 300n });
  await advance(DAY_MS);
  expect(await standing()).toEqual({ prepaid: 0n, due: 0n });
  await expectClean();
});

test("who is not billed has no prepaid balance to pay into", async () => {
  await expect(topUp(1n)).rejects.toMatchObject({ code: "service_fee.billing_missing" });
});

test.each([
  [{ due_days: 366 }, /whole number from 0 to 365/],
  [{ currency: "XYZ" }, /is no currency/],
  [{ collection: "bank", warn_below: 1n }, /Only a prepaid balance/],
  [{ collection: "prepaid", warn_below: 1n, stop_below: 2n }, /warning must come before the stop/],
] as const)("billing that makes no sense is refused: %o", async (more, sentence) => {
  await expect(bill(more as never)).rejects.toMatchObject({
    code: "service_fee.billing_invalid",
    message: expect.stringMatching(sentence),
  });
});

test("another process knows who is stopped, and forgets it when they go on or are billed otherwise", async () => {
  const stops = createStops(services);
  await stops.start();
  const until = async (wanted: boolean) => {
    for (let tries = 0; tries < 200 && stops.isStopped(key) !== wanted; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return stops.isStopped(key);
  };
  try {
    expect(stops.isStopped(key)).toBe(false);
    await prepaid();
    await drain();
    await pay(100n);
    await advance(LOOK_MS);
    expect(await until(true)).toBe(true);
    expect([stops.isStopped({ ...key, livemode: false }), stops.isStopped({ ...key, currency: "USD" })]).toEqual([
      false,
      false,
    ]);
    const late = createStops(services);
    await late.start();
    expect(late.isStopped(key)).toBe(true);
    await late.stop();
    await topUp(1_000n);
    expect(await until(false)).toBe(false);
    await pay(200_000n);
    await advance(LOOK_MS);
    expect(await until(true)).toBe(true);
    await bill({ collection: "bank" });
    expect(await until(false)).toBe(false);
    expect(clock.now()).toBeGreaterThan(0);
  } finally {
    await stops.stop();
  }
});

test("hundreds of balances are looked at together, each by itself", async () => {
  const keys: (typeof key)[] = [];
  for (let index = 0; index < 210; index += 1) {
    await startMerchant();
    keys.push(key);
  }
  await Promise.all(keys.map((of) => bill({ ...of, collection: "prepaid", stop_below: 0n })));
  for (const [index, of] of keys.entries()) {
    if (index % 50 === 0) await pay(100n, { merchant_id: of.merchant_id });
  }
  await advance(LOOK_MS);
  const stopped = await Promise.all(
    keys.map(async ({ merchant_id }) => (await listBilling(books.db, merchant_id))[0]!.stopped_at !== null),
  );
  expect(stopped.flatMap((is, index) => (is ? [index] : []))).toEqual([0, 50, 100, 150, 200]);
}, 60_000);

test("a notification that was lost is made up for within half a minute", async () => {
  const deaf = { ...services, db: { ...services.db, listen: async () => ({ close: async () => undefined }) } };
  const stops = createStops(deaf);
  await stops.start();
  await prepaid();
  await pay(100n);
  await advance(LOOK_MS);
  expect(stops.isStopped(key)).toBe(false);
  clock.advance(31_000);
  for (let tries = 0; tries < 200 && !stops.isStopped(key); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(stops.isStopped(key)).toBe(true);
  await stops.stop();
});

test("transfers and collections at once neither lose nor double anything", async () => {
  await prepaid({ warn_below: null, stop_below: null });
  for (let day = 0; day < 3; day += 1) {
    await pay(100_000n);
    await advance(DAY_MS);
  }
  expect(await standing()).toEqual({ prepaid: 0n, due: 3_000n });
  const transfers = Array.from({ length: 12 }, (_, index) => topUp(100n, { reference: `at-once-${index}` }));
  await Promise.all([...transfers, ...Array.from({ length: 8 }, () => drain())]);
  await drain();
  expect(await standing()).toEqual({ prepaid: 0n, due: 1_800n });
  await topUp(2_000n);
  await drain();
  expect(await standing()).toEqual({ prepaid: 200n, due: 0n });
  expect((await events()).filter((type) => type === "service_fee_invoice.paid")).toHaveLength(3);
  await expectClean();
});
