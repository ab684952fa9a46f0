// Guarantee: of a day's bill and books, exactly what they say differently is found, typed as what it is; the same again gives
// the same; and an item that has its pair on another day is paired with it.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { DayKey } from "./reconciliation.ts";
import {
  at,
  attempt,
  bookFindings,
  DAY_MS,
  differences,
  finishRefund,
  lineOf,
  loadLines,
  match,
  numberOf,
  openAccount,
  openMerchant,
  openWorld,
  type Paid,
  pay,
  refund,
  refundLineOf,
  succeed,
  today,
  type World,
} from "./testing/days.ts";

let world: World;
let channel_account_id: string;
let merchant_id: string;
let key: DayKey;
let next: DayKey;

beforeAll(async () => {
  world = await openWorld();
});
beforeEach(async () => {
  world.clock.advance(3 * DAY_MS);
  channel_account_id = await openAccount(world);
  merchant_id = await openMerchant(world);
  key = { channel_account_id, day: today(world) };
  next = { channel_account_id, day: new Date(Date.parse(key.day) + DAY_MS).toISOString().slice(0, 10) };
});
afterAll(() => world.close());

const payOne = (more: object = {}) => pay(world, { merchant_id, channel_account_id, ...more });
const no = ({ attempt: { attempt_id } }: Paid) => numberOf(attempt_id);

describe("a day", () => {
  test("on which bill and books agree has no difference, and figures of both sides", async () => {
    const [first, second] = [await payOne(), await payOne({ amount: { amount: 5_000n, currency: "CNY" }, cost: 0n })];
    const back = await refund(world, first);
    await loadLines(world, key, [refundLineOf(first, back), lineOf(second), lineOf(first)]);
    const day = await match(world, key);
    expect(await differences(world, key)).toEqual([]);
    const side = { payments: { count: 2, amount: "15000" }, refunds: { count: 1, amount: "-5000" }, fee: "19" };
    expect(day).toMatchObject({
      state: "matched",
      totals: { matched: 3, figures: [{ currency: "CNY", channel: side, ours: side }] },
    });
    expect(await match(world, key)).toMatchObject({ state: "matched", totals: day!.totals! });
    expect(await bookFindings(world)).toEqual([]);
  });

  test("types each difference, and the same again finds the same", async () => {
    const paid = [
      await payOne(),
      await payOne(),
      await payOne(),
      await payOne(),
      await payOne(),
      await payOne(),
      await payOne(),
    ] as const;
    const [agreed, amount, currency, fee, small, twice, revoked] = paid;
    const missing = await payOne();
    const closed = await attempt(world, { merchant_id, channel_account_id }, "closed");
    const back = await refund(world, agreed, {}, "sent");
    const elsewhere = await pay(world, { merchant_id, channel_account_id: await openAccount(world) });
    await loadLines(world, key, [
      ...[lineOf(agreed), lineOf(amount, { amount: 9_999n }), lineOf(currency, { currency: "USD" })],
      ...[lineOf(fee, { fee: 60n }), lineOf(small, { fee: 39n }), lineOf(twice), lineOf(twice)],
      ...[lineOf(revoked, { status: "revoked" }), lineOf(closed), refundLineOf(agreed, back), lineOf(elsewhere)],
      lineOf(agreed, { our_no: "ORDER-1" }),
      lineOf(agreed, { entry: "refund", our_no: "REFUND-1", original_our_no: no(agreed), amount: -1n }),
      lineOf(agreed, { our_no: null, channel_trade_no: "999" }),
    ]);
    const day = await match(world, key);
    const found = await differences(world, key);
    expect(found).toEqual(
      [
        ...[
          `amount open ${no(amount)}`,
          `currency open ${no(currency)}`,
          `fee open ${no(fee)}`,
          `fee booked ${no(small)}`,
        ],
        ...[`duplicate open ${no(twice)}`, `status open ${no(revoked)}`, `status open ${no(closed)}`],
        ...[`ours_only carried ${no(missing)}`, `refund_missing open ${numberOf(back.refund_id)}`],
        ...[`unknown_number open ${no(elsewhere)}`, "unknown_number open ORDER-1", "refund_missing open REFUND-1"],
        "channel_only open 999",
      ].sort(),
    );
    expect(day).toMatchObject({ state: "open", totals: { matched: 2 } });
    await match(world, key);
    expect(await differences(world, key)).toEqual(found);
  });

  test("does not take an order that was paid and reversed within the bill for a difference", async () => {
    const reversed = await attempt(world, { merchant_id, channel_account_id }, "closed");
    const ended = await attempt(world, { merchant_id, channel_account_id }, "closed");
    const back = { status: "revoked", amount: -10_000n, fee: -38n } as const;
    await loadLines(world, key, [lineOf(reversed), lineOf(reversed, back), lineOf(ended, { status: "closed" })]);
    expect(await match(world, key)).toMatchObject({ state: "matched" });
    expect(await differences(world, key)).toEqual([]);
  });

  test("of a merchant's own account does not question what the channel takes", async () => {
    channel_account_id = await openAccount(world, {}, merchant_id);
    key = { ...key, channel_account_id };
    const direct = await payOne({ funding_mode: "direct" });
    await loadLines(world, key, [lineOf(direct, { fee: 60n })]);
    expect(await match(world, key)).toMatchObject({ state: "matched", totals: { matched: 1 } });
  });

  test("finds ours by the channel's number where the line bears no other", async () => {
    const one = await payOne();
    const { run } = await import("../../ledger/testing/books.ts");
    await run(world.books.db, "update attempts set channel_trade_no = '4200x' where id = $1", [one.attempt.attempt_id]);
    await loadLines(world, key, [lineOf(one, { our_no: null, channel_trade_no: "4200x" })]);
    expect(await match(world, key)).toMatchObject({ state: "matched", totals: { matched: 1 } });
  });

  test("is matched by the newest bill", async () => {
    const [first, second] = [await payOne(), await payOne()];
    await loadLines(world, key, [lineOf(first), lineOf(first, { our_no: "X" })]);
    await match(world, key);
    expect(await differences(world, key)).toHaveLength(2);
    const { bill, former } = await loadLines(world, key, [lineOf(first), lineOf(second)]);
    expect([bill.version, former?.version]).toEqual([2, 1]);
    expect(await match(world, key)).toMatchObject({ state: "matched", totals: { matched: 2 } });
    expect(await differences(world, key)).toEqual([]);
  });
});

