// Guarantee: days of a place follow each other without gap or overlap, whatever its clocks do, and begin when its clocks
// first show them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { addDays, dayOf, instantAt, localDay, localText, weekdayOf } from "./local-day.ts";

const HOUR = 3_600_000;

test.each([
  ["Asia/Shanghai", "2026-11-20", "2026-11-19T16:00:00.000Z", 24],
  // Clocks go back at two, and forward at two.
  ["America/New_York", "2026-11-01", "2026-11-01T04:00:00.000Z", 25],
  ["America/New_York", "2026-03-08", "2026-03-08T05:00:00.000Z", 23],
  // They went forward at midnight: the day began at one.
  ["America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00.000Z", 23],
  // They went back at midnight: the day before had its last hour twice.
  ["America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00.000Z", 25],
  ["Asia/Kathmandu", "2026-06-01", "2026-05-31T18:15:00.000Z", 24],
  ["Pacific/Kiritimati", "2026-01-01", "2025-12-31T10:00:00.000Z", 24],
  // Samoa left this day out.
  ["Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00.000Z", 0],
])("%s: %s begins at %s and has %i hours", (zone, date, from, hours) => {
  const day = dayOf(date, zone)!;
  expect([new Date(day.from).toISOString(), (day.to - day.from) / HOUR]).toEqual([from, hours]);
});

test("days follow each other, and an instant belongs to the day whose clocks show it", () => {
  const zones = ["Asia/Shanghai", "America/New_York", "America/Sao_Paulo", "Africa/Cairo", "Pacific/Apia", "UTC"];
  const anyInstant = fc.date({
    min: new Date(Date.UTC(2000, 0, 2)),
    max: new Date(Date.UTC(2035, 0, 1)),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(fc.constantFrom(...zones), anyInstant, (zone, instant) => {
      const at = instant.getTime();
      const date = localDay(at, zone);
      const day = dayOf(date, zone)!;
      expect(day.from <= at && at < day.to).toBe(true);
      const next = new Date(Date.parse(`${date}T12:00:00Z`) + 24 * HOUR).toISOString().slice(0, 10);
      expect(dayOf(next, zone)!.from).toBe(day.to);
    }),
    { numRuns: 200 },
  );
});

test.each([
  "2026-02-29",
  "2026-13-01",
  "20261120",
  "2026-11-20T00:00",
  "1969-12-31",
  "0000-00-00",
  "9999-12-31",
  "x",
  "",
])("%o is no day", (date) => expect(dayOf(date, "Asia/Shanghai")).toBeUndefined());

test("clocks show hours from 0 to 23", () => {
  expect(localText(Date.UTC(2026, 10, 19, 16, 0, 5), "Asia/Shanghai")).toBe("2026-11-20 00:00:05");
  expect(localText(Date.UTC(2026, 10, 20, 15, 59, 59, 999), "Asia/Shanghai")).toBe("2026-11-20 23:59:59");
});

test("a time of day is when clocks show it, and the earlier of two that show the same", () => {
  const zones = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"];
  const days = fc.integer({ min: 0, max: 20_000 }).map((count) => addDays("1990-01-01", count));
  fc.assert(
    fc.property(days, fc.integer({ min: 0, max: 1439 }), fc.constantFrom(...zones), (day, minute, zone) => {
      const text = localText(instantAt(day, minute, zone), zone);
      const shown = Number(text.slice(11, 13)) * 60 + Number(text.slice(14, 16));
      expect(text.slice(0, 10)).toBe(day);
      // Only a time that is left out is shown later.
      if (shown !== minute) expect(shown - minute).toBeOneOf([30, 60]);
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

test("days are counted over months and leap years", () => {
  expect([addDays("2028-02-28", 1), addDays("2026-03-01", -1)]).toEqual(["2028-02-29", "2026-02-28"]);
  expect([weekdayOf("2026-11-20"), weekdayOf("2026-11-22")]).toEqual([5, 7]);
});
