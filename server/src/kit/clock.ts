/** The one clock. Everything that asks for the time asks a `Clock`, so that tests and replays can move it. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** A clock that stands still until it is moved. */
export interface ManualClock extends Clock {
  advance(duration_ms: number): void;
}

/** Makes a clock that stands at `start_ms` (Unix epoch); for tests, simulations and replays. */
export function createManualClock(start_ms: number): ManualClock {
  let current = start_ms;
  return {
    now: () => current,
    advance(duration_ms) {
      current += duration_ms;
    },
  };
}

/** A prime, so that instants a round time apart have places of their own. */
const PLACES = 61;
const shownAt_ms: number[] = Array(PLACES).fill(Number.NaN);
const shownText: string[] = Array(PLACES).fill("");

/**
 * RFC 3339 in UTC with milliseconds, the only form in which the API shows an instant. The newest are remembered: a batch
 * and what it answers show the same moments many times.
 */
export function toRfc3339(at_ms: number): string {
  const place = Math.abs(at_ms % PLACES);
  if (at_ms !== shownAt_ms[place]) {
    const text = new Date(at_ms).toISOString();
    if (!Number.isInteger(at_ms)) return text;
    shownText[place] = text;
    shownAt_ms[place] = at_ms;
  }
  return shownText[place]!;
}
