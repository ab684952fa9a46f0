// Guarantee: invoices are made on the merchant's own days, and what follows from a balance follows from each crossing alone.
import fc from "fast-check";
import { expect, test } from "vitest";
import { addDays, dayOf, localDay, weekdayOf } from "../../kit/local-day.ts";
import { type Billing, billingCycles, crossings, payBy, runAfter, runFrom } from "./billing.ts";

const SHANGHAI = "Asia/Shanghai";

test.each([
  ["daily", "2026-11-20", "2026-11-21"],
  ["weekly", "2026-11-20", "2026-11-23"],
  ["weekly", "2026-11-23", "2026-11-30"],
  ["monthly", "2026-11-20", "2026-12-01"],
  ["monthly", "2026-12-01", "2027-01-01"],
  ["monthly", "2027-01-31", "2027-02-01"],
] as const)("%s: after %s comes %s", (cycle, day, next) => {
  expect(runAfter(cycle, day, SHANGHAI)).toMatchObject({ day: next, cut_off_at: dayOf(next, SHANGHAI)!.from });
});

test("nothing is planned on request", () => {
  expect(runAfter("on_request", "2026-11-20", SHANGHAI)).toBeUndefined();
  expect(runFrom("on_request", 0, SHANGHAI)).toBeUndefined();
});

test("the next run is the first of its cycle that has not been, at two in the morning, wherever the merchant is", () => {
  const cycles = fc.constantFrom(...billingCycles.filter((cycle) => cycle !== "on_request"));
  const zones = fc.constantFrom(SHANGHAI, "America/New_York", "Europe/Berlin", "Pacific/Auckland", "UTC");
  fc.assert(
    fc.property(cycles, zones, fc.integer({ min: 1.6e12, max: 2e12 }), (cycle, zone, now) => {
      const run = runFrom(cycle, now, zone)!;
      expect(run.at).toBeGreaterThan(now);
      expect(run.cut_off_at).toBeLessThan(run.at);
      const fits = (day: string) =>
        cycle === "daily" || (cycle === "weekly" ? weekdayOf(day) === 1 : day.endsWith("-01"));
      expect(fits(run.day)).toBe(true);
      for (let day = addDays(localDay(now, zone), 1); day < run.day; day = addDays(day, 1))
        expect(fits(day)).toBe(false);
    }),
  );
});

test("an invoice is to be paid by the end of a day, the day of its issue where there is no time", () => {
  const noon = Date.UTC(2026, 10, 20, 4);
  expect(payBy(noon, 0, SHANGHAI)).toBe(Date.UTC(2026, 10, 20, 16));
  expect(payBy(noon, 15, SHANGHAI)).toBe(Date.UTC(2026, 11, 5, 16));
});

test("each crossing is seen once, in whatever steps the balance moves", () => {
  const billing = { warn_below: 500n, stop_below: 0n, low_since: null, stopped_at: null } as unknown as Billing;
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -1_000n, max: 2_000n }), { maxLength: 30 }), (lefts) => {
      let state = billing;
      for (const left of lefts) {
        const changes = crossings(state, { prepaid: left > 0n ? left : 0n, due: left > 0n ? 0n : -left });
        if (changes.includes("low") || changes.includes("recovered")) {
          state = { ...state, low_since: changes.includes("low") ? 1 : null };
        }
        if (changes.includes("stopped") || changes.includes("resumed")) {
          state = { ...state, stopped_at: changes.includes("stopped") ? 1 : null };
        }
        expect([state.low_since !== null, state.stopped_at !== null]).toEqual([left < 500n, left < 0n]);
        expect(crossings(state, { prepaid: left > 0n ? left : 0n, due: left > 0n ? 0n : -left })).toEqual([]);
      }
    }),
  );
});
