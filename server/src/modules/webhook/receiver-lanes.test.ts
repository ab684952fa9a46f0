// Guarantee: a receiver's share of the worker shrinks as it gets slower, and only a slow receiver's backlog is put off.
import { expect, test } from "vitest";
import { createManualClock } from "../../kit/clock.ts";
import { createReceiverLanes, PARKED_MS_MAX } from "./receiver-lanes.ts";

const host = "shop.example";

function openLanes() {
  const clock = createManualClock(1_000_000);
  const lanes = createReceiverLanes(clock, 32);
  const visit = (duration_ms: number) => {
    const leave = lanes.enter(host);
    clock.advance(duration_ms);
    leave();
  };
  return { clock, lanes, visit, state: () => lanes.states().find((lane) => lane.receiver === host)! };
}

test("an unknown receiver starts small, a quick one gets all places", () => {
  const { lanes, visit, state } = openLanes();
  const leave = lanes.enter(host);
  expect(state()).toMatchObject({ free: lanes.fresh_places - 1, pace_ms: 0 });
  leave();
  for (let count = 0; count < 10; count++) visit(5);
  expect(state()).toMatchObject({ free: 32, pace_ms: 0 });
});

test("a slow receiver is left a few places and its backlog is spread over the time it will take", () => {
  const { lanes, visit, state, clock } = openLanes();
  for (let count = 0; count < 10; count++) visit(2_000);
  expect(state()).toMatchObject({ free: 4, parked_ms: 0, pace_ms: 500 });
  lanes.park(host, 10);
  expect(state().parked_ms).toBe(5_000);
  clock.advance(2_000);
  expect(state().parked_ms).toBe(3_000);
  lanes.park(host, 10_000);
  expect(state().parked_ms).toBe(PARKED_MS_MAX);
});

test("a receiver that hangs is slow before its first answer", () => {
  const { lanes, state, clock } = openLanes();
  lanes.enter(host);
  clock.advance(10_000);
  expect(state()).toMatchObject({ free: 3 });
  expect(state().pace_ms).toBeGreaterThan(0);
});

test("a receiver that recovers gets its places back", () => {
  const { visit, state } = openLanes();
  visit(15_000);
  for (let count = 0; count < 40; count++) visit(5);
  expect(state()).toMatchObject({ free: 32, pace_ms: 0 });
});
