/**
 * When a merchant is settled, and up to which business day. Pure: days are texts such as `2026-11-20` of the merchant's
 * own calendar and clock.
 *
 * Settling happens on workdays only; what would fall on another day waits for the next. The period that is settled does
 * not move with it, except that a daily cycle then settles all the days that have waited.
 */
import { invariant } from "../../kit/error.ts";
import { addDays, dayOf, instantAt, weekdayOf } from "../../kit/local-day.ts";
import type { Calendar } from "./calendar.ts";

export type Cycle =
  /** T+n: each business day on the nth workday after it; T+0 on the day itself. */
  | { readonly kind: "workdays"; readonly count: number }
  /** D+n: each business day n days of the calendar later. */
  | { readonly kind: "days"; readonly count: number }
  /** What came before the weekday, 1 for Monday to 7. */
  | { readonly kind: "weekly"; readonly weekdays: readonly number[] }
  /** What came before that day of the month; in a shorter month its last day stands for it. */
  | { readonly kind: "monthly"; readonly days: readonly number[] }
  | { readonly kind: "on_request" };

const COUNT_MAX = 90;

/** Reads `T+1`, `D+3`, `weekly:1,4`, `monthly:15,31` or `on_request`; undefined for anything else. */
export function parseCycle(text: string): Cycle | undefined {
  if (text === "on_request") return { kind: "on_request" };
  const plus = /^([TD])\+(\d{1,2})$/.exec(text);
  if (plus) {
    const count = Number(plus[2]);
    return count > COUNT_MAX ? undefined : { kind: plus[1] === "T" ? "workdays" : "days", count };
  }
  const list = /^(weekly|monthly):(\d{1,2}(?:,\d{1,2})*)$/.exec(text);
  if (!list) return undefined;
  const numbers = [...new Set(list[2]!.split(",").map(Number))].sort((a, b) => a - b);
  const max = list[1] === "weekly" ? 7 : 31;
  if (numbers.some((number) => number < 1 || number > max)) return undefined;
  return list[1] === "weekly" ? { kind: "weekly", weekdays: numbers } : { kind: "monthly", days: numbers };
}

/** The text that `parseCycle` reads. */
export function formatCycle(cycle: Cycle): string {
  switch (cycle.kind) {
    case "workdays":
      return `T+${cycle.count}`;
    case "days":
      return `D+${cycle.count}`;
    case "weekly":
      return `weekly:${cycle.weekdays.join()}`;
    case "monthly":
      return `monthly:${cycle.days.join()}`;
    case "on_request":
      return "on_request";
  }
}

/** One time of settling. */
export interface Run {
  /** The day on which it happens, a workday. */
  readonly day: string;
  /** The last business day that it settles; null: everything up to the moment at which it happens. */
  readonly through: string | null;
}

/** No calendar has so many days off in a row, and the rarest cycle is monthly. */
const SEARCH_DAYS_MAX = 400;

/** The first run after a day; undefined when there is none by itself. */
export function nextRun(cycle: Cycle, calendar: Calendar, after: string): Run | undefined {
  if (cycle.kind === "on_request") return undefined;
  let day = addDays(after, 1);
  for (let count = 0; count < SEARCH_DAYS_MAX; count += 1, day = addDays(day, 1)) {
    if (!calendar.isWorkday(day)) continue;
    const through = settledThrough(cycle, calendar, day);
    if (through !== undefined) return { day, through };
  }
  invariant(false, `the calendar ${calendar.name} has no workday for more than a year`);
}

/** Up to which business day a workday settles; undefined when it settles nothing. */
function settledThrough(
  cycle: Exclude<Cycle, { kind: "on_request" }>,
  calendar: Calendar,
  day: string,
): string | null | undefined {
  switch (cycle.kind) {
    case "workdays":
      return cycle.count === 0 ? null : beforeWorkdays(calendar, day, cycle.count);
    case "days":
      return cycle.count === 0 ? null : addDays(day, -cycle.count);
    case "weekly":
      return beforeNamedDay(calendar, day, (one) => cycle.weekdays.includes(weekdayOf(one)));
    case "monthly":
      return beforeNamedDay(calendar, day, (one) => isDayOfMonth(one, cycle.days));
  }
}

/** The last day that has so many workdays after it, up to and with the given one. */
function beforeWorkdays(calendar: Calendar, day: string, count: number): string {
  let at = day;
  for (let left = count - 1; left > 0; left -= 1) {
    do at = addDays(at, -1);
    while (!calendar.isWorkday(at));
  }
  return addDays(at, -1);
}

/** The day before the latest named day that was waiting for this workday. */
function beforeNamedDay(calendar: Calendar, day: string, isNamed: (day: string) => boolean): string | undefined {
  let at = day;
  do {
    if (isNamed(at)) return addDays(at, -1);
    at = addDays(at, -1);
  } while (!calendar.isWorkday(at));
  return undefined;
}

function isDayOfMonth(day: string, days: readonly number[]): boolean {
  const number = Number(day.slice(8));
  const isLast = addDays(day, 1).endsWith("-01");
  return days.includes(number) || (isLast && days.some((wanted) => wanted > number));
}

/** When a run happens, and up to which instant it settles. Epoch milliseconds. */
export interface RunTimes {
  readonly at: number;
  /** Exclusive. */
  readonly cut_off_at: number;
}

/** @param minute of the day at which the merchant is settled, by the clock of its time zone. */
export function timesOf({ day, through }: Run, minute: number, time_zone: string): RunTimes {
  const at = instantAt(day, minute, time_zone);
  return { at, cut_off_at: through === null ? at : dayOf(through, time_zone)!.to };
}
