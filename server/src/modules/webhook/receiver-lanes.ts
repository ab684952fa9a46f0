/**
 * Fair shares of the worker's places. Each receiver (name and port) has a lane with a number of places that shrinks as
 * it gets slower, so that no receiver can hold more than its part of the worker's time. What is due beyond that is left
 * in the queue while the receiver is quick, for it will be gone in moments. A slow receiver's backlog would stand in
 * front of everybody else's work: it is put off, each delivery to about when its lane will have come to it.
 */
import { LRUCache } from "lru-cache";
import type { Clock } from "../../kit/clock.ts";

/** What a claim must know of a lane. */
export interface LaneState {
  receiver: string;
  /** Deliveries that may be taken now. */
  free: number;
  /** Milliseconds from now at which the first delivery put off comes back. */
  parked_ms: number;
  /** Milliseconds between two deliveries put off; 0 leaves the backlog where it is. */
  pace_ms: number;
}

/** The lanes of one worker; workers do not share them. */
export interface ReceiverLanes {
  /** Places of a receiver without a lane. */
  readonly fresh_places: number;
  /** Lanes that differ from the untouched one. */
  states(): LaneState[];
  /** Takes a place; gives the function that frees it. */
  enter(receiver: string): () => void;
  /** Notes that `count` deliveries were put off. */
  park(receiver: string, count: number): void;
}

/** Places of a receiver of which nothing is known yet. */
const FRESH_PLACES_MAX = 8;

const SLOW_PLACES = 4;
/** A receiver that answers within this is quick and gets all places. */
const QUICK_MS = 100;
/** Beyond this a receiver is slow, and its backlog is put off. */
const SLOW_MS = 500;
/** Nothing is put off longer, so that a receiver that has recovered is noticed. */
export const PARKED_MS_MAX = 60_000;
/** Weight of the newest duration in the running average. */
const NEWEST_WEIGHT = 0.2;
const LANES_MAX = 1_000;

interface Lane {
  /** When each try under way began; the oldest first. */
  in_flight: Set<{ started: number }>;
  /** Running average of a try's duration; undefined before the first. */
  average_ms: number | undefined;
  parked_until: number;
}

/** @param places_max places of a quick receiver. */
export function createReceiverLanes(clock: Clock, places_max: number): ReceiverLanes {
  const lanes = new LRUCache<string, Lane>({ max: LANES_MAX });
  const fresh_places = Math.min(FRESH_PLACES_MAX, places_max);

  function laneOf(receiver: string): Lane {
    let lane = lanes.get(receiver);
    if (!lane) {
      lane = { in_flight: new Set(), average_ms: undefined, parked_until: 0 };
      lanes.set(receiver, lane);
    }
    return lane;
  }

  function stateOf(receiver: string, lane: Lane): LaneState {
    const expected_ms = expectedDuration(lane, clock.now());
    const places = expected_ms === undefined ? fresh_places : placesFor(expected_ms, places_max);
    const isSlow = expected_ms !== undefined && expected_ms > SLOW_MS;
    return {
      receiver,
      free: Math.max(0, places - lane.in_flight.size),
      parked_ms: Math.min(PARKED_MS_MAX, Math.max(0, lane.parked_until - clock.now())),
      pace_ms: isSlow ? Math.ceil(expected_ms / places) : 0,
    };
  }

  return {
    fresh_places,
    states: () => [...lanes].map(([receiver, lane]) => stateOf(receiver, lane)),
    enter(receiver) {
      const lane = laneOf(receiver);
      const visit = { started: clock.now() };
      lane.in_flight.add(visit);
      return () => {
        lane.in_flight.delete(visit);
        const duration = clock.now() - visit.started;
        lane.average_ms = (lane.average_ms ?? duration) * (1 - NEWEST_WEIGHT) + duration * NEWEST_WEIGHT;
      };
    },
    park(receiver, count) {
      const lane = laneOf(receiver);
      const { pace_ms } = stateOf(receiver, lane);
      lane.parked_until = Math.max(lane.parked_until, clock.now()) + count * pace_ms;
    },
  };
}

/** The running average, or the age of the oldest try under way when that is more: silence is slow before it ends. */
function expectedDuration(lane: Lane, now: number): number | undefined {
  const [oldest] = lane.in_flight;
  if (!oldest || now - oldest.started <= SLOW_MS) return lane.average_ms;
  return Math.max(lane.average_ms ?? 0, now - oldest.started);
}

function placesFor(average_ms: number, places_max: number): number {
  const share = Math.round((places_max * QUICK_MS) / Math.max(average_ms, QUICK_MS));
  return Math.min(places_max, Math.max(SLOW_PLACES, share));
}
