/**
 * Due work lives in the row that needs it: `due_at` says when someone must look next. A worker claims due rows by moving
 * their `due_at` forward (a lease, with SKIP LOCKED), works, and writes the result. A worker that dies loses nothing:
 * its lease runs out and another one takes the row. Any number of workers may run.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, withLogContext } from "../log.ts";

export interface DueLoopOptions<Item> {
  name: string;
  /** Claims up to `limit` due rows, moving their `due_at` past the lease, and commits. */
  claim(limit: number): Promise<readonly Item[]>;
  /** Does the work of one row. A throw is logged; the row comes again when its lease has run out. */
  handle(item: Item): Promise<void>;
  /** Rows worked on at the same time. */
  concurrency: number;
  /** How long to rest when nothing was due, in milliseconds. */
  interval_ms: number;
  /**
   * How many times as long as an item took its place rests after it: a job with much to do leaves the machine to those who
   * wait, the more so the busier it is. None unless given.
   */
  rest_factor?: number;
  log: Logger;
}

export interface DueLoop {
  start(): void;
  /** Looks for due rows now, without waiting for the interval: called after a commit that made some. */
  kick(): void;
  /** Claims and works until nothing is due; for tests and one-off runs. Gives the number of rows worked on. */
  drain(): Promise<number>;
  /** Claims nothing more and waits for what is under way. */
  stop(): Promise<void>;
}

/** Makes a loop; it rests until it is started. */
export function createDueLoop<Item>(options: DueLoopOptions<Item>): DueLoop {
  const running = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let stopped = true;
  let polling: Promise<void> | undefined;
  let kicked = false;

  /** Fills the free places once; true when there may be more due rows than places. */
  async function fill(): Promise<boolean> {
    const free = options.concurrency - running.size;
    if (free <= 0) return false;
    const items = await options.claim(free);
    for (const item of items) {
      const task = work(options, item).finally(() => {
        running.delete(task);
        if (!stopped) loop.kick();
      });
      running.add(task);
    }
    return items.length === free;
  }

  async function poll(): Promise<void> {
    try {
      do {
        kicked = false;
        while (!stopped && (await fill()));
      } while (kicked && !stopped && running.size < options.concurrency);
    } catch (error) {
      options.log.warn({ err: error, job: options.name }, "due rows could not be claimed; trying again");
    } finally {
      polling = undefined;
      if (!stopped) timer = setTimeout(trigger, options.interval_ms);
    }
  }

  function trigger(): void {
    clearTimeout(timer);
    if (stopped || polling) return;
    polling = poll();
  }

  const loop: DueLoop = {
    start() {
      stopped = false;
      trigger();
    },
    kick() {
      kicked = true;
      trigger();
    },
    drain: () => drain(options),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await polling;
      await Promise.all(running);
    },
  };
  return loop;
}

async function work<Item>(options: DueLoopOptions<Item>, item: Item): Promise<void> {
  const started = performance.now();
  try {
    await withLogContext({ job: options.name }, () => options.handle(item));
  } catch (error) {
    options.log.error({ err: error, job: options.name }, "due work failed; it comes again after its lease");
  }
  if (options.rest_factor !== undefined) await sleep(options.rest_factor * (performance.now() - started));
}

async function drain<Item>(options: DueLoopOptions<Item>): Promise<number> {
  for (let count = 0; ; ) {
    const items = await options.claim(options.concurrency);
    if (items.length === 0) return count;
    count += items.length;
    await Promise.all(items.map((item) => work(options, item)));
  }
}
