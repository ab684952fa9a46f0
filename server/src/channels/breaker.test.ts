/**
 * Guarantee: a breaker opens only on repeated trouble, lets one probe through at a time once its wait is over, closes on
 * a good one, waits longer after a bad one, and is never shut for ever, whatever order calls and answers come in.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Breaker, breakerRules, type CallHealth, createBreaker } from "./breaker.ts";

const T = 1_800_000_000_000;

function call(breaker: Breaker, now: number, health: CallHealth) {
  const pass = breaker.admit(now);
  expect(pass).toBeDefined();
  return breaker.settle(pass!, health, now);
}

function opened(): Breaker {
  const breaker = createBreaker();
  for (let count = 0; count < breakerRules.troubles_min; count += 1) call(breaker, T, "trouble");
  expect(breaker.view(T)).toMatchObject({ state: "open", opened_at: T, retry_at: T + breakerRules.wait_ms });
  return breaker;
}

describe("opening", () => {
  it("tells when it opens, and lets nothing through before its wait is over", () => {
    const breaker = createBreaker();
    const changes = Array.from({ length: breakerRules.troubles_min }, () => call(breaker, T, "trouble"));
    expect(changes).toEqual([undefined, undefined, undefined, undefined, "opened"]);
    expect(breaker.admit(T + breakerRules.wait_ms - 1)).toBeUndefined();
  });

  it("stays closed while most calls are good, and for troubles that are long past", () => {
    const breaker = createBreaker();
    for (let count = 0; count < 40; count += 1) call(breaker, T + count, count % 3 === 0 ? "trouble" : "good");
    expect(breaker.view(T + 40)).toMatchObject({ state: "closed", calls: 40, troubles: 14 });
    const slow = createBreaker();
    for (let count = 0; count < 40; count += 1) call(slow, T + count * 15_000, "trouble");
    expect(slow.view(T + 40 * 15_000).state).toBe("closed");
  });

  it("learns nothing from calls that were not sent", () => {
    const breaker = createBreaker();
    for (let count = 0; count < 40; count += 1) call(breaker, T, "none");
    expect(breaker.view(T)).toMatchObject({ state: "closed", calls: 0 });
  });
});

describe("half open", () => {
  const later = T + breakerRules.wait_ms;

  it("lets one probe through at a time; a good one closes it", () => {
    const breaker = opened();
    const probe = breaker.admit(later)!;
    expect(breaker.admit(later)).toBeUndefined();
    expect(breaker.settle(probe, "good", later)).toBe("closed");
    expect(breaker.view(later)).toEqual({ state: "closed", opened_at: null, retry_at: null, calls: 0, troubles: 0 });
  });

  it("waits twice as long after each probe in trouble, up to its most, and begins anew once closed", () => {
    const breaker = opened();
    const waits: number[] = [];
    let now = later;
    for (let count = 0; count < 6; count += 1) {
      call(breaker, now, "trouble");
      waits.push(breaker.view(now).retry_at! - now);
      now = breaker.view(now).retry_at!;
    }
    expect(waits).toEqual([10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
    expect(breaker.view(now).opened_at).toBe(T);
    call(breaker, now, "good");
    for (let count = 0; count < breakerRules.troubles_min; count += 1) call(breaker, now, "trouble");
    expect(breaker.view(now).retry_at).toBe(now + breakerRules.wait_ms);
  });

  it("gives the next call the probe where one sent nothing", () => {
    const breaker = opened();
    expect(call(breaker, later, "none")).toBeUndefined();
    expect(call(breaker, later, "good")).toBe("closed");
  });

  it("does not believe calls that began before it opened", () => {
    const breaker = createBreaker();
    const early = Array.from({ length: 3 }, () => breaker.admit(T)!);
    for (let count = 0; count < breakerRules.troubles_min; count += 1) call(breaker, T, "trouble");
    for (const pass of early) expect(breaker.settle(pass, "good", T + 1)).toBeUndefined();
    expect(breaker.view(T + 1).state).toBe("open");
  });
});

it("admits a call within its longest wait, whatever happened", () => {
  const step = fc.record({
    after_ms: fc.integer({ min: 0, max: 30_000 }),
    action: fc.constantFrom("begin", "good", "trouble", "none"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const breaker = createBreaker();
      const running: NonNullable<ReturnType<Breaker["admit"]>>[] = [];
      let now = T;
      for (const { after_ms, action } of steps) {
        now += after_ms;
        if (action === "begin") {
          const pass = breaker.admit(now);
          if (pass) running.push(pass);
        } else if (running.length > 0) breaker.settle(running.shift()!, action as CallHealth, now);
      }
      expect(running.filter((pass) => pass.probe && breaker.view(now).state !== "closed").length).toBeLessThanOrEqual(
        1,
      );
      for (const pass of running) breaker.settle(pass, "trouble", now);
      expect(breaker.admits(now + breakerRules.wait_max_ms)).toBe(true);
    }),
  );
});
