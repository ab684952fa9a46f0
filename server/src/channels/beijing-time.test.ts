/** Guarantee: times at the channels are Beijing's whatever the machine's zone, and a text that is no time is none. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { fromBeijingTime, fromRfc3339, toBeijingRfc3339, toBeijingTime } from "./beijing-time.ts";

it("writes the day that it is in Beijing", () => {
  expect(toBeijingTime(Date.UTC(2026, 11, 31, 16, 0, 0, 999))).toBe("2027-01-01 00:00:00");
  expect(toBeijingRfc3339(Date.UTC(2026, 11, 31, 16, 0, 0))).toBe("2027-01-01T00:00:00+08:00");
});

it("reads back every second that it writes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (second) => {
      expect(fromBeijingTime(toBeijingTime(second * 1000))).toBe(second * 1000);
      expect(fromRfc3339(toBeijingRfc3339(second * 1000))).toBe(second * 1000);
    }),
  );
});

it.each(["", "2026-11-20", "2026-11-20T12:00:00", "20261120120000", "2026-13-40 99:99:99", "soon"])(
  "reads no time in %j",
  (text) => {
    expect(fromBeijingTime(text)).toBeUndefined();
    expect(fromRfc3339(text)).toBeUndefined();
  },
);
