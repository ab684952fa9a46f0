// Guarantee: the schedule of tries lasts about three days, its jitter stays within bounds, and the state table is sound.
import fc from "fast-check";
import { expect, test } from "vitest";
import { createSeededRandom } from "../../kit/random.ts";
import { terminalStates, unreachableStates } from "../../kit/state-machine.ts";
import { deliveryTransitions, nextTryDelay, RETRY_AFTER_MAX_MS, tryDelays_ms } from "./delivery.ts";

test("about ten tries over about three days", () => {
  const total_ms = tryDelays_ms.reduce((sum, delay) => sum + delay, 0);
  expect(tryDelays_ms.length).toBeGreaterThanOrEqual(10);
  expect(total_ms / 86_400_000).toBeGreaterThan(2.5);
  expect(total_ms / 86_400_000).toBeLessThan(3.5);
});

test("a wait is within a tenth of the schedule, or longer where Retry-After asks for it, up to a day", () => {
  const count = fc.integer({ min: 0, max: tryDelays_ms.length - 1 });
  const retryAfter = fc.option(fc.integer({ min: 0, max: 10 * RETRY_AFTER_MAX_MS }), { nil: undefined });
  fc.assert(
    fc.property(count, retryAfter, fc.integer(), (attempt_count, retry_after_ms, seed) => {
      const scheduled = tryDelays_ms[attempt_count]!;
      const delay = nextTryDelay(attempt_count, createSeededRandom(seed), retry_after_ms)!;
      expect(delay).toBeGreaterThanOrEqual(
        Math.max(Math.floor(scheduled * 0.9), Math.min(retry_after_ms ?? 0, RETRY_AFTER_MAX_MS)),
      );
      expect(delay).toBeLessThanOrEqual(Math.max(Math.ceil(scheduled * 1.1), RETRY_AFTER_MAX_MS));
    }),
  );
});

test("after the last try there is none", () => {
  expect(nextTryDelay(tryDelays_ms.length, createSeededRandom(1), 1_000)).toBeUndefined();
});

test("every state is reached from pending, and all others are final", () => {
  expect(unreachableStates(deliveryTransitions, "pending")).toEqual([]);
  expect(terminalStates(deliveryTransitions)).toEqual(["delivered", "failed", "canceled"]);
});
