/**
 * Group commit: concurrent requests that do the same thing share one transaction. While one batch is being committed the
 * next collects, so a lone request waits for nobody and a busy system amortizes the fsync and the round trips.
 */
import { InvariantError } from "../error.ts";
import { isUnavailable } from "./database.ts";

export interface GroupOptions<Item, Result> {
  /** Names the statement kind, for errors and metrics. */
  name: string;
  /**
   * Writes all items in one transaction and returns one result for each, in order. Refusals of single items are values
   * among the results; a throw means that nothing of the batch was written.
   */
  run(items: readonly Item[]): Promise<readonly Result[]>;
  /** Items in one transaction at most. */
  batch_max: number;
  /** How long the first item of a batch may wait for company. 0 waits only for the current turn of the event loop. */
  window_ms?: number;
  /** Batches under way at once. One keeps hot rows free of lock waits among our own batches. */
  in_flight_max?: number;
  /** On a distributed database: batches never mix keys (the merchant), so that each stays on one shard. */
  key?: (item: Item) => string;
  /** Items that may wait, over all keys; more are refused at once rather than kept in memory. */
  waiting_max?: number;
}

/** More work is waiting than the group may keep. */
export class GroupFullError extends Error {
  override readonly name = "GroupFullError";
}

interface Waiting<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

interface Lane<Item, Result> {
  waiting: Waiting<Item, Result>[];
  in_flight: number;
  scheduled: boolean;
  /** The window of the batch that is collecting; ends early when the batch is full. */
  window: NodeJS.Timeout | undefined;
}

/** Gives a function that submits one item and resolves with its own result after the commit of its batch. */
export function createGroup<Item, Result>(options: GroupOptions<Item, Result>): (item: Item) => Promise<Result> {
  const lanes = new Map<string, Lane<Item, Result>>();
  const inFlightMax = options.in_flight_max ?? 1;
  const waitingMax = options.waiting_max ?? 10_000;
  let waitingCount = 0;

  function schedule(key: string, lane: Lane<Item, Result>): void {
    if (lane.in_flight >= inFlightMax || lane.waiting.length === 0) return;
    const full = lane.waiting.length >= options.batch_max;
    if (lane.scheduled && !(full && lane.window)) return;
    clearTimeout(lane.window);
    lane.window = undefined;
    lane.scheduled = true;
    const flush = () => void flushLane(key, lane);
    if (full || !options.window_ms) setImmediate(flush);
    else lane.window = setTimeout(flush, options.window_ms);
  }

  async function flushLane(key: string, lane: Lane<Item, Result>): Promise<void> {
    lane.scheduled = false;
    lane.window = undefined;
    const batch = lane.waiting.splice(0, options.batch_max);
    waitingCount -= batch.length;
    lane.in_flight++;
    schedule(key, lane);
    await runBatch(options, batch);
    lane.in_flight--;
    if (lane.waiting.length === 0 && lane.in_flight === 0) lanes.delete(key);
    else schedule(key, lane);
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waitingCount >= waitingMax) {
        reject(new GroupFullError(`${options.name} has too much work waiting`));
        return;
      }
      const key = options.key?.(item) ?? "";
      let lane = lanes.get(key);
      if (!lane) {
        lane = { waiting: [], in_flight: 0, scheduled: false, window: undefined };
        lanes.set(key, lane);
      }
      waitingCount += 1;
      lane.waiting.push({ item, resolve, reject });
      schedule(key, lane);
    });
}

/** Runs a batch; when it fails, halves it until the offender stands alone and only the offender fails. */
async function runBatch<Item, Result>(
  options: GroupOptions<Item, Result>,
  batch: readonly Waiting<Item, Result>[],
): Promise<void> {
  let results: readonly Result[];
  try {
    results = await options.run(batch.map((waiting) => waiting.item));
  } catch (error) {
    // Without a database every half would fail the same way, and what was committed is not known: tell everyone.
    if (batch.length === 1 || isUnavailable(error)) {
      for (const waiting of batch) waiting.reject(error);
      return;
    }
    const middle = batch.length >> 1;
    await runBatch(options, batch.slice(0, middle));
    await runBatch(options, batch.slice(middle));
    return;
  }
  for (const [index, waiting] of batch.entries()) {
    // The batch is committed: to run it again in halves would do its work twice.
    if (results.length === batch.length) waiting.resolve(results[index]!);
    else waiting.reject(new InvariantError(`${options.name} gave ${results.length} results for ${batch.length} items`));
  }
}
