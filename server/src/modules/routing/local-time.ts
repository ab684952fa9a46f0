/** What time it is at a place, as rules and hours ask for it. */
import { localText, weekdayOf } from "../../kit/local-day.ts";

export interface LocalTime {
  /** `2026-11-20`. */
  readonly day: string;
  /** Since midnight by the clock on the wall. */
  readonly minute: number;
  /** 0 to 23. */
  readonly hour: number;
  /** 1 is Monday, 7 Sunday. */
  readonly weekday: number;
}

/** What each zone's clocks showed in the second last asked about: every rule of a payment asks. */
const lastTimes = new Map<string, { second: number; time: LocalTime }>();

/** @param time_zone an IANA name. */
export function localTime(at_ms: number, time_zone: string): LocalTime {
  const second = Math.floor(at_ms / 1000);
  const last = lastTimes.get(time_zone);
  if (last?.second === second) return last.time;
  const text = localText(at_ms, time_zone);
  const day = text.slice(0, 10);
  const hour = Number(text.slice(11, 13));
  const time = { day, minute: hour * 60 + Number(text.slice(14, 16)), hour, weekday: weekdayOf(day) };
  lastTimes.set(time_zone, { second, time });
  return time;
}

/** Minutes since midnight of `HH:MM`, or undefined. */
export function minuteOf(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}
