// Guarantee: the state tables of payments and attempts are sound, money that really came is never refused by them, and
// an open attempt is asked about on the channels' recommended schedule and then hourly.
import { describe, expect, test } from "vitest";
import { canMove, statesBefore, terminalStates, unreachableStates } from "../../kit/state-machine.ts";
import { attemptTransitions, isOpenAttempt, isOpenPayment, paymentTransitions, queryDelay_ms } from "./payment.ts";

describe("payments", () => {
  test("every state is reached, and only success is final", () => {
    expect(unreachableStates(paymentTransitions, "created")).toEqual([]);
    expect(terminalStates(paymentTransitions)).toEqual(["succeeded"]);
  });

  test("from every other state a payment may still succeed, and nothing opens one again", () => {
    expect(statesBefore(paymentTransitions, "succeeded")).toEqual(["created", "processing", "closed", "failed"]);
    for (const over of ["closed", "failed"] as const) {
      expect(canMove(paymentTransitions, over, "processing")).toBe(false);
      expect(isOpenPayment({ status: over })).toBe(false);
    }
  });
});

describe("attempts", () => {
  test("every state is reached, and only success is final", () => {
    expect(unreachableStates(attemptTransitions, "created")).toEqual([]);
    expect(terminalStates(attemptTransitions)).toEqual(["succeeded"]);
  });

  test("from every other state an attempt may still succeed", () => {
    expect(statesBefore(attemptTransitions, "succeeded")).toEqual(["created", "sent", "unknown", "failed", "closed"]);
    const open = (["created", "sent", "unknown", "succeeded", "failed", "closed"] as const).filter((status) =>
      isOpenAttempt({ status }),
    );
    expect(open).toEqual(["created", "sent", "unknown"]);
  });
});

test("the channel is asked after 5 s, 30 s, 1, 3, 5, 10 and 30 minutes, then hourly for ever", () => {
  const delays_s = Array.from({ length: 9 }, (_, count) => queryDelay_ms(count) / 1000);
  expect(delays_s).toEqual([5, 30, 60, 180, 300, 600, 1800, 3600, 3600]);
  expect(queryDelay_ms(100_000)).toBe(3_600_000);
});
