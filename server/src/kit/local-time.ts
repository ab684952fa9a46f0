/** What time it is at a place, and when it is a given time there. */

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

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(time_zone: string): Intl.DateTimeFormat {
  const known = formats.get(time_zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone: time_zone,
    dateStyle: "short",
    timeStyle: "medium",
    hourCycle: "h23",
  });
  formats.set(time_zone, format);
  return format;
}

const lastTimes = new Map<string, { second: number; time: LocalTime }>();

/** @param time_zone a name that `isTimeZone` takes. */
export function localTime(at_ms: number, time_zone: string): LocalTime {
  const second = Math.floor(at_ms / 1000);
  const last = lastTimes.get(time_zone);
  if (last?.second === second) return last.time;
  const [, day, hours, minutes] = /^(\d{4}-\d{2}-\d{2}), (\d{2}):(\d{2})/.exec(formatOf(time_zone).format(at_ms))!;
  const hour = Number(hours);
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay() || 7;
  const time = { day: day!, minute: hour * 60 + Number(minutes), hour, weekday };
  lastTimes.set(time_zone, { second, time });
  return time;
}

/** Whether a name is one of the IANA time zones that are known here. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Minutes since midnight of `HH:MM`, or undefined. */
export function minuteOf(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  return match ? Number(match[1]) * 60 + Number(match[2]) : undefined;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A calendar day `2026-11-20` so many days later, or earlier for a negative count. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** 1 is Monday, 7 Sunday. */
export function weekdayOf(day: string): number {
  return new Date(`${day}T00:00:00Z`).getUTCDay() || 7;
}

/** Whether a text is a day of the calendar; `2026-02-29` is none. */
export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && addDays(text, 0) === text;
}

/**
 * When a clock on the wall shows a time. Of a time that comes twice (clocks go back) the first; for one that is left out
 * (clocks go forward), what the clock would have shown had it not been moved.
 * @param minute since midnight.
 */
export function instantAt(day: string, minute: number, time_zone: string): number {
  const wall = Date.parse(`${day}T00:00:00Z`) + minute * MINUTE_MS;
  const offsetAt = (at: number) => {
    const time = localTime(at, time_zone);
    return Date.parse(`${time.day}T00:00:00Z`) + time.minute * MINUTE_MS - at;
  };
  const [before, after] = [wall - offsetAt(wall - DAY_MS), wall - offsetAt(wall + DAY_MS)];
  const shown = [before, after].filter((at) => at + offsetAt(at) === wall);
  return shown.length === 0 ? before : Math.min(...shown);
}
