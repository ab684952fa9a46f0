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

let lastAt_ms = Number.NaN;
let lastText = "";

/**
 * RFC 3339 in UTC with milliseconds, the only form in which the API shows an instant. The last one is remembered: a batch
 * and what it answers show the same moment many times.
 */
export function toRfc3339(at_ms: number): string {
  if (at_ms !== lastAt_ms) {
    lastText = new Date(at_ms).toISOString();
    lastAt_ms = at_ms;
  }
  return lastText;
}
