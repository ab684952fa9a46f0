import type { Sql } from "../../kit/sql/database.ts";
import {
  type Calendar,
  type CalendarYear,
  createCalendar,
  EVERY_DAY,
  readBuiltInYears,
  readCalendarYear,
  WEEKENDS,
} from "./calendar.ts";
import type { SettlementServices } from "./services.ts";
import { loadCalendarYears, saveCalendarYear } from "./store.ts";

const builtIn = readBuiltInYears();

/** A calendar by its name, or undefined when no year of it is known. What was loaded replaces what came with the program. */
export async function findCalendar(sql: Sql, name: string): Promise<Calendar | undefined> {
  if (name === EVERY_DAY || name === WEEKENDS) return createCalendar(name, []);
  const loaded = await loadCalendarYears(sql, name);
  const replaced = new Set(loaded.map(({ year }) => year));
  const years = [...builtIn.filter(({ calendar, year }) => calendar === name && !replaced.has(year)), ...loaded];
  return years.length === 0 ? undefined : createCalendar(name, years);
}

/**
 * Keeps a year's arrangement, in place of any before. Runs that are planned already move when they are due.
 * @throws settlement.calendar_invalid
 */
export async function loadCalendar(
  { db, clock }: Pick<SettlementServices, "db" | "clock">,
  file: unknown,
): Promise<CalendarYear> {
  const year = readCalendarYear(file);
  await saveCalendarYear(db, year, clock.now());
  return year;
}
