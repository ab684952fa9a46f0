// Guarantee: an agent's months follow each other without a gap, and end at midnight by the agent's own clock.
import { expect, test } from "vitest";
import { endOfMonth, monthAfter, monthOf } from "./month.ts";

test("a month follows the one before, over short months and the turn of the year", () => {
  let month = "2027-01";
  const seen = [month];
  for (let index = 0; index < 13; index += 1) {
    month = monthAfter(month);
    seen.push(month);
  }
  expect(seen.join(" ")).toBe(
    "2027-01 2027-02 2027-03 2027-04 2027-05 2027-06 2027-07 2027-08 2027-09 2027-10 2027-11 2027-12 2028-01 2028-02",
  );
});

test("a month ends at midnight of its place, and the instant belongs to the next", () => {
  for (const time_zone of ["Asia/Shanghai", "America/New_York", "Pacific/Apia"]) {
    const end = endOfMonth("2026-11", time_zone);
    expect([monthOf(end - 1, time_zone), monthOf(end, time_zone)]).toEqual(["2026-11", "2026-12"]);
  }
  expect(new Date(endOfMonth("2026-11", "Asia/Shanghai")).toISOString()).toBe("2026-11-30T16:00:00.000Z");
});
