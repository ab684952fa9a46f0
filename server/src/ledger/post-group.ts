import type { Clock } from "../kit/clock.ts";
import type { Database } from "../kit/sql/database.ts";
import { createGroup } from "../kit/sql/group-commit.ts";
import { type PostResult, post } from "./post.ts";
import type { NewPosting } from "./posting.ts";

export interface PostGroupOptions {
  db: Database;
  clock: Clock;
  /** Postings in one transaction at most. */
  batch_max?: number;
  /** Batches under way at once; a book always goes the same way, so they never wait for each other's locks. */
  lanes?: number;
  /**
   * Batches of one lane under way at once. The second is made and sent while the database writes the first, whose locks
   * it then takes over.
   */
  in_flight_max?: number;
  /** Postings that may wait for their turn in each lane. */
  waiting_max?: number;
  /** On a distributed database every batch is of one merchant, so that it stays on one machine. */
  distributed?: boolean;
}

const BATCH_MAX = 1_000;
const LANES = 2;
const IN_FLIGHT_MAX = 2;

/** Gives a function that posts by itself, in a transaction shared with others who post at the same moment. */
export function createPostGroup(options: PostGroupOptions): (posting: NewPosting) => Promise<PostResult> {
  const { db, clock, batch_max = BATCH_MAX, lanes = LANES } = options;
  return createGroup({
    name: "ledger.post",
    batch_max,
    in_flight_max: options.in_flight_max ?? IN_FLIGHT_MAX,
    ...(options.waiting_max === undefined ? {} : { waiting_max: options.waiting_max }),
    key: options.distributed ? (posting) => posting.merchant_id : (posting) => laneOf(posting.merchant_id, lanes),
    run: (postings) => db.transaction((tx) => post(tx, postings, clock.now())),
  });
}

/** The last digits of a UUIDv7 are random, so they spread the merchants evenly. */
function laneOf(merchant_id: string, lanes: number): string {
  return String(Number.parseInt(merchant_id.slice(-6), 16) % lanes);
}
