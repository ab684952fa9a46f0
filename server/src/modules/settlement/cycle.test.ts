// Guarantee: every business day is settled once, in order, on the day that its cycle and calendar say and never on a day
// off; a month without a 31st is settled on its last day; China's holidays and make-up workdays are those arranged.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addDays, weekdayOf } from "../../kit/local-day.ts";
import { type Calendar, createCalendar, readBuiltInYears, readCalendarYear } from "./calendar.ts";
import { type Cycle, formatCycle, nextRun, parseCycle, type Run, timesOf } from "./cycle.ts";

const china = createCalendar("china", readBuiltInYears());
const weekends = createCalendar("weekends", []);
const everyDay = createCalendar("every_day", []);
const calendars = fc.constantFrom(china, weekends, everyDay);
const days = fc.integer({ min: 0, max: 729 }).map((count) => addDays("2025-01-01", count));

function runsFrom(cycle: Cycle, calendar: Calendar, first: string, count: number): Run[] {
  const runs: Run[] = [];
  for (let after = addDays(first, -1); runs.length < count; after = runs.at(-1)!.day) {
    runs.push(nextRun(cycle, calendar, after)!);
  }
  return runs;
}

/** On which day a business day is settled: by the first run that reaches so far. */
function settledOn(cycle: Cycle, calendar: Calendar, business_day: string): string {
  for (let after = addDays(business_day, -1); ; ) {
    const run = nextRun(cycle, calendar, after)!;
    if ((run.through ?? run.day) >= business_day) return run.day;
    after = run.day;
  }
}

describe("daily", () => {
  test("T+n settles a business day on the nth workday after it", () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 1, max: 5 }), calendars, (day, count, calendar) => {
        let expected = day;
        for (let left = count; left > 0; ) {
          expected = addDays(expected, 1);
          if (calendar.isWorkday(expected)) left -= 1;
        }
        expect(settledOn({ kind: "workdays", count }, calendar, day)).toBe(expected);
      }),
    );
  });

  test("D+n settles it n days later, or on the first workday from there", () => {
    fc.assert(
      fc.property(days, fc.integer({ min: 1, max: 40 }), calendars, (day, count, calendar) => {
        let expected = addDays(day, count);
        while (!calendar.isWorkday(expected)) expected = addDays(expected, 1);
        expect(settledOn({ kind: "days", count }, calendar, day)).toBe(expected);
      }),
    );
  });

  test("T+0 and D+0 settle on each workday up to the moment", () => {
    const runs = runsFrom({ kind: "workdays", count: 0 }, china, "2026-09-30", 3);
    expect(runs).toEqual(["2026-09-30", "2026-10-08", "2026-10-09"].map((day) => ({ day, through: null })));
    expect(runsFrom({ kind: "days", count: 0 }, everyDay, "2026-10-03", 1)).toEqual([
      { day: "2026-10-03", through: null },
    ]);
  });

  test("the National Day week waits, and the make-up Saturday after it is settled on", () => {
    expect(runsFrom({ kind: "workdays", count: 1 }, china, "2026-09-30", 5)).toEqual([
      { day: "2026-09-30", through: "2026-09-29" },
      { day: "2026-10-08", through: "2026-10-07" },
      { day: "2026-10-09", through: "2026-10-08" },
      { day: "2026-10-10", through: "2026-10-09" },
      { day: "2026-10-12", through: "2026-10-11" },
    ]);
  });
});

describe("weekly and monthly", () => {
  const rare = fc.oneof(
    fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }).map((list) => parseCycle(`weekly:${list}`)!),
    fc
      .uniqueArray(fc.integer({ min: 1, max: 31 }), { minLength: 1, maxLength: 6 })
      .map((list) => parseCycle(`monthly:${list}`)!),
  );

  function isNamed(cycle: Cycle, day: string): boolean {
    if (cycle.kind === "weekly") return cycle.weekdays.includes(weekdayOf(day));
    if (cycle.kind !== "monthly") return false;
    const [year, month] = day.split("-").map(Number) as [number, number];
    const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
    return cycle.days.some((wanted) => Math.min(wanted, length) === Number(day.slice(8)));
  }

  test("each named day is settled on the first workday from it, up to the day before", () => {
    fc.assert(
      fc.property(rare, calendars, days, (cycle, calendar, first) => {
        // From a month before, because what was named then may still wait, to a month after.
        const expected = new Map<string, string>();
        for (let count = -31; count < 100; count += 1) {
          const named = addDays(first, count);
          if (!isNamed(cycle, named)) continue;
          let on = named;
          while (!calendar.isWorkday(on)) on = addDays(on, 1);
          // Two that wait for the same workday are one run, through the later.
          expected.set(on, addDays(named, -1));
        }
        const end = addDays(first, 69);
        const inTime = (runs: Run[]) => runs.filter(({ day }) => day >= first && day <= end);
        const runs = [...expected].map(([day, through]) => ({ day, through }));
        expect(inTime(runsFrom(cycle, calendar, first, 70))).toEqual(inTime(runs));
      }),
    );
  });

  test("31 in a short month is its last day", () => {
    const through = runsFrom(parseCycle("monthly:31")!, everyDay, "2028-01-15", 5).map(({ day }) => day);
    expect(through).toEqual(["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31"]);
    const both = runsFrom(parseCycle("monthly:30,31")!, everyDay, "2026-02-01", 3).map(({ day }) => day);
    expect(both).toEqual(["2026-02-28", "2026-03-30", "2026-03-31"]);
  });

  test("nothing is settled twice or left out: each run reaches further than the one before", () => {
    fc.assert(
      fc.property(rare, calendars, days, (cycle, calendar, first) => {
        const runs = runsFrom(cycle, calendar, first, 12);
        for (const [index, run] of runs.slice(1).entries()) expect(run.through! > runs[index]!.through!).toBe(true);
        for (const { day, through } of runs) expect([calendar.isWorkday(day), through! < day]).toEqual([true, true]);
      }),
    );
  });
});

