// Guarantee: time moves only where it is told to, and is shown in one form.
import { expect, test } from "vitest";
import { createManualClock, systemClock, toRfc3339 } from "./clock.ts";

test("a manual clock stands until it is moved", () => {
  const clock = createManualClock(1_000);
  expect([clock.now(), clock.now()]).toEqual([1_000, 1_000]);
  clock.advance(86_400_000);
  expect(clock.now()).toBe(86_401_000);
});

test("the system's clock gives whole milliseconds of the Unix epoch", () => {
  expect(Number.isInteger(systemClock.now())).toBe(true);
  expect(new Date(systemClock.now()).getUTCFullYear()).toBeGreaterThan(2025);
});

test("an instant is shown in UTC with milliseconds", () => {
  expect(toRfc3339(0)).toBe("1970-01-01T00:00:00.000Z");
  expect(toRfc3339(1_795_176_000_123)).toBe("2026-11-20T12:00:00.123Z");
});
