/** Days and clocks of a place: when a day begins there, and what its clocks show. Zones are IANA names. */

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

/** Whether a text names a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const MINUTE_MS = 60_000;
/** How far clocks were ahead of UTC in the minute last asked about: a formatter takes longer than the rest of a line. */
const lastOffsets = new Map<string, { minute: number; offset_ms: number }>();

function offsetAt(at_ms: number, time_zone: string): number {
  const minute = Math.floor(at_ms / MINUTE_MS);
  const last = lastOffsets.get(time_zone);
  if (last?.minute === minute) return last.offset_ms;
  const shown = formatOf(time_zone)
    .format(minute * MINUTE_MS)
    .replace(", ", "T");
  const offset_ms = Date.parse(`${shown}Z`) - minute * MINUTE_MS;
  lastOffsets.set(time_zone, { minute, offset_ms });
  return offset_ms;
}

/** `2026-11-20 12:00:00`, as a clock on the wall shows an instant (epoch milliseconds). Throws RangeError for no zone. */
export function localText(at_ms: number, time_zone: string): string {
  const local = new Date(at_ms + offsetAt(at_ms, time_zone)).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)}`;
}

/** The day, `2026-11-20`, that an instant belongs to. */
export function localDay(at_ms: number, time_zone: string): string {
  return localText(at_ms, time_zone).slice(0, 10);
}

export interface LocalDay {
  /** The first instant of the day, and of the next one; epoch milliseconds. */
  readonly from: number;
  readonly to: number;
}

const DAY_MS = 86_400_000;
/** No clock is further from UTC. */
const OFFSET_MAX_S = 15 * 3_600;

/** A day (`2026-11-20`, from 1970 to 9999) of a place, or undefined for a text that names none. It may have 23 to 25 hours. */
export function dayOf(date: string, time_zone: string): LocalDay | undefined {
  const noon = /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T12:00:00Z`) : Number.NaN;
  if (!(noon > 0) || new Date(noon).toISOString().slice(0, 10) !== date) return undefined;
  const next = new Date(noon + DAY_MS).toISOString().slice(0, 10);
  // The year 10,000 is written with a sign, which sorts before digits.
  if (next < date) return undefined;
  return { from: findDayStart(date, time_zone), to: findDayStart(next, time_zone) };
}

/**
 * The first second in which clocks show that day or a later one. It is looked for, because where clocks change at
 * midnight a day begins at one o'clock, and where a zone moved over the date line a day is left out.
 */
function findDayStart(date: string, time_zone: string): number {
  const midnight_s = Date.parse(`${date}T00:00:00Z`) / 1000;
  let [before, reached] = [midnight_s - OFFSET_MAX_S, midnight_s + OFFSET_MAX_S];
  while (reached - before > 1) {
    const middle = Math.floor((before + reached) / 2);
    if (localDay(middle * 1000, time_zone) >= date) reached = middle;
    else before = middle;
  }
  return reached * 1000;
}

/** A calendar day `2026-11-20` so many days later, or earlier for a negative count. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** 1 is Monday, 7 Sunday. */
export function weekdayOf(date: string): number {
  return new Date(`${date}T00:00:00Z`).getUTCDay() || 7;
}

/**
 * When a clock on the wall shows a time, in minutes since midnight. Of a time that comes twice (clocks go back) the first;
 * for one that is left out (clocks go forward), what the clock would have shown had it not been moved.
 */
export function instantAt(date: string, minute: number, time_zone: string): number {
  const wall = Date.parse(`${date}T00:00:00Z`) + minute * MINUTE_MS;
  const shownAt = (at: number) => Date.parse(`${localText(at, time_zone).replace(" ", "T")}Z`);
  const candidates = [wall - DAY_MS, wall + DAY_MS].map((near) => wall - (shownAt(near) - near));
  const shown = candidates.filter((at) => shownAt(at) === wall);
  return shown.length === 0 ? candidates[0]! : Math.min(...shown);
}
