/**
 * A circuit breaker as a plain state machine: closed until calls of the last minute met trouble too often, then open for
 * a while, then half open, where one call at a time is let through as a probe. It holds no timer and reads no clock.
 */

export interface BreakerRules {
  /** How far back calls count. */
  readonly window_ms: number;
  /** Fewer troubles than this never open it. */
  readonly troubles_min: number;
  /** The share of calls that must be in trouble, in parts per million. */
  readonly trouble_ppm: number;
  /** How long it stays open at first; twice as long after each probe in trouble, up to `wait_max_ms`. */
  readonly wait_ms: number;
  readonly wait_max_ms: number;
}

export const breakerRules: BreakerRules = {
  window_ms: 60_000,
  troubles_min: 5,
  trouble_ppm: 500_000,
  wait_ms: 5_000,
  wait_max_ms: 60_000,
};

/** `open` lets nothing through before `retry_at`; `half_open` lets a probe through, or waits for one under way. */
export type BreakerState = "closed" | "open" | "half_open";

export interface BreakerView {
  readonly state: BreakerState;
  /** Epoch milliseconds since which it is not closed; null while it is. */
  readonly opened_at: number | null;
  /** Epoch milliseconds from which a probe may go through; null while it is closed. */
  readonly retry_at: number | null;
  /** Within the window, since it last closed. */
  readonly calls: number;
  readonly troubles: number;
}

/** What a call came to: `none` when nothing was sent, which tells nothing about the channel. */
export type CallHealth = "good" | "trouble" | "none";

/** Lets one call through; its health is told by the same pass. */
export interface Pass {
  readonly round: number;
  readonly probe: boolean;
}

export type BreakerChange = "opened" | "closed";

export interface Breaker {
  /** Whether `admit` would give a pass now. */
  admits(now: number): boolean;
  /** A pass for one call, or undefined when it must not be made. Every pass is given back by `settle`, once. */
  admit(now: number): Pass | undefined;
  settle(pass: Pass, health: CallHealth, now: number): BreakerChange | undefined;
  view(now: number): BreakerView;
}

const BUCKETS = 6;

/** Instants in epoch milliseconds, by whatever clock the caller keeps to. */
export function createBreaker(rules: BreakerRules = breakerRules): Breaker {
  const counts = createWindow(rules.window_ms);
  let opened_at: number | null = null;
  let retry_at = 0;
  let wait_ms = rules.wait_ms;
  let probing = false;
  // Calls that began before the last change of state tell nothing about the state after it.
  let round = 0;

  function open(now: number): BreakerChange {
    opened_at ??= now;
    retry_at = now + wait_ms;
    wait_ms = Math.min(2 * wait_ms, rules.wait_max_ms);
    round += 1;
    return "opened";
  }

  function close(): BreakerChange {
    opened_at = null;
    wait_ms = rules.wait_ms;
    round += 1;
    counts.clear();
    return "closed";
  }

  const admits = (now: number) => opened_at === null || (now >= retry_at && !probing);
  return {
    admits,
    admit(now) {
      if (!admits(now)) return undefined;
      probing = opened_at !== null;
      return { round, probe: probing };
    },
    settle(pass, health, now) {
      if (pass.probe) probing = false;
      if (pass.round !== round || health === "none") return undefined;
      if (pass.probe) return health === "good" ? close() : open(now);
      counts.add(now, health === "trouble");
      const { calls, troubles } = counts.sum(now);
      const opens = troubles >= rules.troubles_min && troubles * 1_000_000 >= calls * rules.trouble_ppm;
      return opens ? open(now) : undefined;
    },
    view(now) {
      const state = opened_at === null ? "closed" : now < retry_at ? "open" : "half_open";
      return { state, opened_at, retry_at: opened_at === null ? null : retry_at, ...counts.sum(now) };
    },
  };
}

/** Calls and troubles of the last `window_ms`, to a sixth of it. */
function createWindow(window_ms: number) {
  const width_ms = window_ms / BUCKETS;
  const buckets = Array.from({ length: BUCKETS }, () => ({ slot: -1, calls: 0, troubles: 0 }));
  return {
    add(now: number, trouble: boolean): void {
      const slot = Math.floor(now / width_ms);
      const bucket = buckets[slot % BUCKETS]!;
      if (bucket.slot !== slot) Object.assign(bucket, { slot, calls: 0, troubles: 0 });
      bucket.calls += 1;
      if (trouble) bucket.troubles += 1;
    },
    sum(now: number): { calls: number; troubles: number } {
      const oldest = Math.floor(now / width_ms) - BUCKETS;
      const sum = { calls: 0, troubles: 0 };
      for (const bucket of buckets) {
        if (bucket.slot <= oldest) continue;
        sum.calls += bucket.calls;
        sum.troubles += bucket.troubles;
      }
      return sum;
    },
    clear(): void {
      for (const bucket of buckets) bucket.slot = -1;
    },
  };
}
