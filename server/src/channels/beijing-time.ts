/** The channels of mainland China write times of the zone UTC+8, which has no daylight saving time. */
const OFFSET_MS = 8 * 3_600_000;

/** `2026-11-20 20:05:09`, seconds rounded down. */
export function toBeijingTime(at_ms: number): string {
  return new Date(at_ms + OFFSET_MS).toISOString().slice(0, 19).replace("T", " ");
}

/** `2026-11-20T20:05:09+08:00`, seconds rounded down. */
export function toBeijingRfc3339(at_ms: number): string {
  return `${new Date(at_ms + OFFSET_MS).toISOString().slice(0, 19)}+08:00`;
}

/** Epoch milliseconds of `2026-11-20 20:05:09`, or undefined when the text is not such a time. */
export function fromBeijingTime(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.\d{1,3})?$/.exec(text);
  return match ? fromRfc3339(`${match[1]}T${match[2]}+08:00`) : undefined;
}

/** Epoch milliseconds of an RFC 3339 time, or undefined when the text is not one. */
export function fromRfc3339(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/.test(text)) return undefined;
  const at_ms = Date.parse(text);
  return Number.isNaN(at_ms) ? undefined : at_ms;
}