test("a cycle's text is read back, and nothing else is a cycle", () => {
  for (const text of ["T+0", "T+1", "D+30", "weekly:1,4", "monthly:15,31", "on_request"]) {
    expect(formatCycle(parseCycle(text)!)).toBe(text);
  }
  expect(formatCycle(parseCycle("weekly:5,1,5")!)).toBe("weekly:1,5");
  for (const text of ["", "T1", "T+91", "D+-1", "weekly:", "weekly:0", "weekly:8", "monthly:32", "monthly:1,", "t+1"]) {
    expect([text, parseCycle(text)]).toEqual([text, undefined]);
  }
  expect(nextRun({ kind: "on_request" }, china, "2026-11-20")).toBeUndefined();
});

test("a run begins and cuts off by the merchant's clock", () => {
  const rfc = ({ at, cut_off_at }: ReturnType<typeof timesOf>) =>
    [at, cut_off_at].map((ms) => new Date(ms).toISOString());
  const run = { day: "2026-11-23", through: "2026-11-22" };
  expect(rfc(timesOf(run, 120, "Asia/Shanghai"))).toEqual(["2026-11-22T18:00:00.000Z", "2026-11-22T16:00:00.000Z"]);
  expect(rfc(timesOf({ ...run, through: null }, 1380, "America/New_York"))).toEqual([
    "2026-11-24T04:00:00.000Z",
    "2026-11-24T04:00:00.000Z",
  ]);
});

describe("China's calendar", () => {
  test("has the arranged number of days off and of make-up workdays", () => {
    for (const [year, off, worked] of [
      [2025, 28, 5],
      [2026, 33, 6],
    ] as const) {
      const all = Array.from({ length: 365 }, (_, index) => addDays(`${year}-01-01`, index));
      const madeUp = all.filter((day) => weekdayOf(day) > 5 && china.isWorkday(day));
      const resting = all.filter((day) => weekdayOf(day) < 6 && !china.isWorkday(day));
      const arranged = readBuiltInYears().find((one) => one.year === year)!;
      expect([year, madeUp]).toEqual([year, arranged.workdays]);
      const inRanges = arranged.holidays.flatMap((range) => {
        const [first = "", last = first] = range.split("/");
        return all.filter((day) => day >= first && day <= last);
      });
      expect([year, inRanges.length, worked]).toEqual([year, off, madeUp.length]);
      expect(resting).toEqual(inRanges.filter((day) => weekdayOf(day) < 6));
      expect(china.knows(year)).toBe(true);
    }
    expect(china.knows(2027)).toBe(false);
    expect([china.isWorkday("2027-10-01"), china.isWorkday("2027-10-02")]).toEqual([true, false]);
  });

  test.each([
    [{}, "calendar must be"],
    [{ calendar: "weekends" }, "needs no arrangement"],
    [{ year: "2027" }, "year must be"],
    [{ holidays: "2027-01-01" }, "holidays must be"],
    [{ holidays: ["2026-01-01"] }, "no range of days of 2027"],
    [{ holidays: ["2027-02-30"] }, "no range of days"],
    [{ holidays: ["2027-10-07/2027-10-01"] }, "no range of days"],
    [{ workdays: ["2027-01-04"] }, "no weekend day"],
    [{ workdays: ["2027-01-02/2027-01-03"] }, "no weekend day"],
    [{ holidays: ["2027-01-02"], workdays: ["2027-01-02"] }, "both"],
  ])("a file with a mistake is refused: %j", (change, sentence) => {
    const good = { calendar: "china", year: 2027, source: "", holidays: ["2027-01-01"], workdays: ["2027-01-02"] };
    expect(readCalendarYear(good)).toEqual(good);
    expect(() => readCalendarYear(Object.keys(change).length === 0 ? [] : { ...good, ...change })).toThrow(sentence);
  });
});
