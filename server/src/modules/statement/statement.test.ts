// Guarantee: a statement says exactly what was booked on a day of the merchant's: its opening is the closing of the day
// before, and opening and entries give the closing, whatever was booked when and whatever the clocks of the place do.
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type NewPosting, paymentPosting, refundInitiatedPosting } from "../../ledger/index.ts";
import { paid, refundOf } from "../../ledger/testing/books.ts";
import { readStatement } from "./read-statement.ts";
import { clock, openStage, type StatementStage } from "./testing/server.ts";

let stage: StatementStage;

beforeAll(async () => {
  stage = await openStage();
});

afterAll(() => stage.close());

const read = async (merchant_id: string, path: string) =>
  (await stage.get(merchant_id, `/v1/statements/${path}`)).json();

const line = (account: string, opening: number, amount_in: number, amount_out: number, entry_count: number) => {
  return { account, opening, amount_in, amount_out, closing: opening + amount_in - amount_out, entry_count };
};

test("a day begins and ends at midnight where the merchant is, to the millisecond", async () => {
  const merchant_id = await stage.addMerchant();
  const midnight = Date.UTC(2026, 10, 18, 16);
  const [yesterday, today] = [paid({ merchant_id }), paid({ merchant_id })];
  await stage.postAt(midnight - 1, [paymentPosting(yesterday)]);
  await stage.postAt(midnight, [paymentPosting(today), refundInitiatedPosting(refundOf(today))]);
  const before = await read(merchant_id, "2026-11-18");
  expect(before).toEqual({
    object: "statement",
    livemode: true,
    date: "2026-11-18",
    time_zone: "Asia/Shanghai",
    from: "2026-11-17T16:00:00.000Z",
    to: "2026-11-18T16:00:00.000Z",
    status: "final",
    currencies: [
      {
        currency: "CNY",
        accounts: [line("pending", 0, 9_940, 0, 1), line("refund_in_transit", 0, 0, 0, 0)],
      },
    ],
  });
  const day = await read(merchant_id, "2026-11-19");
  expect(day.currencies[0].accounts).toEqual([
    line("pending", 9_940, 9_940, 4_970, 2),
    line("refund_in_transit", 0, 5_000, 0, 1),
  ]);
});

test("today is open; a day is final two minutes after its end, when nothing more can be booked on it", async () => {
  const merchant_id = await stage.addMerchant();
  await stage.postAt(clock.now(), [paymentPosting(paid({ merchant_id }))]);
  const today = await read(merchant_id, "2026-11-20");
  expect([today.status, today.currencies[0].accounts[0].closing]).toEqual(["open", 9_940]);
  const shifted = (at: number) => ({ now: () => at });
  const statusAt = async (at: number) =>
    (await readStatement({ db: stage.db, clock: shifted(at) }, { merchant_id, livemode: true, date: "2026-11-20" }))
      .is_final;
  const end = Date.UTC(2026, 10, 20, 16);
  expect([await statusAt(end + 119_999), await statusAt(end + 120_000)]).toEqual([false, true]);
});

test("accounts kept for each channel account are one line, and each currency has its own", async () => {
  const merchant_id = await stage.addMerchant();
  const direct = { merchant_id, funding_mode: "direct" as const };
  const other = "11111111-1111-4111-8111-111111111111";
  await stage.postAt(Date.UTC(2026, 10, 19), [
    paymentPosting(paid(direct)),
    paymentPosting(paid({ ...direct, channel_account_id: other })),
    paymentPosting(paid({ ...direct, amount: { amount: 500n, currency: "JPY" }, fee: 3n })),
  ]);
  const { currencies } = await read(merchant_id, "2026-11-19");
  expect(currencies.map(({ currency }: { currency: string }) => currency)).toEqual(["CNY", "JPY"]);
  expect(currencies[0].accounts[1]).toEqual(line("collected_directly", 0, 20_000, 0, 2));
  expect((await read(merchant_id, "2026-11-19?currency=JPY")).currencies).toEqual([
    {
      currency: "JPY",
      accounts: [line("service_fee_due", 0, 3, 0, 1), line("collected_directly", 0, 500, 0, 1)],
    },
  ]);
});

