/**
 * What stands between us and a channel: for each account and operation a lane with places of its own (a bulkhead), a
 * time limit and a circuit breaker, so that an account that does not answer costs nobody else anything. A call that a
 * lane keeps back is never made.
 */
import { LRUCache } from "lru-cache";
import type { Clock } from "../kit/clock.ts";
import type { Logger } from "../kit/log.ts";
import { type Breaker, type BreakerView, type CallHealth, createBreaker } from "./breaker.ts";
import { type Bulkhead, type BulkheadRules, createBulkhead } from "./bulkhead.ts";
import type { Unknown } from "./contract.ts";
import { unknown } from "./refusal.ts";

export interface LaneRules extends BulkheadRules {
  /** For one whole operation, however many exchanges it takes. */
  readonly timeout_ms: number;
}

const asking: LaneRules = { concurrent_max: 32, waiting_max: 512, wait_ms: 3_000, timeout_ms: 6_000 };
const acting: LaneRules = { concurrent_max: 32, waiting_max: 512, wait_ms: 3_000, timeout_ms: 12_000 };

/** By operation; what is not named is `acting`. */
const laneRules: Readonly<Record<string, LaneRules>> = {
  // A payer waits: as many as come at once, and none for longer than it takes to try elsewhere.
  pay: { concurrent_max: 64, waiting_max: 1_024, wait_ms: 3_000, timeout_ms: 12_000 },
  query: asking,
  close: asking,
  refund_query: asking,
  identity: { ...asking, timeout_ms: 5_000 },
  // Nobody waits for a bill, and one that comes within an answer is long.
  bill: { concurrent_max: 2, waiting_max: 32, wait_ms: 60_000, timeout_ms: 60_000 },
};

/** The health of one operation of an account, as this process sees it. */
export interface LaneHealth extends BreakerView {
  /** UUID. */
  readonly account_id: string;
  readonly operation: string;
  /** Calls under way, and calls that wait for a place. */
  readonly active: number;
  readonly waiting: number;
}

export interface Guard {
  /**
   * Runs `call` in the lane, or answers that it was kept back: an unknown with `held_back`.
   * @param call what it came to, and whether that speaks for or against the channel.
   */
  run<Outcome>(
    account_id: string,
    operation: string,
    call: (timeout_ms: number) => Promise<{ outcome: Outcome; health: CallHealth }>,
  ): Promise<Outcome | Unknown>;
  /** Why a call would be kept back now; undefined when it would be made. */
  refuses(account_id: string, operation: string): "breaker" | "bulkhead" | undefined;
  /** The lanes of an account that were used lately. */
  health(account_id: string): LaneHealth[];
}

export interface GuardOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly timeout_ms: number;
}

interface Lane {
  readonly breaker: Breaker;
  readonly bulkhead: Bulkhead;
  readonly timeout_ms: number;
}

/** An account's lanes are a few hundred bytes each; who was not heard of for longest is forgotten. */
const ACCOUNTS_MAX = 8_192;

/** @param options.timeout_ms the longest that any operation may take, where its own limit is not shorter. */
export function createGuard({ clock, log, timeout_ms }: GuardOptions): Guard {
  const accounts = new LRUCache<string, Map<string, Lane>>({ max: ACCOUNTS_MAX });

  function laneOf(account_id: string, operation: string): Lane {
    const lanes = accounts.get(account_id) ?? new Map<string, Lane>();
    accounts.set(account_id, lanes);
    const lane = lanes.get(operation) ?? createLane(operation, timeout_ms);
    lanes.set(operation, lane);
    return lane;
  }

  return {
    async run(account_id, operation, call) {
      const { breaker, bulkhead, timeout_ms: limit_ms } = laneOf(account_id, operation);
      if (!breaker.admits(clock.now())) return heldBack("breaker");
      const entering = bulkhead.enter();
      if (entering !== true && !(await entering)) return heldBack("bulkhead");
      // It may have opened while this call waited for its place.
      const pass = breaker.admit(clock.now());
      if (!pass) {
        bulkhead.leave();
        return heldBack("breaker");
      }
      let health: CallHealth = "none";
      try {
        const done = await call(limit_ms);
        health = done.health;
        return done.outcome;
      } finally {
        const change = breaker.settle(pass, health, clock.now());
        bulkhead.leave();
        if (change === "opened") log.warn({ account_id, operation }, "breaker opened: calls are kept back for a while");
        if (change === "closed") log.info({ account_id, operation }, "breaker closed");
      }
    },
    refuses(account_id, operation) {
      const lane = accounts.get(account_id)?.get(operation);
      if (!lane) return undefined;
      if (!lane.breaker.admits(clock.now())) return "breaker";
      return lane.bulkhead.full ? "bulkhead" : undefined;
    },
    health(account_id) {
      return [...(accounts.peek(account_id) ?? [])].map(([operation, { breaker, bulkhead }]) => {
        const { active, waiting } = bulkhead;
        return { account_id, operation, ...breaker.view(clock.now()), active, waiting };
      });
    },
  };
}

function createLane(operation: string, timeout_ms: number): Lane {
  const rules = (Object.hasOwn(laneRules, operation) && laneRules[operation]) || acting;
  return {
    breaker: createBreaker(),
    bulkhead: createBulkhead(rules),
    timeout_ms: Math.min(rules.timeout_ms, timeout_ms),
  };
}

const reasons = {
  breaker: "not sent: this account's calls of this kind met trouble lately, and its breaker is open",
  bulkhead: "not sent: too many calls of this kind wait for this account",
} as const;

function heldBack(by: keyof typeof reasons): Unknown {
  return { ...unknown("not_sent", reasons[by]), held_back: by };
}
