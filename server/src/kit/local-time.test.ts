// Guarantee: a time of day at a place is the instant at which a clock there shows it, also around changes of the clock.
import fc from "fast-check";
import { expect, test } from "vitest";
import { addDays, instantAt, isDay, localTime, weekdayOf } from "./local-time.ts";

const zones = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"];
const days = fc.integer({ min: 0, max: 20_000 }).map((count) => addDays("1990-01-01", count));

test("what an instant shows leads back to it, or to the earlier of two that show the same", () => {
  fc.assert(
    fc.property(days, fc.integer({ min: 0, max: 1439 }), fc.constantFrom(...zones), (day, minute, zone) => {
      const at = instantAt(day, minute, zone);
      const shown = localTime(at, zone);
      // Only a time that is left out is shown later.
      if (shown.minute !== minute) expect(shown.minute - minute).toBeOneOf([30, 60]);
      expect(shown.day).toBe(day);
    }),
  );
});

test.each([
  ["2026-11-20", 0, "Asia/Shanghai", "2026-11-19T16:00:00.000Z"],
  // Left out: 02:30 is 03:30 by then.
  ["2026-03-08", 150, "America/New_York", "2026-03-08T07:30:00.000Z"],
  // Comes twice: the first.
  ["2026-11-01", 90, "America/New_York", "2026-11-01T05:30:00.000Z"],
])("%s at minute %i in %s is %s", (day, minute, zone, instant) => {
  expect(new Date(instantAt(day, minute, zone)).toISOString()).toBe(instant);
});

test("days follow each other over months and leap years, and only days are days", () => {
  expect([addDays("2028-02-28", 1), addDays("2026-03-01", -1), weekdayOf("2026-11-20")]).toEqual([
    "2028-02-29",
    "2026-02-28",
    5,
  ]);
  expect(["2026-02-29", "2026-13-01", "2026-1-1", "", "2026-11-20T00:00"].filter(isDay)).toEqual([]);
  expect(isDay("2028-02-29")).toBe(true);
});