const anyEvent = fc.record({
  // Three days around a change of clocks in New York, in minutes.
  minute: fc.integer({ min: 0, max: 4_319 }),
  // How much later or earlier than its turn in the book it was stamped.
  skew_s: fc.integer({ min: -50, max: 50 }),
  amount: fc.bigInt(1_000n, 90_000n),
  currency: fc.constantFrom("CNY", "USD"),
  funding_mode: fc.constantFrom("pooled" as const, "direct" as const),
  refunded: fc.boolean(),
});

test("any days follow each other: each opens with what the day before closed with, and the last with what is held", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEvent, { minLength: 1, maxLength: 25 }),
      fc.constantFrom("Asia/Shanghai", "America/New_York"),
      async (events, zone) => {
        const merchant_id = await stage.addMerchant(zone);
        const start = Date.UTC(2026, 9, 31, 4);
        for (const event of [...events].sort((a, b) => a.minute - b.minute)) {
          const { amount, currency, funding_mode, refunded } = event;
          const payment = paid({ merchant_id, amount: { amount, currency }, funding_mode });
          const postings: NewPosting[] = [paymentPosting(payment)];
          if (refunded) postings.push(refundInitiatedPosting(refundOf(payment)));
          await stage.postAt(start + event.minute * 60_000 + event.skew_s * 1_000, postings);
        }
        const days = ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"];
        let before: Record<string, number> = {};
        let entry_count = 0;
        for (const date of days) {
          const { currencies } = await read(merchant_id, date);
          const closing: Record<string, number> = {};
          for (const { currency, accounts } of currencies) {
            for (const account of accounts) {
              const name = `${currency} ${account.account}`;
              expect([date, name, account.opening]).toEqual([date, name, before[name] ?? 0]);
              expect(account.closing).toBe(account.opening + account.amount_in - account.amount_out);
              closing[name] = account.closing;
              entry_count += account.entry_count;
            }
          }
          before = closing;
        }
        expect(Object.values(before).reduce((sum, value) => sum + value, 0)).toBe(expectedHoldings(events));
        expect(entry_count).toBeGreaterThanOrEqual(events.length);
      },
    ),
    { numRuns: 12 },
  );
});

/** All that merchants see of these events, added up without the ledger: fees of 60, half of which come back with a refund. */
function expectedHoldings(events: readonly { amount: bigint; funding_mode: string; refunded: boolean }[]): number {
  const held = events.map(({ amount, funding_mode, refunded }) => {
    // Pooled: pending loses half but its fee, refund_in_transit gains half. Direct: collected, and the fee that is due.
    if (funding_mode === "pooled") return amount - 60n + (refunded ? 30n : 0n);
    return amount + 60n - (refunded ? 30n : 0n);
  });
  return Number(held.reduce((sum, value) => sum + value, 0n));
}

test.each(["2026-11-21", "2026-02-30", "1969-12-31", "20261119", "today", "9999-12-31"])(
  "there is no statement of %s: it has not begun, or is no day",
  async (date) => {
    const merchant_id = await stage.addMerchant();
    const answer = await stage.get(merchant_id, `/v1/statements/${date}`);
    expect([answer.statusCode, answer.json().error.code]).toEqual([404, "statement.not_found"]);
  },
);

test("a merchant without a book has an empty statement; an unknown currency code is refused", async () => {
  const merchant_id = await stage.addMerchant();
  expect(await read(merchant_id, "2026-11-19")).toMatchObject({ status: "final", currencies: [] });
  const answer = await stage.get(merchant_id, "/v1/statements/2026-11-19?currency=yuan");
  expect([answer.statusCode, answer.json().error.param]).toEqual([400, "currency"]);
});
