/** Which days are workdays. A year's arrangement is data: the days off, and the weekend days that are worked instead. */
import { readdirSync, readFileSync } from "node:fs";
import { addDays, dayOf, weekdayOf } from "../../kit/local-day.ts";
import { settlementErrors } from "./errors.ts";

/** One year of a calendar, as its file says it. */
export interface CalendarYear {
  /** Name of the calendar: lower case letters, digits and underscores. */
  readonly calendar: string;
  readonly year: number;
  /** Who arranged it so, for people. */
  readonly source: string;
  /** Days off, each a day or `first/last`. */
  readonly holidays: readonly string[];
  /** Weekend days that are worked. */
  readonly workdays: readonly string[];
}

export interface Calendar {
  readonly name: string;
  /** @param day `2026-11-20`. */
  isWorkday(day: string): boolean;
  /** Whether the year's arrangement is known; weekends are off in one that is not. */
  knows(year: number): boolean;
}

/** Needs no arrangement: banks that work every day, and places where nothing but weekends is off. */
export const EVERY_DAY = "every_day";
export const WEEKENDS = "weekends";

/** A calendar of the arrangements of its years. */
export function createCalendar(name: string, years: readonly CalendarYear[]): Calendar {
  if (name === EVERY_DAY) return { name, isWorkday: () => true, knows: () => true };
  const known = new Set(years.map(({ year }) => year));
  const off = new Set(years.flatMap(({ holidays }) => holidays.flatMap(daysOf)));
  const worked = new Set(years.flatMap(({ workdays }) => workdays));
  return {
    name,
    isWorkday: (day) => (weekdayOf(day) > 5 ? worked.has(day) : !off.has(day)),
    knows: (year) => name === WEEKENDS || known.has(year),
  };
}

const RANGE_DAYS_MAX = 366;

/** The days of `2026-10-01/2026-10-07`, or of a single day. */
function daysOf(range: string): string[] {
  const [first = "", last = first] = range.split("/");
  const days: string[] = [];
  for (let day = first; day <= last && days.length < RANGE_DAYS_MAX; day = addDays(day, 1)) days.push(day);
  return days;
}

/**
 * Checks a year's arrangement, as it comes from a file.
 * @throws settlement.calendar_invalid
 */
export function readCalendarYear(value: unknown): CalendarYear {
  const file = (typeof value === "object" && value !== null ? value : {}) as Partial<Record<string, unknown>>;
  const { calendar, year, source = "", holidays, workdays } = file;
  if (typeof calendar !== "string" || !/^[a-z][a-z0-9_]{0,31}$/.test(calendar)) {
    throw invalid("calendar must be a name of lower case letters, digits and underscores.");
  }
  if (calendar === EVERY_DAY || calendar === WEEKENDS) throw invalid(`${calendar} needs no arrangement.`);
  if (!Number.isInteger(year) || Number(year) < 2000 || Number(year) > 2999) {
    throw invalid("year must be a number such as 2027.");
  }
  if (typeof source !== "string") throw invalid("source must be a text.");
  const arrangement = { calendar, year: Number(year), source };
  return checkDays({
    ...arrangement,
    holidays: textsOf("holidays", holidays),
    workdays: textsOf("workdays", workdays),
  });
}

function textsOf(name: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
  throw invalid(`${name} must be a list of days such as "2027-01-01".`);
}

function isDay(text: string): boolean {
  return dayOf(text, "UTC") !== undefined;
}

/** A typing error is nearly always a day of another year, a turned range, or a workday that is one anyway. */
function checkDays(arrangement: CalendarYear): CalendarYear {
  const { year, holidays, workdays } = arrangement;
  for (const range of [...holidays, ...workdays]) {
    const [first = "", last = first, ...rest] = range.split("/");
    const good = [first, last].every((day) => isDay(day) && day.startsWith(`${year}-`));
    if (!good || rest.length > 0 || last < first)
      throw invalid(`"${range}" is no day and no range of days of ${year}.`);
  }
  const off = new Set(holidays.flatMap(daysOf));
  for (const day of workdays) {
    if (!isDay(day) || weekdayOf(day) < 6) throw invalid(`${day} is no weekend day, so it is worked anyway.`);
    if (off.has(day)) throw invalid(`${day} is both a day off and a workday.`);
  }
  return arrangement;
}

function invalid(problem: string) {
  return settlementErrors["settlement.calendar_invalid"]({ values: { problem } });
}

const folder = new URL("calendars/", import.meta.url);

/** The arrangements that come with the program, by calendar and year. */
export function readBuiltInYears(): CalendarYear[] {
  const files = readdirSync(folder).sort();
  return files.map((file) => readCalendarYear(JSON.parse(readFileSync(new URL(file, folder), "utf8"))));
}