describe("around midnight", () => {
  test("a payment that the channel has on the next day is carried, and paired there", async () => {
    const late = await payOne({ occurred_at: at(key.day, DAY_MS - 1_000) });
    await loadLines(world, key, []);
    expect(await match(world, key)).toMatchObject({ state: "matched" });
    expect(await differences(world, key)).toEqual([`ours_only carried ${no(late)}`]);
    await loadLines(world, next, [lineOf(late, { occurred_at: at(next.day, 1_000) })]);
    expect(await match(world, next)).toMatchObject({ state: "matched" });
    expect(await differences(world, key)).toEqual([`cross_day paired ${no(late)}`]);
    expect(await differences(world, next)).toEqual([`cross_day paired ${no(late)}`]);
    // The same again, in any order.
    await match(world, next);
    await match(world, key);
    await match(world, next);
    expect(await differences(world, key)).toEqual([`cross_day paired ${no(late)}`]);
    expect(await differences(world, next)).toEqual([`cross_day paired ${no(late)}`]);
  });

  test("one that the channel has on the day before waits for our day", async () => {
    const early = await payOne({ occurred_at: at(next.day, 1_000) });
    await loadLines(world, key, [lineOf(early, { occurred_at: at(key.day, DAY_MS - 1_000) })]);
    expect(await match(world, key)).toMatchObject({ state: "matched" });
    expect(await differences(world, key)).toEqual([`cross_day carried ${no(early)}`]);
    await loadLines(world, next, []);
    await match(world, next);
    expect(await differences(world, key)).toEqual([`cross_day paired ${no(early)}`]);
  });

  test("a refund whose result came a day later is late, and one that does not agree is a difference of its own", async () => {
    const one = await payOne();
    const back = await refund(world, one, {}, "sent");
    await loadLines(world, key, [lineOf(one), refundLineOf(one, back, { status: "pending" })]);
    expect(await match(world, key)).toMatchObject({ state: "matched" });
    expect(await differences(world, key)).toEqual([`refund_missing carried ${numberOf(back.refund_id)}`]);
    world.clock.advance(DAY_MS);
    await finishRefund(world, one, { ...back, occurred_at: world.clock.now() });
    const other = await payOne({ occurred_at: at(key.day, 1) });
    await loadLines(world, next, [lineOf(other, { amount: 1n })]);
    await match(world, next);
    expect(await differences(world, key)).toContain(`late_refund paired ${numberOf(back.refund_id)}`);
  });

  test("what waits too long is open, and a line that another day's bill had already is a duplicate", async () => {
    const lost = await payOne();
    const twice = await payOne();
    await loadLines(world, key, [lineOf(twice)]);
    await match(world, key);
    await loadLines(world, next, [lineOf(twice)]);
    expect(await match(world, next)).toMatchObject({ state: "open" });
    expect(await differences(world, next)).toEqual([`duplicate open ${no(twice)}`]);
    const third = { channel_account_id, day: new Date(Date.parse(next.day) + DAY_MS).toISOString().slice(0, 10) };
    await loadLines(world, third, []);
    await match(world, third);
    expect(await differences(world, key)).toEqual([`ours_only open ${no(lost)}`]);
  });
});

test("a payment that succeeds after the matching is found by the next", async () => {
  const unknown = await attempt(world, { merchant_id, channel_account_id }, "unknown");
  await loadLines(world, key, [lineOf(unknown)]);
  expect(await match(world, key)).toMatchObject({ state: "open" });
  await succeed(world, unknown);
  expect(await match(world, key)).toMatchObject({ state: "matched", totals: { matched: 1 } });
  expect(await differences(world, key)).toEqual([]);
});
