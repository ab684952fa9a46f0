/** Months of a place: commission is settled by the agent's own calendar. */
import { addDays, dayOf, localDay } from "../../kit/local-day.ts";

/** How long after the end of a month its settlement waits, so that all that was booked in it is there. */
const SETTLING_DELAY_MS = 3 * 3_600_000;

/** The month, `2026-11`, that an instant belongs to. */
export function monthOf(at_ms: number, time_zone: string): string {
  return localDay(at_ms, time_zone).slice(0, 7);
}

/** `2026-12` of `2026-11`. */
export function monthAfter(month: string): string {
  return addDays(`${month}-28`, 4).slice(0, 7);
}

/** The first instant after a month; epoch milliseconds. */
export function endOfMonth(month: string, time_zone: string): number {
  return dayOf(`${monthAfter(month)}-01`, time_zone)!.from;
}

/** When a month is settled. */
export function settlingTime(month: string, time_zone: string): number {
  return endOfMonth(month, time_zone) + SETTLING_DELAY_MS;
}
