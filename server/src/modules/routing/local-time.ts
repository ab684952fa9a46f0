/** What time it is at a place. */

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
