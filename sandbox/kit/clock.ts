/**
 * The sandbox's own movable clock, and the queue of things that are due at some time of it: notice retries and
 * delayed refunds. Moving the clock forward walks through every due job in order, each at its own time, so that a
 * test sees a channel's retry schedule of a day exactly as a day would show it.
 */

/** One thing to be done at `due_ms`. A cancelled job is skipped when its time comes. */
export type Job = { readonly due_ms: number; readonly run: () => Promise<void> | void; cancelled: boolean };

/** Milliseconds since the epoch throughout. */
export type SandboxClock = {
  /** The channel's present time. */
  now(): number;
  /** Runs `run` once the clock has reached `due_ms`. */
  schedule(due_ms: number, run: Job["run"]): Job;
  /** Moves the clock forward, running what falls due on the way; resolves when all of it has run. */
  advance(ms: number): Promise<void>;
  /** Goes back to the underlying clock; jobs keep their times. */
  reset(): void;
  /** How far the clock has been moved. */
  offset(): number;
  /** Forgets every job. */
  clear(): void;
  /** Stops the timer for good. */
  stop(): void;
};

/** How long a real timer may sleep when time can also be moved from outside, in milliseconds. */
const poll_ms = 100;
const timer_ms_max = 60_000;

/** The machine's own clock, in milliseconds since the epoch. */
export const machineTime = (): number => Date.now();

/**
 * Builds a clock over `base`. When `base` is injected (a test's clock) it may jump without telling, so due jobs are
 * looked for every 100 ms instead of being waited for.
 */
export function createClock(base: () => number, injected: boolean): SandboxClock {
  const jobs: Job[] = [];
  let offset_ms = 0;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const now = () => base() + offset_ms;

  function arm(): void {
    clearTimeout(timer);
    const next = jobs[0];
    if (stopped || next === undefined) return;
    const wait_ms = Math.max(0, Math.min(next.due_ms - now(), injected ? poll_ms : timer_ms_max));
    timer = setTimeout(runDue, wait_ms);
    timer.unref();
  }

  function takeDue(until_ms: number): Job | undefined {
    if (jobs[0] === undefined || jobs[0].due_ms > until_ms) return undefined;
    return jobs.shift();
  }

  function runDue(): void {
    for (let job = takeDue(now()); job; job = takeDue(now())) if (!job.cancelled) void job.run();
    arm();
  }

  return {
    now,
    offset: () => offset_ms,
    schedule(due_ms, run) {
      const job: Job = { due_ms, run, cancelled: false };
      let index = jobs.length;
      while (index > 0 && jobs[index - 1]!.due_ms > due_ms) index -= 1;
      jobs.splice(index, 0, job);
      if (index === 0) arm();
      return job;
    },
    async advance(ms) {
      const target_ms = now() + ms;
      clearTimeout(timer);
      for (let job = takeDue(target_ms); job; job = takeDue(target_ms)) {
        if (job.cancelled) continue;
        offset_ms += Math.max(0, job.due_ms - now());
        await job.run();
      }
      offset_ms += Math.max(0, target_ms - now());
      arm();
    },
    reset() {
      offset_ms = 0;
      arm();
    },
    clear() {
      jobs.length = 0;
      clearTimeout(timer);
    },
    stop() {
      stopped = true;
      jobs.length = 0;
      clearTimeout(timer);
    },
  };
}

const beijing_offset_ms = 8 * 3_600_000;

/** WeChat's time format: RFC 3339 in Beijing time, to the second. */
export function formatRfc3339(ms: number): string {
  return `${new Date(ms + beijing_offset_ms).toISOString().slice(0, 19)}+08:00`;
}

/** Alipay's time format: `yyyy-MM-dd HH:mm:ss` in Beijing time. */
export function formatBeijing(ms: number): string {
  return new Date(ms + beijing_offset_ms).toISOString().slice(0, 19).replace("T", " ");
}

/** `yyyyMMddHHmmss` in Beijing time, as channels' numbers begin. */
export function formatCompact(ms: number): string {
  return new Date(ms + beijing_offset_ms).toISOString().slice(0, 19).replace(/[-T:]/g, "");
}

/** Reads `yyyy-MM-dd HH:mm[:ss]` as Beijing time; undefined when it is no such time. */
export function parseBeijing(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2})(:\d{2})?$/.exec(text);
  if (match === null) return undefined;
  const ms = Date.parse(`${match[1]}T${match[2]}${match[3] ?? ":00"}+08:00`);
  return Number.isNaN(ms) ? undefined : ms;
}
